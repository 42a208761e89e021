/**
 * Entries for one consumer: they wait here while the connection goes on, and count as done when the consumer has finished.
 *
 * Invariants:
 * - An entry is done when its consumer asks for the next one, or has left the loop; never when it is only handed out.
 * - A backlog is bounded. An entry that does not fit is dropped, and so are all later ones: `held` is the position from which
 *   the room has to send again.
 */
import { utf8Length } from "../protocol/ids.ts";
import type { StorageError } from "./errors.ts";
import type { Entry } from "./events.ts";

/** Entries, and their bytes, that may wait for one consumer. One entry may always wait. */
export const BACKLOG_ENTRIES = 10_000;
export const BACKLOG_BYTES = 8 * 1_024 * 1_024;
/** Bytes that an entry counts beside its text and its data. */
const ENTRY_BYTES = 128;

/** An entry, and the history of the room that its `seq` belongs to: a restored room counts again. */
interface Item {
  readonly entry: Entry;
  readonly generation: number;
  readonly bytes: number;
}

/** The entries that wait for one consumer, and those it works on. */
export class Backlog {
  #items: Item[] = [];
  /** Index of the oldest item that waits. */
  #head = 0;
  #bytes = 0;
  /** The oldest entry that the consumer works on. */
  #handed: Item | undefined;
  /** The entry in whose body the consumer left its loop. It counts as done a little later (`Delivery`). */
  #leaving: Item | undefined;
  /** Every entry up to this position waits here, was handed out, or does not concern this client. */
  held: number;
  /** Whether the next entry on this connection continues at `held`. */
  follows = true;
  /** When the consumer got the entry that it works on, by the monotonic clock. */
  handedAt = 0;
  /** Its stall was reported. */
  isReported = false;

  constructor(held: number) {
    this.held = held;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Whether all waiting entries were handed out, and dropped ones have to be sent again. */
  get isDry(): boolean {
    return !this.follows && this.size === 0;
  }

  /** The oldest entry that is not done. */
  get first(): { readonly generation: number; readonly seq: number } | undefined {
    const item = this.#leaving ?? this.#handed ?? this.#items[this.#head];
    return item && { generation: item.generation, seq: item.entry.seq };
  }

  /** The place of the entry that the consumer works on. */
  get working(): number | undefined {
    return this.#handed?.entry.seq;
  }

  offer(entry: Entry, generation: number): void {
    if (!this.follows || entry.seq <= this.held) return;
    const data = entry.data === undefined ? "" : JSON.stringify(entry.data);
    const bytes = ENTRY_BYTES + utf8Length(entry.text) + utf8Length(data);
    const fits = this.size < BACKLOG_ENTRIES && this.#bytes + bytes <= BACKLOG_BYTES;
    if (!fits && this.size > 0) {
      this.follows = false;
      return;
    }
    this.held = entry.seq;
    this.#items.push({ entry, generation, bytes });
    this.#bytes += bytes;
  }

  /** No entry up to `seq` concerns this client except those that were offered. */
  reach(seq: number): void {
    if (this.follows) this.held = Math.max(this.held, seq);
  }

  /** Hands out the next entry. */
  take(now: number): Entry | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    this.#bytes -= item.bytes;
    // Cut now and then, so that a long queue is not moved for each entry.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    if (this.#handed === undefined) {
      this.#handed = item;
      this.handedAt = now;
    }
    return item.entry;
  }

  /** The entry that was handed out is done. */
  finish(): void {
    this.#handed = undefined;
    this.isReported = false;
  }

  /** The consumer leaves its loop in the body of an entry. @returns whether it had one */
  leave(): boolean {
    this.#leaving ??= this.#handed;
    this.finish();
    return this.#leaving !== undefined;
  }

  /** Another consumer has the rest: no entry waits here any more. */
  abandon(): void {
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.follows = false;
  }

  /** The program has gone on after the loop. */
  left(): void {
    this.#leaving = undefined;
  }
}

/** The callbacks of an iterator. */
interface Owner {
  /** The consumer requested the next entry: the one before is done. */
  readonly requested: () => void;
  /** An entry was handed out. */
  readonly handed: () => void;
  readonly left: (feed: EntryIterator) => void;
  readonly now: () => number;
}

/** One `for await`. */
export class EntryIterator implements AsyncIterator<Entry, undefined> {
  readonly backlog: Backlog;
  readonly #owner: Owner;
  readonly #requests: ((result: IteratorResult<Entry, undefined> | Promise<never>) => void)[] = [];
  /** `ending`: waiting entries are still handed out. */
  #state: "open" | "ending" | "over" = "open";
  /** The error that the loop throws instead of its end, once. */
  #failure: StorageError | undefined;

  constructor(backlog: Backlog, owner: Owner) {
    this.backlog = backlog;
    this.#owner = owner;
  }

  /** Whether the consumer waits for an entry that has to be sent again. */
  get isDry(): boolean {
    return this.#state === "open" && this.#requests.length > 0 && this.backlog.isDry;
  }

  /** An entry was put into the backlog. */
  wake(): void {
    while (this.#requests.length > 0) {
      const value = this.backlog.take(this.#owner.now());
      if (value === undefined) return;
      this.#requests.shift()?.({ done: false, value });
      this.#owner.handed();
    }
  }

  /**
   * Ends the loop.
   * @param atOnce  waiting entries are no longer handed out
   * @param failure the error that the loop throws then: a program that only reads would not notice it otherwise
   */
  end(atOnce: boolean, failure?: StorageError): void {
    if (this.#state === "open") this.#failure = failure;
    this.#state = atOnce || this.#state === "over" ? "over" : "ending";
    for (const resolve of this.#requests.splice(0)) resolve(this.#over());
  }

  #over(): IteratorResult<Entry, undefined> | Promise<never> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? { done: true, value: undefined } : Promise.reject(failure);
  }

  next(): Promise<IteratorResult<Entry, undefined>> {
    this.backlog.finish();
    this.#owner.requested();
    if (this.#state === "over") return Promise.resolve(this.#over());
    const value = this.backlog.take(this.#owner.now());
    if (value !== undefined) {
      this.#owner.handed();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === "ending") return Promise.resolve(this.#over());
    return new Promise((resolve) => this.#requests.push(resolve));
  }

  /** `break` and `throw` both come here: an iterator cannot tell them apart. */
  return(): Promise<IteratorResult<Entry, undefined>> {
    if (this.#state !== "over") {
      this.end(true);
      this.#owner.left(this);
    }
    return Promise.resolve({ done: true, value: undefined });
  }
}
