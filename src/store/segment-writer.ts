/**
 * Writes the rows of the log: new ones, and those whose entries have changed.
 *
 * Invariants:
 * - A row that its patches made longer than `SPLIT_BYTES` is split. The parts are contiguous, and what retention counts
 *   stays the same in all of them together.
 * - `audience` and `everyone` never leave out a name that an entry of the row concerns.
 */
import { type EntryFields, isOperatorPatch, joinFrames, readEntry } from "../core/entry.ts";
import { addSeq, type PeerName, type Seq, SEQ_ZERO, utf8Length } from "../protocol/ids.ts";
import type { Segment } from "./segment.ts";
import { ROW_BYTES, type Sql } from "./sql.ts";

/** Bytes of a row above which it is split: SQLite refuses values of 2 MB. */
export const SPLIT_BYTES = 2 * ROW_BYTES;

/** The columns of a row that trimming needs. */
export interface Extent extends Record<string, SqlStorageValue> {
  first: number;
  last: number;
  at: number;
  bytes: number;
  total: number;
}

export const EXTENT = "SELECT first, last, at, bytes, total FROM segments";

/** What the index of the log needs of an entry. */
type Indexed = Pick<EntryFields, "seq" | "from" | "to" | "at" | "type" | "by">;

/** Writes a new row. @param size the length of `body`, in bytes */
export function insertSegment(
  sql: Sql,
  { first, last, at, bytes, total }: Extent,
  size: number,
  entries: readonly Indexed[],
  body: string,
): void {
  const audience = new Map<PeerName, Seq>();
  let everyone = SEQ_ZERO;
  for (const entry of entries) {
    const { seq, from, to } = entry;
    if (to === undefined) everyone = seq;
    else {
      if (!isOperatorPatch(entry)) audience.set(from, seq);
      for (const name of to) audience.set(name, seq);
    }
  }
  const names = [...audience].map(([name, seq]) => `${name}:${seq} `).join("");
  sql.run(
    `INSERT INTO segments (last, first, at, everyone, bytes, total, audience, body, size)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    last,
    first,
    at,
    everyone,
    bytes,
    total,
    ` ${names}`,
    body,
    size === bytes ? null : size,
  );
}

/**
 * Writes the changed frames of a row; of a long one, as several rows.
 * @param size the length of all of them, in bytes
 */
export function rewriteSegment(sql: Sql, segment: Segment, frames: string[], size: number): void {
  const isLong = size > SPLIT_BYTES;
  if (isLong) return splitSegment(sql, segment, frames);
  const query = "UPDATE segments SET body = ?, size = ? WHERE last = ?";
  sql.run(query, joinFrames(frames), size, segment.last);
}

function splitSegment(sql: Sql, { first, last }: Segment, frames: readonly string[]): void {
  const [row] = sql.run<Extent>(`${EXTENT} WHERE last = ?`, last);
  if (row === undefined) return;
  sql.run("DELETE FROM segments WHERE last = ?", last);
  let next = first;
  let { at } = row;
  let before = row.total - row.bytes;
  for (const part of parts(frames, utf8Length)) {
    const end = addSeq(next, part.length - 1);
    const [start, time] = [next, at];
    const entries = part.map((frame, index) => indexOf(frame, addSeq(start, index), time));
    const size = part.reduce((sum, frame) => sum + utf8Length(frame) + 2, 0);
    // What retention counts stays what it was, in all parts together.
    const bytes = end === last ? row.total - before : Math.min(size, row.total - before);
    const extent = { first: next, last: end, at: entries.at(-1)?.at ?? at, bytes };
    before += bytes;
    at = extent.at;
    insertSegment(sql, { ...extent, total: before }, size, entries, joinFrames(part));
    next = addSeq(end, 1);
  }
}

/** A frame that cannot be read counts as one for everyone, so that its readers come upon it. */
function indexOf(frame: string, seq: Seq, at: number): Indexed {
  try {
    return readEntry(frame);
  } catch {
    return { type: "message", seq, from: "" as PeerName, at };
  }
}

/** Splits a list so that no part is longer than `ROW_BYTES`, except one of a single item. */
export function* parts<One>(
  items: readonly One[],
  bytesOf: (item: One) => number,
): Generator<One[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    const own = bytesOf(item);
    if (index > start && bytes + own > ROW_BYTES) {
      yield items.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += own + 2;
  }
  if (start < items.length) yield items.slice(start);
}
