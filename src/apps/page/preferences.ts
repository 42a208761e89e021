/**
 * What the page remembers on this device: who you are, your key, and what you wrote and did not send.
 *
 * Invariants:
 * - A browser that refuses storage is no reason to fail: then it is remembered for as long as the page lives, and
 *   `isKept` says so.
 * - The key is nowhere but here, and in the handshake. It is on the disk before a handshake claims a name with it: a name
 *   whose key is lost is lost as well, and `localStorage` is written to the disk up to a minute later.
 */
import { browserItem } from "../../client/index.ts";
import type { FailedItem } from "./model/log.ts";

/** Random bytes of a key: 192 bits. */
const KEY_BYTES = 24;
const PREFIX = "chat-room/";

export interface Draft {
  readonly text: string;
  readonly to: readonly string[];
}

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

function store(kind: "localStorage" | "sessionStorage"): Store | undefined {
  try {
    // Reading it throws where site data is blocked.
    const found = globalThis[kind];
    found.setItem(`${PREFIX}probe`, "");
    found.removeItem(`${PREFIX}probe`);
    return found;
  } catch {
    return undefined;
  }
}

export class Preferences {
  readonly #local = store("localStorage");
  readonly #tab = store("sessionStorage");
  readonly #here = new Map<string, string>();

  /** The key that is known to be on the disk. */
  #durable: string | undefined;
  #restoring: Promise<void> | undefined;

  /** Does this browser keep data for this page? Pages over http from another machine have neither locks nor a key. */
  get isKept(): boolean {
    return this.#local !== undefined && globalThis.isSecureContext;
  }

  /** Brings back the key that is on the disk, if `localStorage` was not written when the browser ended. */
  restored(): Promise<void> {
    return (this.#restoring ??= this.#restore());
  }

  async #restore(): Promise<void> {
    if (!this.isKept) return;
    try {
      this.#durable = await browserItem("key").load();
      if (this.#durable !== undefined) this.#set("key", this.#durable);
    } catch {
      // The record is kept in the same place: its storage says what is wrong.
    }
  }

  /** @returns the key of this browser, once it is on the disk, or cannot be */
  async keptKey(): Promise<string> {
    const { key } = this;
    if (!this.isKept || key === this.#durable) return key;
    try {
      await browserItem("key").save(key);
      this.#durable = key;
    } catch {
      // The same place refuses the record, and says so.
    }
    return key;
  }

  /** Where the client's record is kept. No name has a slash in it. */
  static recordOf(room: string, name: string): string {
    return `${PREFIX}record ${room}/${name}`;
  }

  /** The key of this browser, made at first use. */
  get key(): string {
    const kept = this.#get("key");
    if (kept !== undefined) return kept;
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const key = btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_");
    this.#set("key", key);
    return key;
  }

  set key(key: string) {
    this.#set("key", key);
  }

  /** This tab's name, or the last one used in this browser. */
  get name(): string {
    return this.#tabGet("name") ?? this.#get("name") ?? "";
  }

  get room(): string {
    return this.#get("room") ?? "";
  }

  /** Is this tab in a room, so that a reload goes on there? */
  get isIn(): boolean {
    return this.#tabGet("in") === "yes";
  }

  joined(room: string, name: string): void {
    this.#set("room", room);
    this.#set("name", name);
    this.#tabSet("name", name);
    this.#tabSet("in", "yes");
  }

  left(): void {
    this.#tabSet("in", "no");
  }

  draft(room: string, name: string): Draft {
    const draft = this.#read(`draft ${room}/${name}`) as Partial<Draft> | undefined;
    return { text: draft?.text ?? "", to: draft?.to ?? [] };
  }

  keepDraft(room: string, name: string, draft: Draft): void {
    this.#set(`draft ${room}/${name}`, JSON.stringify(draft));
  }

  /** Messages that were refused, or whose fate is unknown, until their writer has dealt with them. */
  troubles(room: string, name: string): readonly FailedItem[] {
    const troubles = this.#read(`trouble ${room}/${name}`);
    return Array.isArray(troubles) ? (troubles as FailedItem[]) : [];
  }

  keepTroubles(room: string, name: string, troubles: readonly FailedItem[]): void {
    this.#set(`trouble ${room}/${name}`, JSON.stringify(troubles));
  }

  #read(key: string): unknown {
    try {
      return JSON.parse(this.#get(key) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  #get(key: string): string | undefined {
    return this.#here.get(key) ?? this.#local?.getItem(PREFIX + key) ?? undefined;
  }

  #set(key: string, value: string): void {
    this.#here.delete(key);
    try {
      if (this.#local === undefined) throw new TypeError("no storage");
      this.#local.setItem(PREFIX + key, value);
    } catch {
      // Full, or refused: at least for as long as the page lives.
      this.#here.set(key, value);
    }
  }

  #tabGet(key: string): string | undefined {
    return this.#here.get(`tab ${key}`) ?? this.#tab?.getItem(PREFIX + key) ?? undefined;
  }

  #tabSet(key: string, value: string): void {
    this.#here.delete(`tab ${key}`);
    try {
      if (this.#tab === undefined) throw new TypeError("no storage");
      this.#tab.setItem(PREFIX + key, value);
    } catch {
      this.#here.set(`tab ${key}`, value);
    }
  }
}
