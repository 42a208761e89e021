/**
 * The entries of one turn, which the log gets with the commit.
 *
 * Invariant (R4): `seq` rises by one per entry, and `at` never falls.
 */
import { encodeEntry, type Entry, type EntryFields } from "./entry.ts";
import type { Log } from "./ports.ts";
import { addSeq, type Seq } from "../protocol/ids.ts";

export class NewEntries {
  readonly #log: Log;
  readonly #onEntry: (entry: Entry) => void;
  #entries: Entry[] = [];
  #encoded = 0;

  /** @param onEntry called with each entry that is added */
  constructor(log: Log, onEntry: (entry: Entry) => void) {
    this.#log = log;
    this.#onEntry = onEntry;
  }

  /** The entries of this turn, in order. An entry that no peer has seen yet may be replaced in place. */
  get all(): Entry[] {
    return this.#entries;
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
  encode({ from, to, text, id }: Omit<EntryFields, "seq" | "at">, now: number): Entry {
    // Time is for display, yet it never runs backwards within a room.
    const at = Math.max(now, this.#entries.at(-1)?.at ?? this.#log.headAt);
    this.#encoded++;
    return encodeEntry({ seq: addSeq(this.head, 1), from, to, text, id, at });
  }

  /** Adds the entry that `encode` has just returned. */
  add(entry: Entry): Entry {
    this.#entries.push(entry);
    this.#onEntry(entry);
    return entry;
  }

  /** Ends the turn: the log and the peers have the entries. */
  clear(): void {
    this.#entries = [];
  }
}
