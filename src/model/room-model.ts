/**
 * The folded view of a room: its messages in order, each as its last patch left it, with replies, reactions and gaps.
 *
 * Invariants:
 * - The view depends on what came, and not on the order, the repeats, or the way: live, replay, or pages of history.
 * - An entry, and a list of entries or reactions, is the same object until it changes. None is ever altered.
 * - A patch of a message that is not here waits for it. At most `EARLY_MAX` messages have such patches: the room has them
 *   folded, so that a page of history brings what was dropped.
 */
import type { Entry, Patch } from "../client/events.ts";
import type { Data } from "../protocol/frames.ts";
import { FoldedEntry } from "./folded-entry.ts";
import { keepingSame, type Reaction, type References, referencesOf } from "./reactions.ts";

/** How many messages that are not here may have patches. */
const EARLY_MAX = 1_000;

/** Entries from..to were removed before they came. Changes of earlier messages may be among them. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** `first`: the seq of the first unread message; absent if there is none. */
export interface Unread {
  readonly count: number;
  readonly first?: number;
}

const NOTHING = { replies: [], reactions: [] } as const;

/**
 * The messages that came from a room, as they are now.
 * @example
 * const model = new RoomModel();
 * chat.on("entry", (entry) => model.add(entry));
 * chat.on("patch", (patch) => model.apply(patch));
 * chat.on("gap", (gap) => model.addGap(gap));
 * for (const entry of (await chat.history()).messages) model.add(entry);
 */
export class RoomModel<D extends Data = Data> {
  /** The messages that are here, by seq. */
  #folded: FoldedEntry<D>[] = [];
  /** Messages of which only patches have come. */
  readonly #early = new Map<number, FoldedEntry<D>>();
  #gaps: readonly Gap[] = [];
  #entries: readonly Entry<D>[] | undefined = [];
  /** The seqs of the messages that refer to a seq, in order. */
  readonly #referring = new Map<number, readonly number[]>();
  readonly #references = new Map<number, { isStale: boolean; value: References<D> }>();

  /** All messages in the room's order, quiet ones too. */
  get entries(): readonly Entry<D>[] {
    this.#entries ??= this.#folded.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    return this.#entries;
  }

  /** The gaps in the room's order. They do not overlap. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** Returns the message at `seq`; undefined if it is not here. */
  get(seq: number): Entry<D> | undefined {
    const folded = this.#folded[this.#find(seq)];
    return folded?.seq === seq ? folded.entry : undefined;
  }

  /** Takes a message, or a later version of one. @returns whether there was none at its seq */
  add(entry: Entry<D>): boolean {
    const { seq, ref } = entry;
    const at = this.#find(seq);
    const known = this.#folded[at];
    if (known?.seq === seq) {
      this.#change(known, () => known.onEntry(entry));
      return false;
    }
    const folded = this.#early.get(seq) ?? new FoldedEntry<D>(seq);
    this.#early.delete(seq);
    this.#folded.splice(at, 0, folded);
    if (ref !== undefined) {
      const others = this.#referring.get(ref) ?? [];
      const place = others.findLastIndex((other) => other < seq) + 1;
      this.#referring.set(ref, others.toSpliced(place, 0, seq));
    }
    this.#change(folded, () => folded.onEntry(entry));
    return true;
  }

  /** Takes a change of a message. @returns whether a message that is here has changed */
  apply(patch: Patch<D>): boolean {
    const { ref } = patch;
    const known = this.#folded[this.#find(ref)];
    if (known?.seq === ref) return this.#change(known, () => known.onPatch(patch));
    const early = this.#early.get(ref) ?? new FoldedEntry<D>(ref);
    early.onPatch(patch);
    this.#early.set(ref, early);
    const [oldest] = this.#early.keys();
    if (this.#early.size > EARLY_MAX && oldest !== undefined) this.#early.delete(oldest);
    return false;
  }

  addGap({ from, to }: Gap): void {
    const touches = (gap: Gap): boolean => gap.from <= to + 1 && gap.to >= from - 1;
    const touched = this.#gaps.filter(touches);
    const gap = {
      from: Math.min(from, ...touched.map((one) => one.from)),
      to: Math.max(to, ...touched.map((one) => one.to)),
    };
    const others = this.#gaps.filter((one) => !touches(one));
    this.#gaps = [...others, gap].toSorted((a, b) => a.from - b.from);
  }

  /** Returns the messages that refer to `seq` and say something, in the room's order. */
  replies(seq: number): readonly Entry<D>[] {
    return this.#referencesTo(seq).replies;
  }

  /** Returns the marks on the message at `seq`, in the order in which they first came. */
  reactions(seq: number): readonly Reaction[] {
    return this.#referencesTo(seq).reactions;
  }

  /**
   * Counts the messages above `above` that are not of `reader` and not quiet.
   * @param above the seq up to which the reader has read
   */
  unread(above: number, reader: string): Unread {
    let count = 0;
    let first: number | undefined;
    for (let at = this.#folded.length - 1; at >= 0; at--) {
      const entry = this.#folded[at]?.entry;
      if (entry === undefined || entry.seq <= above) break;
      if (entry.from === reader || entry.quiet) continue;
      count++;
      first = entry.seq;
    }
    return first === undefined ? { count } : { count, first };
  }

  /** Drops what is below `seq`, to save memory. It may come again with a page of history. */
  forget(seq: number): void {
    const count = this.#find(seq);
    for (const { entry } of this.#folded.slice(0, count)) {
      this.#references.delete(entry?.seq ?? 0);
      const { ref } = entry ?? {};
      if (ref === undefined) continue;
      this.#markStale(ref);
      const others = (this.#referring.get(ref) ?? []).filter((other) => other >= seq);
      if (others.length > 0) this.#referring.set(ref, others);
      else this.#referring.delete(ref);
    }
    if (count > 0) this.#entries = undefined;
    this.#folded.splice(0, count);
    for (const early of this.#early.keys()) if (early < seq) this.#early.delete(early);
    this.#gaps = this.#gaps.filter(({ to }) => to >= seq);
  }

  /** Drops everything: the room has another history now, in which the same seqs are other messages. */
  clear(): void {
    this.forget(Infinity);
    this.#referring.clear();
    this.#references.clear();
  }

  /** Makes a change, and drops what was derived from the message before it. @returns whether it has changed */
  #change(folded: FoldedEntry<D>, change: () => void): boolean {
    const before = folded.entry;
    change();
    const { entry } = folded;
    if (entry === before) return false;
    this.#entries = undefined;
    if (entry?.ref !== undefined) this.#markStale(entry.ref);
    return true;
  }

  #markStale(ref: number): void {
    const references = this.#references.get(ref);
    if (references !== undefined) references.isStale = true;
  }

  #referencesTo(seq: number): References<D> {
    const known = this.#references.get(seq);
    if (known?.isStale === false) return known.value;
    const seqs = this.#referring.get(seq);
    if (seqs === undefined && known === undefined) return NOTHING;
    const entries = (seqs ?? []).flatMap((one) => this.get(one) ?? []);
    const value = keepingSame(known?.value ?? NOTHING, referencesOf(entries));
    this.#references.set(seq, { isStale: false, value });
    return value;
  }

  /** The index of the first message at or above `seq`. */
  #find(seq: number): number {
    let [low, high] = [0, this.#folded.length];
    if ((this.#folded.at(-1)?.seq ?? -1) < seq) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#folded[middle]?.seq ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
