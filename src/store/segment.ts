/**
 * A segment of the log as it came from the disk: cut into frames, which are read one by one, when somebody needs them.
 *
 * Invariants:
 * - It holds just the entries that its row is to hold, or it is not made: nothing is passed over.
 * - Immutable: it goes from one reader to the next.
 * - An entry that is read is for who asked, or may be. To read all of a large segment for the sake of one entry took 5 ms,
 *   and the garbage of many such readings 60 ms at a time.
 */
import {
  type Entry,
  frameStart,
  joinFrames,
  mayConcern,
  readEntry,
  SEPARATOR,
} from "../core/entry.ts";
import { type PeerName, type Seq, addSeq } from "../protocol/ids.ts";
import { corruptionError } from "./corruption.ts";
import { KIB } from "../core/limits.ts";

/**
 * Bytes of a row that become one string; more are decoded piece by piece. Of strings of more than 128 KiB V8 frees tens of
 * MB at once, when it looks through its whole heap: 20 ms and more in which nobody is served.
 */
export const DECODE_CHUNK_BYTES = 96 * KIB;

/** A row of the log, as far as its entries are concerned. */
export interface SegmentRow extends Record<string, SqlStorageValue> {
  first: number;
  last: number;
  bytes: number;
  /** Text; a long one, in UTF-8. */
  body: SqlStorageValue;
}

export class Segment {
  readonly first: Seq;
  readonly last: Seq;
  readonly bytes: number;
  readonly #frames: readonly string[];
  readonly #entries: (Entry | undefined)[];

  /**
   * @throws if the row does not hold just the entries that it is to hold: whoever must read it comes back until it is
   *   mended, and nothing is passed over
   */
  constructor(row: SegmentRow) {
    this.first = row.first as Seq;
    this.last = row.last as Seq;
    this.bytes = row.bytes;
    if (row.body === null || typeof row.body === "number") throw this.#corruption();
    this.#frames = splitFrames(row.body);
    this.#entries = this.#frames.map(() => undefined);
    const isWhole = this.#frames.every((frame, i) => frame.startsWith(frameStart(this.#seq(i))));
    if (!isWhole || this.#frames.length !== row.last - row.first + 1) throw this.#corruption();
  }

  at(seq: Seq): Entry | undefined {
    return this.#read(seq - this.first);
  }

  /** Entries above `seq`, upwards; not all of those that cannot concern `name`. */
  *above(seq: Seq, name: PeerName | undefined): Generator<Entry, void> {
    for (let i = Math.max(0, seq - this.first + 1); i < this.#frames.length; i++) {
      if (this.#isFor(i, name)) yield this.#read(i);
    }
  }

  /** Entries below `seq`, downwards; not all of those that cannot concern `name`. */
  *below(seq: Seq, name: PeerName): Generator<Entry, void> {
    for (let i = Math.min(seq - this.first, this.#frames.length) - 1; i >= 0; i--) {
      if (this.#isFor(i, name)) yield this.#read(i);
    }
  }

  /** Its text, with another entry in the place of the one that has its `seq`. */
  with(entry: Entry): string {
    return joinFrames(this.#frames.with(entry.seq - this.first, entry.frame));
  }

  #isFor(index: number, name: PeerName | undefined): boolean {
    return name === undefined || mayConcern(this.#frames[index] ?? "", name);
  }

  #read(index: number): Entry {
    try {
      return (this.#entries[index] ??= readEntry(this.#frames[index] ?? ""));
    } catch {
      // Without the parser's own message, which shows a piece of the text.
      throw this.#corruption();
    }
  }

  #seq(index: number): Seq {
    return addSeq(this.first, index);
  }

  #corruption(): Error {
    return corruptionError(
      `the segment with the entries ${this.first} to ${this.last} cannot be read`,
    );
  }
}

const decoder = new TextDecoder();
const LINE_FEED = 10;

/** Cuts a segment into its frames. They are not read, nor looked at. */
export function splitFrames(body: string | ArrayBuffer): string[] {
  if (typeof body === "string") return body === "[]" ? [] : body.slice(1, -1).split(SEPARATOR);
  const bytes = new Uint8Array(body);
  const frames: string[] = [];
  const bracket = bytes.length - 1;
  for (let start = 1; start < bracket;) {
    const end = pieceEnd(bytes, start);
    const piece = decoder.decode(bytes.subarray(start, end)).split(SEPARATOR);
    if (end < bracket && piece.at(-1) === "") piece.pop();
    frames.push(...piece);
    start = end;
  }
  return frames;
}

/** Behind the last separator within `PIECE_BYTES`; behind the next one, if a frame is longer; or at the last bracket. */
function pieceEnd(bytes: Uint8Array, start: number): number {
  const bracket = bytes.length - 1;
  if (bracket - start <= DECODE_CHUNK_BYTES) return bracket;
  const within = bytes.lastIndexOf(LINE_FEED, start + DECODE_CHUNK_BYTES);
  const feed = within > start ? within : bytes.indexOf(LINE_FEED, start);
  return feed === -1 ? bracket : feed + 1;
}
