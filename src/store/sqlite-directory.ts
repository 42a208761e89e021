/**
 * The directory of names on SQLite: the owner, the birth and the cursor of each.
 *
 * Invariants:
 * - `find` returns what the next `flush` will have written.
 * - Of a name's own row and the checkpoint, the one written later holds its cursor: not the higher one, because an explicit
 *   `since` may have moved it back. Rows are stamped with the head before the commit, the checkpoint with the head
 *   after it, so within a commit the checkpoint counts, and after it the row.
 * - A peer whose socket died without a close event has its cursor only in the checkpoint; later checkpoints carry it on
 *   until the peer returns.
 * - A corrupt cursor is replaced by an older one, down to the name's birth: entries come twice, and none is lost that a
 *   crash before the write would not have lost. A name whose birth or owner is corrupt cannot join.
 */
import { ROW_BYTES, type Sql } from "./sql.ts";
import { type PeerName, type Seq, SEQ_ZERO, utf8Length } from "../protocol/ids.ts";
import { decodeUsage, encodeUsage } from "../core/peers/log-quota.ts";
import type { Candidate, Directory, MemberRecord, Progress } from "../core/ports.ts";
import { corruptionError, isWhole } from "./corruption.ts";
import type { SqliteLog } from "./sqlite-log.ts";

/**
 * Records cached in memory, so that a message to an absent name does not read a row each time. More than are online by
 * default: when all connections break at once, the returning names are found here.
 */
const CACHED_NAMES = 8_192;

interface PeerRow extends Record<string, SqlStorageValue> {
  name: string;
  owner: string;
  birth: number;
  cursor: number;
  head: number;
  seen: number;
  spent: string;
}

/** Name, cursor, last seen; and the quota used, if any. */
type CheckpointRow = [name: PeerName, cursor: Seq, seen: number, spent?: string];

const UPSERT = `INSERT INTO peers (name, owner, birth, cursor, head, seen, spent) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, birth = excluded.birth, cursor = excluded.cursor,
    head = excluded.head, seen = excluded.seen, spent = excluded.spent`;

const CHECKPOINT = `INSERT INTO checkpoint (part, head, saved) VALUES (?, ?, ?)
  ON CONFLICT (part) DO UPDATE SET head = excluded.head, saved = excluded.saved`;

export class SqliteDirectory implements Directory {
  readonly #sql: Sql;
  readonly #log: SqliteLog;
  readonly #onCorruption: (error: Error) => void;
  readonly #changed = new Map<PeerName, MemberRecord | "forgotten">();
  readonly #cache = new Map<PeerName, MemberRecord | undefined>();
  /** The last checkpoint, without the names whose row was written since. */
  #saved: Map<PeerName, CheckpointRow>;
  #savedHead: number;
  #parts: number;
  #count: number | undefined;

  constructor(sql: Sql, log: SqliteLog, onCorruption: (error: Error) => void) {
    this.#sql = sql;
    this.#log = log;
    this.#onCorruption = onCorruption;
    const rows = sql.run<{ head: number; saved: string }>(
      "SELECT head, saved FROM checkpoint ORDER BY part",
    );
    const saved = rows.flatMap((row) => {
      const read = readSaved(row.saved);
      if (read === undefined)
        onCorruption(corruptionError("a checkpoint of cursors cannot be read"));
      return read ?? [];
    });
    this.#saved = new Map(saved.map((one) => [one[0], one]));
    this.#savedHead = rows[0]?.head ?? 0;
    this.#parts = rows.length;
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  find(name: PeerName): MemberRecord | undefined {
    const changed = this.#changed.get(name);
    if (changed !== undefined) return changed === "forgotten" ? undefined : changed;
    if (this.#cache.has(name)) return this.#cache.get(name);
    const [row] = this.#sql.run<PeerRow>("SELECT * FROM peers WHERE name = ?", name);
    return this.#keep(name, row && this.#recordOf(row));
  }

  count(): number {
    this.#count ??= Number(this.#sql.run("SELECT count(*) AS n FROM peers")[0]?.["n"]);
    return this.#count;
  }

  claim(name: PeerName, record: MemberRecord): void {
    this.#count = this.count() + 1;
    this.#changed.set(name, record);
  }

  save(name: PeerName, progress: Progress): void {
    const record = this.find(name);
    if (record !== undefined) this.#changed.set(name, { ...record, ...progress });
  }

  forget(name: PeerName): void {
    this.#count = this.count() - 1;
    this.#changed.set(name, "forgotten");
  }

  page(after: string, limit: number): PeerName[] {
    // SQLite's BINARY collation compares UTF-8 bytes.
    const query = "SELECT name FROM peers WHERE name > ? ORDER BY name LIMIT ?";
    return this.#sql.run<{ name: string }>(query, after, limit).map(({ name }) => name as PeerName);
  }

  forgettable(awayBefore: number): Candidate[] {
    const { everyone, personal } = this.#log.audienceAbove(SEQ_ZERO);
    const oldestKept = this.#log.first - 1;
    const ranked: (Candidate & { rank: number })[] = [];
    for (const row of this.#sql.each<PeerRow>("SELECT * FROM peers")) {
      const name = row.name as PeerName;
      const { cursor, birth, seen } = this.#recordOf(row);
      const have = Math.max(cursor, birth);
      const waits = Math.max(everyone, personal.get(name) ?? 0) > have;
      if (waits && seen >= awayBefore) continue;
      ranked.push({ name, seen, rank: waits ? 2 : have < oldestKept ? 0 : 1 });
    }
    ranked.sort((a, b) => a.rank - b.rank || a.seen - b.seen);
    return ranked.map(({ name, seen }) => ({ name, seen }));
  }

  waiting(online: { has(name: PeerName): boolean }): number {
    const { everyone, personal } = this.#log.audienceAbove(SEQ_ZERO);
    let count = 0;
    for (const row of this.#sql.each<PeerRow>("SELECT * FROM peers")) {
      const name = row.name as PeerName;
      if (online.has(name)) continue;
      const { cursor, birth } = this.#recordOf(row);
      if (Math.max(everyone, personal.get(name) ?? 0) > Math.max(cursor, birth)) count++;
    }
    return count;
  }

  checkpoint(online: ReadonlyMap<PeerName, Omit<Progress, "seen">>): void {
    const { head, headAt } = this.#log;
    for (const [name, { cursor, spent }] of online) {
      const saved: CheckpointRow = [name, cursor, headAt];
      if (spent.length > 0) saved.push(encodeUsage(spent));
      this.#saved.set(name, saved);
    }
    const parts = chunks([...this.#saved.values()], ROW_BYTES);
    for (const [part, saved] of parts.entries()) {
      this.#sql.run(CHECKPOINT, part, head, JSON.stringify(saved));
    }
    if (this.#parts > parts.length) {
      this.#sql.run("DELETE FROM checkpoint WHERE part >= ?", parts.length);
    }
    this.#parts = parts.length;
    this.#savedHead = head;
    this.#cache.clear();
  }

  /** Writes the changes, one row a name. Call it before the entries of the commit are appended. */
  flush(): void {
    for (const [name, record] of this.#changed) {
      this.#saved.delete(name);
      if (record === "forgotten") {
        this.#sql.run("DELETE FROM peers WHERE name = ?", name);
        this.#keep(name, undefined);
        continue;
      }
      const { owner, birth, cursor, seen } = record;
      const spent = encodeUsage(record.spent);
      this.#sql.run(UPSERT, name, owner, birth, cursor, this.#log.head, seen, spent);
      this.#keep(name, record);
    }
    this.#changed.clear();
  }

  #recordOf({ name, owner, birth, cursor, head, seen, spent }: PeerRow): MemberRecord {
    if (!isWhole(birth) || typeof owner !== "string") {
      throw corruptionError("a row of the table peers cannot be read");
    }
    const isSound = isWhole(cursor) && isWhole(head) && isWhole(seen);
    if (!isSound) this.#onCorruption(corruptionError("a cursor in the table peers cannot be read"));
    const later = head < this.#savedHead ? this.#saved.get(name as PeerName) : undefined;
    return {
      owner,
      birth: birth as Seq,
      cursor: later?.[1] ?? ((isSound ? cursor : birth) as Seq),
      seen: Math.max(isSound ? seen : this.#log.headAt, later?.[2] ?? 0),
      spent: decodeUsage(later === undefined ? spent : (later[3] ?? "")),
    };
  }

  #keep(name: PeerName, record: MemberRecord | undefined): MemberRecord | undefined {
    if (this.#cache.size >= CACHED_NAMES) this.#cache.clear();
    this.#cache.set(name, record);
    return record;
  }
}

/** @returns undefined if the text is not what `checkpoint` writes */
function readSaved(text: string): CheckpointRow[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isSaved) ? list : undefined;
  } catch {
    // Without the parser's own message, which shows a piece of the text.
    return undefined;
  }
}

function isSaved(one: unknown): one is CheckpointRow {
  if (!Array.isArray(one)) return false;
  const [name, cursor, seen, spent = ""] = one as unknown[];
  const areTexts = typeof name === "string" && typeof spent === "string";
  return areTexts && isWhole(cursor) && isWhole(seen);
}

/** Splits the list so that no part is longer than `bytes` as JSON; at least one part. */
function chunks(list: CheckpointRow[], bytes: number): CheckpointRow[][] {
  const parts: CheckpointRow[][] = [[]];
  let size = 0;
  for (const saved of list) {
    const own = utf8Length(saved[0]) + (saved[3]?.length ?? 0) + 40;
    if (size + own > bytes) {
      parts.push([]);
      size = 0;
    }
    size += own;
    parts.at(-1)?.push(saved);
  }
  return parts;
}
