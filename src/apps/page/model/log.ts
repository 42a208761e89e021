/**
 * The page's part of the room's log: entries and gaps in the room's order, then failed messages, then the outbox.
 *
 * Invariants:
 * - An entry is in the log once, at its seq, however it arrived. Duplicates and entries out of order are counted.
 * - Above `KEPT_MAX` entries and gaps the oldest may be dropped, because the room has them.
 */
import type { Entry, OutboxMessage } from "../../../client/index.ts";

/** How many entries and gaps are kept in memory. */
export const KEPT_MAX = 5_000;
/** How many are dropped at once when there are more. */
const DROP_BATCH = 1_000;

/** How an entry arrived: live, in a replay, or in a page of history. */
export type Via = "live" | "replay" | "history";

export interface Message {
  readonly kind: "message";
  readonly key: string;
  readonly seq: number;
  readonly entry: Entry;
  readonly via: Via;
}

/** Entries from..seq were removed before this client received them. */
export interface Gap {
  readonly kind: "gap";
  readonly key: string;
  readonly seq: number;
  readonly from: number;
}

export interface Waiting {
  readonly kind: "waiting";
  readonly key: string;
  readonly unsent: OutboxMessage;
}

/** An own message that the room rejected, or whose fate is unknown. */
export interface FailedItem {
  /** The browser's storage holds this word in saved items, so it stays. */
  readonly kind: "trouble";
  readonly key: string;
  readonly fate: "refused" | "unknown";
  readonly why: string;
  readonly unsent: OutboxMessage;
}

type Placed = Message | Gap;
export type LogItem = Placed | FailedItem | Waiting;

/** Entries that arrived twice, or out of order. */
export interface Tally {
  readonly duplicates: number;
  readonly outOfOrder: number;
}

export class Log {
  #placed: Placed[] = [];
  #failed: readonly FailedItem[] = [];
  #waiting: readonly Waiting[] = [];
  /** The highest seq that arrived live or in a replay. */
  #last = 0;
  #duplicates = 0;
  #outOfOrder = 0;
  /** Whether the oldest entry of the room is here. */
  isComplete = false;

  get items(): readonly LogItem[] {
    return [...this.#placed, ...this.#failed, ...this.#waiting];
  }

  get failed(): readonly FailedItem[] {
    return this.#failed;
  }

  /** The `before` for loading older history; undefined while the log is empty. */
  get oldest(): number | undefined {
    const [first] = this.#placed;
    return first?.kind === "gap" ? first.from : first?.seq;
  }

  get tally(): Tally {
    return { duplicates: this.#duplicates, outOfOrder: this.#outOfOrder };
  }

  /** @returns whether the entry is new */
  add(entry: Entry, via: Via): boolean {
    const { seq } = entry;
    if (via !== "history") {
      if (seq < this.#last) this.#outOfOrder++;
      this.#last = Math.max(this.#last, seq);
    }
    const isNew = this.#place({ kind: "message", key: `m${seq}`, seq, entry, via });
    if (!isNew && via !== "history") this.#duplicates++;
    // An operator may have erased it while this page was disconnected.
    if (!isNew && entry.erased) this.redact(seq);
    return isNew;
  }

  addGap(from: number, to: number): void {
    this.#last = Math.max(this.#last, to);
    this.#place({ kind: "gap", key: `g${to}`, seq: to, from });
  }

  /** An operator erased the text of an entry. */
  redact(seq: number): void {
    const at = this.#find(seq);
    const item = this.#placed[at];
    if (item?.kind !== "message" || item.seq !== seq) return;
    const entry = { ...item.entry, text: "", erased: true } as const;
    this.#placed[at] = { ...item, entry };
  }

  setWaiting(outbox: readonly OutboxMessage[]): void {
    const known = new Map(this.#waiting.map((item) => [item.unsent.id, item]));
    this.#waiting = outbox.map(
      (unsent) => known.get(unsent.id) ?? { kind: "waiting", key: `w${unsent.id}`, unsent },
    );
  }

  setFailed(failed: readonly FailedItem[]): void {
    this.#failed = failed;
  }

  /** The room was restored: the entries belong to another history. */
  clear(): void {
    this.#placed = [];
    this.#last = 0;
    this.isComplete = false;
  }

  /** Drops the oldest items above the limit. Call it only while they are out of sight. */
  trim(): void {
    if (this.#placed.length <= KEPT_MAX) return;
    this.#placed.splice(0, DROP_BATCH);
    this.isComplete = false;
  }

  #place(item: Placed): boolean {
    const at = this.#find(item.seq);
    if (this.#placed[at]?.seq === item.seq) return false;
    if (at === this.#placed.length) this.#placed.push(item);
    else this.#placed.splice(at, 0, item);
    return true;
  }

  /** The index of the first item at or above `seq`. */
  #find(seq: number): number {
    let [low, high] = [0, this.#placed.length];
    if ((this.#placed.at(-1)?.seq ?? -1) < seq) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#placed[middle]?.seq ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
