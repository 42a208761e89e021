/**
 * What the page knows of the room's log: entries and gaps in the room's order, then what is in trouble, then what waits.
 *
 * Invariants:
 * - An entry stands once, at its place, however it came; that it came twice, or out of order, is counted.
 * - What is older than `KEPT` places may be dropped: the room has it.
 */
import type { Entry, OutboxMessage } from "../../../client/index.ts";

/** How many entries and gaps are kept in memory. */
export const KEPT = 5_000;
/** How many go at once when there are more. */
const DROPPED = 1_000;

/** How an entry came: as it was said, after an absence, or asked for. */
export type Via = "live" | "replay" | "history";

export interface Message {
  readonly kind: "message";
  readonly key: string;
  readonly seq: number;
  readonly entry: Entry;
  readonly via: Via;
}

/** Entries from..to were removed before this client had them. */
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

/** A message of one's own that the room refused, or whose fate is unknown. */
export interface FailedItem {
  readonly kind: "trouble";
  readonly key: string;
  readonly fate: "refused" | "unknown";
  readonly why: string;
  readonly unsent: OutboxMessage;
}

type Placed = Message | Gap;
export type LogItem = Placed | FailedItem | Waiting;

/** What came since it was last asked. */
export interface Tally {
  readonly doubled: number;
  readonly misplaced: number;
}

export class Log {
  #placed: Placed[] = [];
  #troubles: readonly FailedItem[] = [];
  #waiting: readonly Waiting[] = [];
  /** The highest place that the room itself sent, asked or not. */
  #last = 0;
  #doubled = 0;
  #misplaced = 0;
  /** Is the oldest entry here the oldest that there is? */
  isWhole = false;

  get items(): readonly LogItem[] {
    return [...this.#placed, ...this.#troubles, ...this.#waiting];
  }

  get troubles(): readonly FailedItem[] {
    return this.#troubles;
  }

  /** Below which place the past is to be asked for; undefined if nothing is here. */
  get oldest(): number | undefined {
    const [first] = this.#placed;
    return first?.kind === "gap" ? first.from : first?.seq;
  }

  get tally(): Tally {
    return { doubled: this.#doubled, misplaced: this.#misplaced };
  }

  /** @returns whether it is new here */
  add(entry: Entry, via: Via): boolean {
    const { seq } = entry;
    if (via !== "history") {
      if (seq < this.#last) this.#misplaced++;
      this.#last = Math.max(this.#last, seq);
    }
    const isNew = this.#place({ kind: "message", key: `m${seq}`, seq, entry, via });
    if (!isNew && via !== "history") this.#doubled++;
    // It may have been erased while nobody could tell it to this page.
    if (!isNew && entry.redacted) this.redact(seq);
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
    const entry = { ...item.entry, text: "", redacted: true } as const;
    this.#placed[at] = { ...item, entry };
  }

  setWaiting(outbox: readonly OutboxMessage[]): void {
    const known = new Map(this.#waiting.map((item) => [item.unsent.id, item]));
    this.#waiting = outbox.map(
      (unsent) => known.get(unsent.id) ?? { kind: "waiting", key: `w${unsent.id}`, unsent },
    );
  }

  setTroubles(troubles: readonly FailedItem[]): void {
    this.#troubles = troubles;
  }

  /** Another history begins: what was here belongs to none. */
  clear(): void {
    this.#placed = [];
    this.#last = 0;
    this.isWhole = false;
  }

  /** Drops the oldest if there are too many: only to be called when nobody looks at them. */
  trim(): void {
    if (this.#placed.length <= KEPT) return;
    this.#placed.splice(0, DROPPED);
    this.isWhole = false;
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
