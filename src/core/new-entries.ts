/**
 * The entries of one turn, and the older ones that its patches change: the log gets both with the commit.
 *
 * Invariants:
 * - R4: `seq` rises by one per entry, and `at` never falls.
 * - An entry of this turn is changed before any peer has seen it.
 */
import {
  encodeEntry,
  type Entry,
  type Message,
  type MessageFields,
  type Patch,
  type PatchFields,
} from "./entry.ts";
import type { Found, Log } from "./ports.ts";
import { addSeq, type Seq } from "../protocol/ids.ts";

export class NewEntries {
  readonly #log: Log;
  readonly #onEntry: (entry: Entry) => void;
  #entries: Entry[] = [];
  /** Older entries that the patches of this turn have changed, by their seq. */
  #changed = new Map<Seq, Entry>();
  #encoded = 0;

  /** @param onEntry called with each entry that is added */
  constructor(log: Log, onEntry: (entry: Entry) => void) {
    this.#log = log;
    this.#onEntry = onEntry;
  }

  /** The entries of this turn, in order. */
  get all(): readonly Entry[] {
    return this.#entries;
  }

  /** The older entries that this turn has changed. */
  get changed(): readonly Entry[] {
    return this.#changed.size === 0 ? NONE : [...this.#changed.values()];
  }

  /** The head of the log, the entries of this turn included. */
  get head(): Seq {
    return this.#entries.at(-1)?.seq ?? this.#log.head;
  }

  /** Entries encoded so far, by this broker. */
  get encoded(): number {
    return this.#encoded;
  }

  /** Encodes a message as the next entry, without adding it. */
  encode(fields: Unplaced<NewMessage>, now: number): Message {
    const { from, to, text, id, ref, quiet, data } = fields;
    const { seq, at } = this.#place(now);
    // Spelled out: the hot path depends on that.
    return encodeEntry({ type: "message", seq, from, to, text, id, at, ref, quiet, data });
  }

  /** Encodes a patch as the next entry, without adding it. */
  encodePatch(fields: Unplaced<PatchFields>, now: number): Patch {
    return encodeEntry({ type: "patch", ...fields, ...this.#place(now) });
  }

  #place(now: number): { readonly seq: Seq; readonly at: number } {
    // Time is for display, yet it never runs backwards within a room.
    const at = Math.max(now, this.#entries.at(-1)?.at ?? this.#log.headAt);
    this.#encoded++;
    return { seq: addSeq(this.head, 1), at };
  }

  /**
   * Returns the entry at `seq` as this turn leaves it; undefined if it is not kept, or not there yet.
   * @throws if its row cannot be read
   */
  find(seq: Seq): Found | undefined {
    const fresh = this.#entries[seq - this.#log.head - 1];
    if (fresh !== undefined) return { entry: fresh, rowBytes: 0 };
    const found = this.#log.find(seq);
    const changed = this.#changed.get(seq);
    return found === undefined || changed === undefined ? found : { ...found, entry: changed };
  }

  /** Replaces the entry that has this seq, which `find` has returned. */
  change(entry: Entry): void {
    const index = entry.seq - this.#log.head - 1;
    if (index >= 0) this.#entries[index] = entry;
    else this.#changed.set(entry.seq, entry);
  }

  /** Adds the entry that `encode` or `encodePatch` has just returned. */
  add<One extends Entry>(entry: One): One {
    this.#entries.push(entry);
    this.#onEntry(entry);
    return entry;
  }

  /** Ends the turn: the log and the peers have the entries. */
  clear(): void {
    this.#entries = [];
    if (this.#changed.size > 0) this.#changed = new Map();
  }
}

/** The fields of an entry that has no place in the log yet. */
type Unplaced<Fields> = Omit<Fields, "type" | "seq" | "at">;

type NewMessage = Omit<MessageFields, "patched" | "patches" | "erased" | "by">;

const NONE: readonly Entry[] = [];
