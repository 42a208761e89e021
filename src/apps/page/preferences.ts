/**
 * The data that the page keeps in this browser: room and name, the key, drafts, and failed messages.
 *
 * Invariants:
 * - If the browser refuses storage, the page keeps all of it in memory, and `isPersistent` is false.
 * - The key is nowhere but here and in the handshake. It is on the disk before a handshake claims a name with it: a name
 *   whose key is lost is lost too, and browsers write `localStorage` to the disk up to a minute later.
 */
import {
  browserItem,
  browserStorage,
  type ClientStorage,
  type TabOptions,
} from "../../client/index.ts";
import { randomToken } from "../../protocol/random-token.ts";
import type { FailedItem } from "./model/log.ts";

const KEY_BITS = 192;
const PREFIX = "chat-room/";

export interface Draft {
  readonly text: string;
  readonly to: readonly string[];
  /** The message that it replies to. */
  readonly ref?: number;
  /** The text is the new one of this own message. */
  readonly edit?: number;
  /** The draft that comes back after the edit. */
  readonly aside?: Omit<Draft, "edit" | "aside">;
}

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

function openStore(kind: "localStorage" | "sessionStorage"): Store | undefined {
  try {
    // The property throws where site data is blocked.
    const found = globalThis[kind];
    found.setItem(`${PREFIX}probe`, "");
    found.removeItem(`${PREFIX}probe`);
    return found;
  } catch {
    return undefined;
  }
}

export class Preferences {
  readonly #local = openStore("localStorage");
  readonly #tab = openStore("sessionStorage");
  readonly #memory = new Map<string, string>();

  /** The key on the disk, if it is known. */
  #savedKey: string | undefined;
  #restoring: Promise<void> | undefined;

  /** Whether the browser keeps data for this page. For a page over http from another machine, it does not. */
  get isPersistent(): boolean {
    return this.#local !== undefined && globalThis.isSecureContext;
  }

  /** Restores the key from the disk, where it survives a crash in which `localStorage` was not written. */
  restoreKey(): Promise<void> {
    return (this.#restoring ??= this.#restore());
  }

  async #restore(): Promise<void> {
    if (!this.isPersistent) return;
    try {
      this.#savedKey = await browserItem("key").load();
      if (this.#savedKey !== undefined) this.#set("key", this.#savedKey);
    } catch {
      // The record is in the same database: its storage reports the error.
    }
  }

  /** The storage of a client's record. It opens once the key is on the disk. */
  recordStorage(room: string, name: string, tabs: TabOptions): ClientStorage {
    // A slash separates them, because no name contains one.
    const storage = browserStorage(`${PREFIX}record ${room}/${name}`, tabs);
    return { ...storage, open: () => this.#saveKey().then(() => storage.open?.()) };
  }

  async #saveKey(): Promise<void> {
    const { key } = this;
    if (!this.isPersistent || key === this.#savedKey) return;
    try {
      await browserItem("key").save(key);
      this.#savedKey = key;
    } catch {
      // The record is in the same database: its storage reports the error.
    }
  }

  /** The key of this browser, created at first use. */
  get key(): string {
    const saved = this.#get("key");
    if (saved !== undefined) return saved;
    const key = randomToken(KEY_BITS);
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

  /** Whether this tab is in a room, and a reload joins it again. */
  get isJoined(): boolean {
    return this.#tabGet("in") === "yes";
  }

  onJoin(room: string, name: string): void {
    this.#set("room", room);
    this.#set("name", name);
    this.#tabSet("name", name);
    this.#tabSet("in", "yes");
  }

  onLeave(): void {
    this.#tabSet("in", "no");
  }

  draft(room: string, name: string): Draft {
    const draft = this.#read(`draft ${room}/${name}`) as Partial<Draft> | undefined;
    return { ...draft, text: draft?.text ?? "", to: draft?.to ?? [] };
  }

  saveDraft(room: string, name: string, draft: Draft): void {
    this.#set(`draft ${room}/${name}`, JSON.stringify(draft));
  }

  failedMessages(room: string, name: string): readonly FailedItem[] {
    const failed = this.#read(`trouble ${room}/${name}`);
    return Array.isArray(failed) ? (failed as FailedItem[]).map(withType) : [];
  }

  saveFailedMessages(room: string, name: string, failed: readonly FailedItem[]): void {
    this.#set(`trouble ${room}/${name}`, JSON.stringify(failed));
  }

  #read(key: string): unknown {
    try {
      return JSON.parse(this.#get(key) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  #get(key: string): string | undefined {
    return this.#memory.get(key) ?? this.#local?.getItem(PREFIX + key) ?? undefined;
  }

  #set(key: string, value: string): void {
    this.#memory.delete(key);
    try {
      if (this.#local === undefined) throw new TypeError("no storage");
      this.#local.setItem(PREFIX + key, value);
    } catch {
      // The storage is full or refuses: the page keeps it in memory.
      this.#memory.set(key, value);
    }
  }

  #tabGet(key: string): string | undefined {
    return this.#memory.get(`tab ${key}`) ?? this.#tab?.getItem(PREFIX + key) ?? undefined;
  }

  #tabSet(key: string, value: string): void {
    this.#memory.delete(`tab ${key}`);
    try {
      if (this.#tab === undefined) throw new TypeError("no storage");
      this.#tab.setItem(PREFIX + key, value);
    } catch {
      this.#memory.set(`tab ${key}`, value);
    }
  }
}

/** An earlier version of this page saved messages only, without a type. */
const withType = ({ unsent, ...item }: FailedItem): FailedItem => {
  const typed = { type: "message", ...(unsent as object) } as FailedItem["unsent"];
  return { ...item, unsent: typed };
};
