/**
 * A client's conversation, for both modes: turns the client's events into output items, and sends input.
 *
 * Invariant: a message that was typed here is not shown again when it is confirmed; own messages from elsewhere, such
 * as an earlier run of this client, are shown.
 */
import type { ChatClient, ClientEvents, Entry } from "../../client/index.ts";
import {
  ChatError,
  ConsumerStalledError,
  OutboxFullError,
  StorageError,
} from "../../client/errors.ts";
import { plainText } from "../../client/error-text.ts";
import type { Input } from "./input.ts";
import type { OutputItem } from "./output.ts";

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
  readonly #client: ChatClient;
  readonly #emit: (item: OutputItem) => void;
  /** Messages typed here and not confirmed, in order. */
  readonly #typed: Send[] = [];
  readonly #remembered = new Set<string>();
  #online = new Set<string>();
  #welcomed = false;

  /** Sequence numbers of messages that were confirmed before their entry arrived. */
  readonly #confirmedSeqs = new Set<number>();
  /** Entries that the consumer has not read. */
  #unread = 0;

  /** @param consumer reads items at its own speed; without one, an item counts as read when it is emitted */
  constructor(client: ChatClient, emit: (item: OutputItem) => void, consumer?: Consumer) {
    this.#client = client;
    this.#emit = emit;
    if (consumer === undefined) client.on("entry", (entry) => this.#onEntry(entry));
    else {
      client.on("entry", () => void this.#unread++);
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
    client.on("unknown", (item) => {
      if (item.type === "message") emit({ ...item, type: "unknown" });
    });
    client.on("refused", ({ error: { code, message }, ...item }) => {
      if (item.type === "message") emit({ ...item, type: "refused", code, message });
    });
    client.on("error", (error) => {
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
    return this.#unread === 0;
  }

  /** Marks an entry as done when the consumer has read it: after a kill, the next run shows the unread entries. */
  async #consume(entries: AsyncIterator<Entry>, { flushed, onRead }: Consumer): Promise<void> {
    for (;;) {
      const { done, value } = await entries.next();
      if (done === true) return;
      this.#onEntry(value);
      await flushed();
      this.#unread--;
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
    const { text, to } = message;
    this.#typed.push(message);
    this.#remember(to ?? []);
    try {
      const entry = await this.#client.send(text, to && { to });
      const isShown = !this.#typed.includes(message);
      if (!isShown && !this.#isToSelf(entry)) this.#confirmedSeqs.add(entry.seq);
    } catch (error) {
      // A rejection and an unknown fate also arrive as events, which include the messages of earlier runs.
      // After a close, the message stays in the outbox, and the close is shown once.
      if (error instanceof OutboxFullError) {
        this.#emit({ ...message, type: "refused", code: "outbox-full", message: error.message });
      }
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
        this.#emit({ type: "history", ...(await this.#client.history({ limit: question.limit })) });
      }
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const why = plainText(error.message);
      this.#emit({ type: "error", message: `/${question.type}: ${why}` });
    }
  }

  #onEntry(entry: Entry): void {
    if (!isReadable(entry)) {
      const message =
        "the room sent a message that this client cannot read: update the client or the room";
      return this.#emit({ type: "error", message });
    }
    this.#remember([entry.from, ...(entry.to ?? [])]);
    if (entry.from === this.#client.name && !this.#isToSelf(entry)) {
      const typed = this.#typed.find(
        ({ text, to }) => text === entry.text && sameNames(to, entry.to),
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
    this.#emit({ type: "entry", entry });
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

/** A newer room, or a server that is not a room, may send anything as a message. */
const isReadable = ({ from, to, text }: { readonly [Key in keyof Entry]: unknown }): boolean =>
  typeof from === "string" && typeof text === "string" && (to === undefined || Array.isArray(to));

const sameNames = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.join() === b.join());
