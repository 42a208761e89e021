/**
 * One client and what it has to say, for the screen and for pipes alike: events come out as sayings, input goes in.
 *
 * Invariant: what was typed here and is confirmed is not said again; own messages from elsewhere, an earlier life of
 * this client for one, are.
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

/** How many names Tab knows, beyond those who are here. */
const NAMES_MAX = 1_000;

type Presence = ClientEvents["presence"];
type Send = Extract<Input, { type: "send" }>;

interface Reader {
  /** Resolved when the reader has taken what was said last. */
  readonly taken: () => Promise<void>;
  /** The reader has taken an entry. */
  readonly read: () => void;
}

export class ChatSession {
  readonly #client: ChatClient;
  readonly #say: (saying: OutputItem) => void;
  /** Typed here and not confirmed, in order. */
  readonly #typed: Send[] = [];
  readonly #met = new Set<string>();
  #here = new Set<string>();
  #welcomed = false;

  /** Confirmed before it was heard: by their place. */
  readonly #confirmed = new Set<number>();
  /** Entries that came and were not taken by the reader. */
  #unread = 0;

  /** @param reader takes what is said in its own time; without it, saying is enough */
  constructor(client: ChatClient, say: (saying: OutputItem) => void, reader?: Reader) {
    this.#client = client;
    this.#say = say;
    if (reader === undefined) client.on("entry", (entry) => this.#hear(entry));
    else {
      client.on("entry", () => void this.#unread++);
      this.#readOut(client[Symbol.asyncIterator](), reader).catch((error: unknown) => {
        // The client emits it as well, and closes: the program ends by that.
        if (!(error instanceof StorageError)) throw error;
      });
    }
    client.on("presence", (presence) => {
      this.#meet(presence.joined);
      say({ type: "presence", ...presence, news: this.#news(presence) });
    });
    client.on("signal", (signal) => say({ type: "signal", ...signal }));
    client.on("gap", ({ from, to }) => say({ type: "gap", from, to }));
    client.on("unknown", ({ id, text, to }) =>
      say({ type: "unknown", id, text, ...(to && { to }) }),
    );
    client.on("refused", ({ id, text, to, error: { code, message } }) =>
      say({ type: "refused", id, text, ...(to && { to }), code, message }),
    );
    client.on("error", (error) => {
      // A reader that takes its time is no error.
      if (error instanceof ConsumerStalledError) return;
      say({ type: "error", message: error.message });
    });
    client.on("state", (state) => {
      say({ type: "state", state });
      if (state.type !== "live" || this.#welcomed) return;
      this.#welcomed = true;
      const { room, name, online, peers } = client;
      say({ type: "welcome", room, name, online, peers });
    });
  }

  /** Has the reader taken everything that came? */
  get isRead(): boolean {
    return this.#unread === 0;
  }

  /** An entry is done when the reader has taken it: what a kill leaves unread is said by the next run. */
  async #readOut(entries: AsyncIterator<Entry>, { taken, read }: Reader): Promise<void> {
    for (;;) {
      const { done, value } = await entries.next();
      if (done === true) return;
      this.#hear(value);
      await taken();
      this.#unread--;
      read();
    }
  }

  /** The names that Tab completes. */
  names(): Set<string> {
    const names = new Set([...this.#client.peers, ...this.#met]);
    names.delete(this.#client.name);
    return names;
  }

  /** Sends. Whether it was confirmed is told by the promise; if not, it has been said why. @throws ChatError */
  async send(message: Send): Promise<void> {
    const { text, to } = message;
    this.#typed.push(message);
    this.#meet(to ?? []);
    try {
      const entry = await this.#client.send(text, to && { to });
      const isHeard = !this.#typed.includes(message);
      if (!isHeard && !this.#concernsMe(entry)) this.#confirmed.add(entry.seq);
    } catch (error) {
      // A refusal and an unknown fate come as events as well, which may concern an earlier life of this client.
      // After a close, the message is in the outbox, and the close itself is told once.
      if (error instanceof OutboxFullError) {
        this.#say({ ...message, type: "refused", code: "outbox-full", message: error.message });
      }
      throw error;
    } finally {
      this.#forget(message);
    }
    const away = to?.filter((name) => !this.#client.peers.includes(name)) ?? [];
    // In a big room, not all who are here are known.
    if (away.length > 0 && this.#client.online <= this.#client.peers.length) {
      this.#say({ type: "away", names: away });
    }
  }

  /** Answers a question; never throws for the network's sake. */
  async ask(question: Extract<Input, { type: "who" | "history" }>): Promise<void> {
    try {
      if (question.type === "who") {
        const { after } = question;
        const page = await this.#client.who(after === undefined ? {} : { after });
        this.#meet(page.peers.map(({ name }) => name));
        this.#say({ type: "who", ...page });
      } else {
        this.#say({ type: "history", ...(await this.#client.history({ limit: question.limit })) });
      }
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const why = plainText(error.message);
      this.#say({ type: "error", message: `/${question.type}: ${why}` });
    }
  }

  #hear(entry: Entry): void {
    if (!isReadable(entry)) {
      const message =
        "the room sent a message that this client cannot read: update the one or the other";
      return this.#say({ type: "error", message });
    }
    this.#meet([entry.from, ...(entry.to ?? [])]);
    if (entry.from === this.#client.name && !this.#concernsMe(entry)) {
      const typed = this.#typed.find(
        ({ text, to }) => text === entry.text && sameNames(to, entry.to),
      );
      if (this.#confirmed.delete(entry.seq)) {
        this.#say({ type: "entry", entry, typed: true });
        return;
      }
      if (typed !== undefined) {
        this.#forget(typed);
        this.#say({ type: "entry", entry, typed: true });
        return;
      }
    }
    this.#say({ type: "entry", entry });
  }

  /** What is new of it: after each welcome, the library tells all who are here. */
  #news({ joined, left, online }: Presence): { joined: string[]; left: string[] } {
    const now = new Set(this.#client.peers);
    const before = this.#here;
    this.#here = now;
    // In a big room, the library does not know all: then only what the room says is told.
    const gone = online <= now.size ? [...before].filter((name) => !now.has(name)) : [];
    const news = {
      joined: joined.filter((name) => !before.has(name)),
      left: [...new Set([...left, ...gone])],
    };
    return this.#welcomed ? news : { joined: [], left: [] };
  }

  /** A note to oneself. */
  #concernsMe = ({ to }: Entry): boolean => to?.includes(this.#client.name) ?? false;

  #forget(message: Send): void {
    const index = this.#typed.indexOf(message);
    if (index >= 0) this.#typed.splice(index, 1);
  }

  #meet(names: readonly string[]): void {
    for (const name of names) {
      this.#met.delete(name);
      this.#met.add(name);
    }
    for (const oldest of this.#met) {
      if (this.#met.size <= NAMES_MAX) return;
      this.#met.delete(oldest);
    }
  }
}

/** A newer room, or what is none, may send anything as a message. */
const isReadable = ({ from, to, text }: { readonly [Key in keyof Entry]: unknown }): boolean =>
  typeof from === "string" && typeof text === "string" && (to === undefined || Array.isArray(to));

const sameNames = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.join() === b.join());
