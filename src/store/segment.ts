/**
 * A segment of the log as it was read: split into frames, which are parsed one by one, when they are needed.
 *
 * Invariants:
 * - It holds exactly the entries of its row, or the constructor throws: no entry is skipped.
 * - Immutable: readers share it.
 * - Only entries that may concern the reader are parsed. Parsing all of a large segment for one entry took 5 ms, and
 *   collecting the garbage of many such reads 60 ms at a time.
 */
import { type Entry, isFrameOf, mayConcern, readEntry, SEPARATOR } from "../core/entry.ts";
import { type PeerName, type Seq, addSeq, utf8Length } from "../protocol/ids.ts";
import { corruptionError } from "./corruption.ts";
import { KIB } from "../core/limits.ts";

/**
 * Bytes of a row that become one string; a larger row is decoded in chunks. V8 frees strings over 128 KiB only in a major
 * GC, tens of MB at a time: pauses of 20 ms and more.
 */
export const DECODE_CHUNK_BYTES = 96 * KIB;

/** The columns of a row that its entries need. */
export interface SegmentRow extends Record<string, SqlStorageValue> {
  first: number;
  last: number;
  /** Of the body. */
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
   * @throws if the row does not hold exactly its entries: a peer that needs it is closed, and returns until the row is
   *   restored; no entry is skipped
   */
  constructor(row: SegmentRow) {
    this.first = row.first as Seq;
    this.last = row.last as Seq;
    this.bytes = row.bytes;
    if (row.body === null || typeof row.body === "number") throw this.#corruption();
    this.#frames = splitFrames(row.body);
    this.#entries = this.#frames.map(() => undefined);
    const isWhole = this.#frames.every((frame, i) => isFrameOf(this.#seq(i), frame));
    if (!isWhole || this.#frames.length !== row.last - row.first + 1) throw this.#corruption();
  }

  at(seq: Seq): Entry | undefined {
    return this.#read(seq - this.first);
  }

  /** Yields entries above `seq`, upwards. Some that cannot concern `name` are left out. */
  *above(seq: Seq, name: PeerName | undefined): Generator<Entry, void> {
    for (let i = Math.max(0, seq - this.first + 1); i < this.#frames.length; i++) {
      if (this.#isFor(i, name)) yield this.#read(i);
    }
  }

  /** Yields entries below `seq`, downwards. Some that cannot concern `name` are left out. */
  *below(seq: Seq, name: PeerName): Generator<Entry, void> {
    for (let i = Math.min(seq - this.first, this.#frames.length) - 1; i >= 0; i--) {
      if (this.#isFor(i, name)) yield this.#read(i);
    }
  }

  /** Returns the frames of the segment, with `changed` in the places of those that have their `seq`. */
  with(changed: readonly Entry[]): string[] {
    const frames = [...this.#frames];
    for (const { seq, frame } of changed) frames[seq - this.first] = frame;
    return frames;
  }

  /** The bytes of the frame at `seq`. */
  bytesAt(seq: Seq): number {
    return utf8Length(this.#frames[seq - this.first] ?? "");
  }

  #isFor(index: number, name: PeerName | undefined): boolean {
    return name === undefined || mayConcern(this.#frames[index] ?? "", name);
  }

  #read(index: number): Entry {
    try {
      return (this.#entries[index] ??= readEntry(this.#frames[index] ?? ""));
    } catch {
      // The parser's own message would show a piece of the text.
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

/** Splits a segment into its frames, without parsing them. */
export function splitFrames(body: string | ArrayBuffer): string[] {
  if (typeof body === "string") return body === "[]" ? [] : body.slice(1, -1).split(SEPARATOR);
  const bytes = new Uint8Array(body);
  const frames: string[] = [];
  const bracket = bytes.length - 1;
  for (let start = 1; start < bracket;) {
    const end = chunkEnd(bytes, start);
    const chunk = decoder.decode(bytes.subarray(start, end)).split(SEPARATOR);
    if (end < bracket && chunk.at(-1) === "") chunk.pop();
    frames.push(...chunk);
    start = end;
  }
  return frames;
}

/** Returns the end of a chunk: after the last separator within `DECODE_CHUNK_BYTES`, or after the next one if a frame is longer. */
function chunkEnd(bytes: Uint8Array, start: number): number {
  const bracket = bytes.length - 1;
  if (bracket - start <= DECODE_CHUNK_BYTES) return bracket;
  const within = bytes.lastIndexOf(LINE_FEED, start + DECODE_CHUNK_BYTES);
  const feed = within > start ? within : bytes.indexOf(LINE_FEED, start);
  return feed === -1 ? bracket : feed + 1;
}
