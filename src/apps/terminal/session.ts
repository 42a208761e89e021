/**
 * A client's conversation, for both modes: turns the client's events into output items, and sends input.
 *
 * Invariant: a message that was typed here is not shown again when it is confirmed; own messages from elsewhere, such
 * as an earlier run of this client, are shown.
 */
import type { ChatClient, ClientEvents, Entry, Patch } from "../../client/index.ts";
import {
  ChatError,
  ConsumerStalledError,
  RestoredError,
  StorageError,
} from "../../client/errors.ts";
import { plainText } from "../../client/error-text.ts";
import { Changes, fullItem } from "./changes.ts";
import type { Input } from "./input.ts";
import { isReadable, type KnownMessage, KnownMessages } from "./known-messages.ts";
import { type OutputItem, unsent } from "./output.ts";

/** How many names Tab completes besides those of the peers who are online. */
const REMEMBERED_MAX = 1_000;

type Presence = ClientEvents["presence"];
type Send = Extract<Input, { type: "send" }>;

interface Consumer {
  /** Resolved when the consumer has read the latest item. */
  readonly flushed: () => Promise<void>;
  /** Called when the consumer has read an entry. */
  readonly onRead: () => void;
}

export class ChatSession {
  readonly changes: Changes;
  readonly #client: ChatClient;
  readonly #emit: (item: OutputItem) => void;
  /** Messages typed here and not confirmed, in order. */
  readonly #typed: Send[] = [];
  readonly #remembered = new Set<string>();
  #online = new Set<string>();
  #welcomed = false;

  readonly #known: KnownMessages;

  /** Sequence numbers of messages that were confirmed before their entry arrived. */
  readonly #confirmedSeqs = new Set<number>();
  /** How many entries have come, were emitted, and were read by the consumer. */
  #arrived = 0;
  #emitted = 0;
  #read = 0;
  /** Patches that wait for the entries before them; `after`: how many entries had come. */
  readonly #patches: { readonly patch: Patch; readonly after: number }[] = [];

  /** @param consumer reads items at its own speed; without one, an item counts as read when it is emitted */
  constructor(client: ChatClient, emit: (item: OutputItem) => void, consumer?: Consumer) {
    this.#client = client;
    this.#emit = emit;
    this.#known = new KnownMessages(client.name);
    this.changes = new Changes(client, this.#known, emit, (message) => this.send(message));
    client.on("patch", (patch) => {
      this.#patches.push({ patch, after: this.#arrived });
      this.#emitPatches();
    });
    if (consumer === undefined) client.on("entry", (entry) => this.#onEntry(entry));
    else {
      client.on("entry", () => void this.#arrived++);
      this.#consume(client[Symbol.asyncIterator](), consumer).catch((error: unknown) => {
        // The client also emits this error and closes, which ends the program.
        if (!(error instanceof StorageError)) throw error;
      });
    }
    client.on("presence", (presence) => {
      this.#remember(presence.joined);
      emit({ type: "presence", ...presence, changes: this.#changes(presence) });
    });
    client.on("signal", (signal) => emit({ type: "signal", ...signal }));
    client.on("gap", ({ from, to }) => emit({ type: "gap", from, to }));
    client.on("unknown", (item) => emit({ ...unsent(item), type: "unknown" }));
    client.on("refused", ({ error: { code, message }, ...item }) =>
      emit({ ...unsent(item), type: "refused", code, message }),
    );
    client.on("error", (error) => {
      // The same numbers are other messages now.
      if (error instanceof RestoredError) this.#known.clear();
      // A slow reader of the output is not an error.
      if (error instanceof ConsumerStalledError) return;
      emit({ type: "error", message: error.message });
    });
    client.on("state", (state) => {
      emit({ type: "state", state });
      if (state.type !== "live" || this.#welcomed) return;
      this.#welcomed = true;
      const { room, name, online, peers } = client;
      emit({ type: "welcome", room, name, online, peers });
    });
  }

  /** Has the consumer read every entry? */
  get isRead(): boolean {
    return this.#read === this.#arrived;
  }

  /** Marks an entry as done when the consumer has read it: after a kill, the next run shows the unread entries. */
  async #consume(entries: AsyncIterator<Entry>, { flushed, onRead }: Consumer): Promise<void> {
    for (;;) {
      const { done, value } = await entries.next();
      if (done === true) return;
      this.#onEntry(value);
      this.#emitted++;
      this.#emitPatches();
      await flushed();
      this.#read++;
      onRead();
    }
  }

  /** The names that Tab completes. */
  names(): Set<string> {
    const names = new Set([...this.#client.peers, ...this.#remembered]);
    names.delete(this.#client.name);
    return names;
  }

  /** Resolves when the message is confirmed. If it is not, the reason has been emitted. @throws ChatError */
  async send(message: Send): Promise<void> {
    const { type: _, text, ...options } = message;
    const { to } = options;
    this.#typed.push(message);
    this.#remember(to ?? []);
    try {
      const entry = await this.#client.send(text, options);
      this.#known.add(entry);
      const isShown = !this.#typed.includes(message);
      if (!isShown && !this.#isToSelf(entry)) this.#confirmedSeqs.add(entry.seq);
    } catch (error) {
      const full = fullItem(error, message);
      if (full !== undefined) this.#emit(full);
      throw error;
    } finally {
      this.#removeTyped(message);
    }
    const away = to?.filter((name) => !this.#client.peers.includes(name)) ?? [];
    // In a large room, the client knows only some of the peers who are online.
    if (away.length > 0 && this.#client.online <= this.#client.peers.length) {
      this.#emit({ type: "away", names: away });
    }
  }

  /** Emits the answer to a query; a network error becomes an item. */
  async query(question: Extract<Input, { type: "who" | "history" }>): Promise<void> {
    try {
      if (question.type === "who") {
        const { after } = question;
        const page = await this.#client.who(after === undefined ? {} : { after });
        this.#remember(page.peers.map(({ name }) => name));
        this.#emit({ type: "who", ...page });
      } else {
        const page = await this.#client.history({ limit: question.limit });
        const messages = page.messages.filter(isReadable);
        for (const entry of messages) this.#known.add(entry);
        const original = (ref: number): KnownMessage | undefined => this.#known.get(ref);
        this.#emit({ type: "history", ...page, messages, original });
      }
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const why = plainText(error.message);
      this.#emit({ type: "error", message: `/${question.type}: ${why}` });
    }
  }

  #onEntry(entry: Entry): void {
    if (!isReadable(entry)) return this.#emit({ type: "error", message: UNREADABLE });
    this.#remember([entry.from, ...(entry.to ?? [])]);
    this.#known.add(entry);
    const original = entry.ref === undefined ? undefined : this.#known.get(entry.ref);
    if (entry.from === this.#client.name && !this.#isToSelf(entry)) {
      const typed = this.#typed.find(
        ({ text, to, ref }) => text === entry.text && sameNames(to, entry.to) && ref === entry.ref,
      );
      if (this.#confirmedSeqs.delete(entry.seq)) {
        this.#emit({ type: "entry", entry, typed: true });
        return;
      }
      if (typed !== undefined) {
        this.#removeTyped(typed);
        this.#emit({ type: "entry", entry, typed: true });
        return;
      }
    }
    this.#emit({ type: "entry", entry, ...(original && { original }) });
  }

  /** Emits the patches whose turn it is: those before which every entry was emitted. */
  #emitPatches(): void {
    for (;;) {
      const [next] = this.#patches;
      if (next === undefined || next.after > this.#emitted) return;
      this.#patches.shift();
      const { patch } = next;
      if (!isReadable({ text: "", ...patch })) {
        this.#emit({ type: "error", message: UNREADABLE });
        continue;
      }
      const isSeen = !this.#known.apply(patch);
      this.#emit({ type: "patch", patch, ...(isSeen && { isSeen }) });
    }
  }

  /** The part of a presence event that was not shown before: after a welcome, the library emits all who are online. */
  #changes({ joined, left, online }: Presence): { joined: string[]; left: string[] } {
    const now = new Set(this.#client.peers);
    const before = this.#online;
    this.#online = now;
    // In a large room, the library does not know everyone: then only joins and leaves that the room sends are shown.
    const gone = online <= now.size ? [...before].filter((name) => !now.has(name)) : [];
    const changes = {
      joined: joined.filter((name) => !before.has(name)),
      left: [...new Set([...left, ...gone])],
    };
    return this.#welcomed ? changes : { joined: [], left: [] };
  }

  /** Is the message addressed to its sender too? */
  #isToSelf = ({ to }: Entry): boolean => to?.includes(this.#client.name) ?? false;

  #removeTyped(message: Send): void {
    const index = this.#typed.indexOf(message);
    if (index >= 0) this.#typed.splice(index, 1);
  }

  #remember(names: readonly string[]): void {
    for (const name of names) {
      this.#remembered.delete(name);
      this.#remembered.add(name);
    }
    for (const oldest of this.#remembered) {
      if (this.#remembered.size <= REMEMBERED_MAX) return;
      this.#remembered.delete(oldest);
    }
  }
}

const UNREADABLE =
  "the room sent a message that this client cannot read: update the client or the room";

const sameNames = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.join() === b.join());
