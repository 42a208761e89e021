/**
 * The log on SQLite: one row per commit, which holds its entries as the text that goes over the wire.
 *
 * Invariants:
 * - Rows are contiguous: each `first` is the `last` before it plus one. Trimming takes from the old end only, whole rows.
 * - `audience` and `everyone` only make a scan skip rows that hold nothing for the reader.
 */
import { type Entry, joinFrames } from "../core/entry.ts";
import { SCAN_BYTES, SCAN_ENTRIES } from "../core/limits.ts";
import { DECODE_CHUNK_BYTES, Segment, type SegmentRow } from "./segment.ts";
import { EXTENT, type Extent, insertSegment, parts, rewriteSegment } from "./segment-writer.ts";
import { ROW_BYTES, type Sql } from "./sql.ts";
import { addSeq, maxSeq, type PeerName, type Seq, SEQ_ZERO } from "../protocol/ids.ts";
import type { Audience, Found, Log, Retention, Scan } from "../core/ports.ts";
import { corruptionError, isWhole } from "./corruption.ts";

/** Rows that one commit deletes at most, so that a log that has aged in silence does not block the room. */
export const TRIM_ROWS = 256;

/** Segments cached as they were read, for a reader that takes a large one in many pages, and for many readers of a small one. */
const CACHED_SEGMENTS = 32;
const CACHED_BYTES = 4 * ROW_BYTES;

/**
 * A stretch of the log, which ends early when enough was read. A class, not an object literal with getters: each such
 * literal gets its own hidden class, which kept the rows alive until the next major GC, hundreds of MB, with pauses of
 * 100 ms.
 */
class BoundedScan implements Scan {
  bytes = 0;
  readonly entries: Iterable<Entry>;
  #end: Seq | undefined;
  readonly #fullEnd: () => Seq;

  /** @param fullEnd returns where the stretch ends if not early; called once, when first needed */
  constructor(fullEnd: () => Seq, entries: (self: BoundedScan) => Iterable<Entry>) {
    this.#fullEnd = fullEnd;
    this.entries = entries(this);
  }

  get end(): Seq {
    return (this.#end ??= this.#fullEnd());
  }

  /** Ends the stretch at `end` if enough rows were read. @returns whether it does */
  endsEarly(end: Seq): boolean {
    if (this.bytes < SCAN_BYTES) return false;
    this.#end = end;
    return true;
  }
}

export class SqliteLog implements Log {
  readonly #sql: Sql;
  #oldest: Extent | undefined;
  #newest: Extent | undefined;
  /**
   * In the order in which they were read. No `Map`: one that is written again and again leaves a chain of dead tables, which
   * kept all their texts alive and cost pauses of 40 ms.
   */
  #cache: Segment[] = [];

  constructor(sql: Sql) {
    this.#sql = sql;
    [this.#oldest] = sql.run<Extent>(`${EXTENT} ORDER BY last LIMIT 1`);
    [this.#newest] = sql.run<Extent>(`${EXTENT} ORDER BY last DESC LIMIT 1`);
  }

  get head(): Seq {
    return (this.#newest?.last ?? SEQ_ZERO) as Seq;
  }

  get headAt(): number {
    return this.#newest?.at ?? 0;
  }

  get first(): Seq {
    return (this.#oldest?.first ?? 1) as Seq;
  }

  append(entries: readonly Entry[], changed: readonly Entry[] = []): void {
    let grown = changed.length > 0 ? this.#change(changed) : 0;
    for (const part of parts(entries, ({ bytes }) => bytes)) {
      this.#insert(part, grown);
      grown = 0;
    }
  }

  /** Replaces entries by those of `changed`. @returns the bytes by which they grew; one that shrank is not counted */
  #change(changed: readonly Entry[]): number {
    let grown = 0;
    const rows = new Map<Seq, { readonly segment: Segment; readonly entries: Entry[] }>();
    for (const entry of changed) {
      const segment = this.#segmentOf(entry.seq);
      if (segment === undefined) continue;
      const row = rows.get(segment.last);
      if (row === undefined) rows.set(segment.last, { segment, entries: [entry] });
      else row.entries.push(entry);
    }
    for (const { segment, entries } of rows.values()) {
      let size = segment.bytes;
      for (const { seq, bytes } of entries) {
        const growth = bytes - segment.bytesAt(seq);
        size += growth;
        grown += Math.max(0, growth);
      }
      const frames = segment.with(entries);
      // A split changes neither end of the log, nor what retention counts: the extents in memory hold.
      rewriteSegment(this.#sql, segment, frames, size);
      this.#drop((other) => other.last === segment.last);
    }
    return grown;
  }

  trim(retention: Retention, now: number): void {
    const isExpired = ({ first, at, bytes, total }: Extent): boolean =>
      addSeq(this.head, 1) - first > retention.entries ||
      (this.#newest?.total ?? 0) - (total - bytes) > retention.bytes ||
      at < now - retention.ageMs;
    if (!this.#oldest || this.#oldest.last === this.head || !isExpired(this.#oldest)) return;
    const query = `${EXTENT} WHERE last < ? ORDER BY last LIMIT ${TRIM_ROWS}`;
    const old = this.#sql.run<Extent>(query, this.head);
    const kept = old.findIndex((extent) => !isExpired(extent));
    const end = old.at(kept === -1 ? -1 : kept - 1)?.last ?? 0;
    this.#sql.run("DELETE FROM segments WHERE last <= ?", end);
    this.#drop(({ last }) => last <= end);
    [this.#oldest] =
      kept === -1
        ? this.#sql.run<Extent>(`${EXTENT} WHERE last > ? ORDER BY last LIMIT 1`, end)
        : old.slice(kept);
  }

  get extent(): Log["extent"] {
    const [oldest, newest] = [this.#oldest, this.#newest];
    if (oldest === undefined || newest === undefined) return { bytes: 0, oldestAt: undefined };
    return { bytes: newest.total - (oldest.total - oldest.bytes), oldestAt: oldest.at };
  }

  find(seq: Seq): Found | undefined {
    const segment = this.#segmentOf(seq);
    const entry = segment?.at(seq);
    return segment && entry && { entry, rowBytes: segment.bytes };
  }

  after(seq: Seq, name?: PeerName): Scan {
    return new BoundedScan(
      () => this.#endAfter(seq),
      (stretch) => this.#forward(seq, name, stretch),
    );
  }

  before(seq: Seq, name: PeerName): Scan {
    const top = Math.min(seq, addSeq(this.head, 1)) as Seq;
    const reach = Math.max(this.first, top - SCAN_ENTRIES) as Seq;
    return new BoundedScan(
      () => this.#startBefore(reach),
      (stretch) => this.#backward(top, reach, name, stretch),
    );
  }

  audienceAbove(above: Seq): Audience {
    const personal = new Map<PeerName, Seq>();
    let everyone = SEQ_ZERO;
    const rows = this.#sql.each<{ last: number; everyone: number; audience: string }>(
      "SELECT last, everyone, audience FROM segments WHERE last > ? ORDER BY last",
      above,
    );
    for (const row of rows) {
      if (!isWhole(row.everyone) || typeof row.audience !== "string") {
        throw corruptionError(
          `the audience of the segment that ends with ${row.last} cannot be read`,
        );
      }
      everyone = maxSeq(everyone, row.everyone as Seq);
      for (const item of row.audience.trim().split(" ")) {
        const [name, seq] = item.split(":");
        if (seq !== undefined) personal.set(name as PeerName, Number(seq) as Seq);
      }
    }
    return { everyone, personal };
  }

  /** A stretch includes the whole row in which it ends. */
  #endAfter(seq: Seq): Seq {
    const reach = addSeq(seq, SCAN_ENTRIES);
    if (reach >= this.head) return this.head;
    const query = "SELECT min(last) AS end FROM segments WHERE last >= ?";
    return (this.#sql.run<{ end: number }>(query, reach)[0]?.end ?? this.head) as Seq;
  }

  /** A stretch includes the row in which it ends from its first entry on. */
  #startBefore(reach: Seq): Seq {
    const query = "SELECT first AS start FROM segments WHERE last >= ? ORDER BY last LIMIT 1";
    return (this.#sql.run<{ start: number }>(query, reach)[0]?.start ?? reach) as Seq;
  }

  *#forward(seq: Seq, name: PeerName | undefined, stretch: BoundedScan): Generator<Entry, void> {
    let above = seq;
    // A reader that takes a large segment in many pages continues in it without a query.
    for (const kept of this.#cache) {
      if (kept.first > addSeq(above, 1) || kept.last <= above) continue;
      yield* kept.above(above, name);
      above = kept.last;
      break;
    }
    if (above >= this.head) return;
    const where = "last > ? AND last <= ? AND (everyone > ? OR instr(audience, ?)) ORDER BY last";
    const floor = name === undefined ? -1 : above;
    for (const segment of this.#read(where, above, stretch.end, floor, audienceNeedle(name))) {
      stretch.bytes += segment.bytes;
      yield* segment.above(above, name);
      if (stretch.endsEarly(segment.last)) return;
    }
  }

  *#backward(below: Seq, reach: Seq, name: PeerName, stretch: BoundedScan): Generator<Entry, void> {
    const where =
      "last >= ? AND first < ? AND (everyone > 0 OR instr(audience, ?)) ORDER BY last DESC";
    for (const segment of this.#read(where, reach, below, audienceNeedle(name))) {
      stretch.bytes += segment.bytes;
      yield* segment.below(below, name);
      if (stretch.endsEarly(segment.first)) return;
    }
  }

  /** Returns the row that holds the entry at `seq`. */
  #segmentOf(seq: Seq): Segment | undefined {
    if (seq < this.first || seq > this.head) return undefined;
    const cached = this.#cache.find(({ first, last }) => first <= seq && seq <= last);
    if (cached !== undefined) return cached;
    const [segment] = this.#read("last >= ? ORDER BY last LIMIT 1", seq);
    return segment;
  }

  *#read(where: string, ...values: SqlStorageValue[]): Generator<Segment, void> {
    const size = "coalesce(size, bytes)";
    const body = `iif(${size} > ${DECODE_CHUNK_BYTES}, CAST(body AS BLOB), body) AS body`;
    const query = `SELECT first, last, ${size} AS bytes, ${body} FROM segments WHERE ${where}`;
    for (const row of this.#sql.each<SegmentRow>(query, ...values)) {
      // The cache saves parsing. The row was read anyway, so it still counts towards the scan.
      let segment = this.#cache.find(({ last }) => last === row.last);
      if (segment === undefined) {
        segment = new Segment(row);
        this.#keep(segment);
      }
      yield segment;
    }
  }

  #keep(segment: Segment): void {
    this.#cache.push(segment);
    const isFull = (): boolean =>
      this.#cache.length > CACHED_SEGMENTS ||
      this.#cache.reduce((sum, { bytes }) => sum + bytes, 0) > CACHED_BYTES;
    while (this.#cache.length > 1 && isFull()) this.#cache.shift();
  }

  #drop(isGone: (segment: Segment) => boolean): void {
    this.#cache = this.#cache.filter((segment) => !isGone(segment));
  }

  /** @param grown bytes by which older rows grew in this commit */
  #insert(entries: readonly Entry[], grown: number): void {
    const [oldest, newest] = [entries.at(0), entries.at(-1)];
    if (oldest === undefined || newest === undefined) return;
    let size = 2 * entries.length;
    for (const entry of entries) size += entry.bytes;
    const bytes = size + grown;
    const total = (this.#newest?.total ?? 0) + bytes;
    const extent = { first: oldest.seq, last: newest.seq, at: newest.at, bytes, total };
    const body = joinFrames(entries.map((entry) => entry.frame));
    insertSegment(this.#sql, extent, size, entries, body);
    this.#newest = extent;
    this.#oldest ??= extent;
  }
}

/** Returns the needle that `instr` finds in `audience`; every text contains the empty one. */
const audienceNeedle = (name: PeerName | undefined): string =>
  name === undefined ? "" : ` ${name}:`;
