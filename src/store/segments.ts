/**
 * The log on SQLite: one row per commit, holding its entries as the very text that goes over the wire.
 *
 * Invariants:
 * - Rows are contiguous: each `first` is the `last` before it plus one. Trimming takes from the old end only, whole rows.
 * - `audience` and `everyone` may only make a scan skip a row that holds nothing for the reader.
 */
import { type Entry, joinEntries, splitEntries } from "../core/entry.ts";
import { ROW_BYTES, SCAN_ENTRIES, TRIM_ROWS } from "../core/limits.ts";
import { type PeerName, type Seq, shift, START } from "../core/names.ts";
import type { Log, Retention, Scan } from "../core/storage.ts";
import type { Sql } from "./sql.ts";

/** What trimming needs to know of a row. */
interface Extent extends Record<string, SqlStorageValue> {
  first: number;
  last: number;
  at: number;
  bytes: number;
  total: number;
}

const EXTENT = "SELECT first, last, at, bytes, total FROM segments";

export class Segments implements Log {
  readonly #sql: Sql;
  #oldest: Extent | undefined;
  #newest: Extent | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
    [this.#oldest] = sql.run<Extent>(`${EXTENT} ORDER BY last LIMIT 1`);
    [this.#newest] = sql.run<Extent>(`${EXTENT} ORDER BY last DESC LIMIT 1`);
  }

  get head(): Seq {
    return (this.#newest?.last ?? START) as Seq;
  }

  get headAt(): number {
    return this.#newest?.at ?? 0;
  }

  get first(): Seq {
    return (this.#oldest?.first ?? 1) as Seq;
  }

  append(entries: readonly Entry[]): void {
    let start = 0;
    let bytes = 0;
    entries.forEach((entry, index) => {
      if (index > start && bytes + entry.bytes > ROW_BYTES) {
        this.#insert(entries.slice(start, index));
        start = index;
        bytes = 0;
      }
      bytes += entry.bytes + 2;
    });
    if (start < entries.length) this.#insert(entries.slice(start));
  }

  trim(retention: Retention, now: number): void {
    const isExpired = ({ first, at, bytes, total }: Extent): boolean =>
      shift(this.head, 1) - first > retention.entries ||
      (this.#newest?.total ?? 0) - (total - bytes) > retention.bytes ||
      at < now - retention.ageMs;
    if (!this.#oldest || this.#oldest.last === this.head || !isExpired(this.#oldest)) return;
    const query = `${EXTENT} WHERE last < ? ORDER BY last LIMIT ${TRIM_ROWS}`;
    const old = this.#sql.run<Extent>(query, this.head);
    const kept = old.findIndex((extent) => !isExpired(extent));
    const end = old.at(kept === -1 ? -1 : kept - 1)?.last ?? 0;
    this.#sql.run("DELETE FROM segments WHERE last <= ?", end);
    [this.#oldest] =
      kept === -1
        ? this.#sql.run<Extent>(`${EXTENT} WHERE last > ? ORDER BY last LIMIT 1`, end)
        : old.slice(kept);
  }

  after(seq: Seq, name?: PeerName): Scan {
    // The row in which the stretch ends is read whole.
    const reach = shift(seq, SCAN_ENTRIES);
    const [row] =
      reach < this.head
        ? this.#sql.run<{ end: number }>(
            "SELECT min(last) AS end FROM segments WHERE last >= ?",
            reach,
          )
        : [];
    const end = (row?.end ?? this.head) as Seq;
    const bodies = this.#bodies(
      "last > ? AND last <= ? AND (everyone > ? OR instr(audience, ?)) ORDER BY last",
      [seq, end, name === undefined ? -1 : seq, key(name)],
    );
    return { end, entries: ascending(bodies, seq) };
  }

  before(seq: Seq, name: PeerName): Scan {
    const top = Math.min(seq, shift(this.head, 1)) as Seq;
    const reach = Math.max(this.first, top - SCAN_ENTRIES);
    // The row in which the stretch ends is read from its first entry on.
    const [row] = this.#sql.run<{ end: number }>(
      "SELECT first AS end FROM segments WHERE last >= ? ORDER BY last LIMIT 1",
      reach,
    );
    const bodies = this.#bodies(
      "last >= ? AND first < ? AND (everyone > 0 OR instr(audience, ?)) ORDER BY last DESC",
      [reach, top, key(name)],
    );
    return { end: (row?.end ?? reach) as Seq, entries: descending(bodies, top) };
  }

  /** Of each name: the last entry that concerns it alone; and the last that is for everyone. Reads every row. */
  lastConcerns(): { everyone: number; personal: Map<string, number> } {
    const personal = new Map<string, number>();
    let everyone = 0;
    const rows = this.#sql.each<{ everyone: number; audience: string }>(
      "SELECT everyone, audience FROM segments ORDER BY last",
    );
    for (const row of rows) {
      everyone = Math.max(everyone, row.everyone);
      for (const item of row.audience.trim().split(" ")) {
        const [name, seq] = item.split(":");
        if (name !== undefined && seq !== undefined) personal.set(name, Number(seq));
      }
    }
    return { everyone, personal };
  }

  *#bodies(where: string, values: SqlStorageValue[]): Generator<Entry[], void> {
    const query = `SELECT body FROM segments WHERE ${where}`;
    for (const { body } of this.#sql.each<{ body: string }>(query, ...values)) {
      yield splitEntries(body);
    }
  }

  #insert(entries: readonly Entry[]): void {
    const [oldest, newest] = [entries.at(0), entries.at(-1)];
    if (oldest === undefined || newest === undefined) return;
    const audience = new Map<PeerName, Seq>();
    let everyone = START;
    let bytes = 2 * entries.length;
    for (const { seq, from, to, bytes: own } of entries) {
      bytes += own;
      if (to === undefined) everyone = seq;
      else for (const name of [from, ...to]) audience.set(name, seq);
    }
    const extent = {
      first: oldest.seq,
      last: newest.seq,
      at: newest.at,
      bytes,
      total: (this.#newest?.total ?? 0) + bytes,
    };
    const names = [...audience].map(([name, seq]) => `${name}:${seq} `).join("");
    this.#sql.run(
      `INSERT INTO segments (last, first, at, everyone, bytes, total, audience, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      extent.last,
      extent.first,
      extent.at,
      everyone,
      bytes,
      extent.total,
      ` ${names}`,
      joinEntries(entries),
    );
    this.#newest = extent;
    this.#oldest ??= extent;
  }
}

/** What `instr` looks for; the empty text is in everything. */
const key = (name: PeerName | undefined): string => (name === undefined ? "" : ` ${name}:`);

function* ascending(bodies: Iterable<Entry[]>, above: Seq): Generator<Entry, void> {
  for (const entries of bodies) {
    for (const entry of entries) if (entry.seq > above) yield entry;
  }
}

function* descending(bodies: Iterable<Entry[]>, below: Seq): Generator<Entry, void> {
  for (const entries of bodies) {
    for (const entry of entries.reverse()) if (entry.seq < below) yield entry;
  }
}
