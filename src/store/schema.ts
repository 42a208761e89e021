/**
 * The tables, and the migrations of a database of any older release.
 *
 * Invariants:
 * - A released migration is never edited; a new one is added at the end. `MIGRATIONS.length` is the version.
 * - A migration runs as a whole or not at all. A database of a newer release is not touched.
 */
import { corruptionError } from "./corruption.ts";
import type { Database, Sql } from "./sql.ts";

/**
 * No secondary index, no AUTOINCREMENT: each would be one more row written per row.
 *
 * `segments`: one row per commit, keyed by its last `seq`. `everyone` is the last entry in it that is for everyone;
 * `audience` lists the names of the other entries with the last entry that concerns each, as ` name:seq name:seq `, so that
 * the scan for a returning peer skips the row. `total` sums `bytes` over all rows ever, this one included.
 *
 * `bytes` is what the row adds to the log that retention counts: its entries as they were appended, and what its patches
 * made older rows grow by. `size` is the length of the body now, null where that is `bytes`.
 *
 * `peers.head` and `checkpoint.head` hold the head when the row was written: of two cursors the later counts.
 * `checkpoint.saved` is a JSON array of [name, cursor, last seen, spent?]; a long one is split into parts. `spent` is the
 * quota that a name has used (core/peers/log-quota.ts).
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE segments (
     last     INTEGER PRIMARY KEY,
     first    INTEGER NOT NULL,
     at       INTEGER NOT NULL,
     everyone INTEGER NOT NULL,
     bytes    INTEGER NOT NULL,
     total    INTEGER NOT NULL,
     audience TEXT NOT NULL,
     body     TEXT NOT NULL
   );
   CREATE TABLE peers (
     name   TEXT PRIMARY KEY,
     owner  TEXT NOT NULL,
     birth  INTEGER NOT NULL,
     cursor INTEGER NOT NULL,
     head   INTEGER NOT NULL,
     seen   INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE checkpoint (
     part  INTEGER PRIMARY KEY,
     head  INTEGER NOT NULL,
     saved TEXT NOT NULL
   );`,
  "ALTER TABLE peers ADD COLUMN spent TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE segments ADD COLUMN size INTEGER",
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Migrates the database to this release's schema.
 * @param migrations for tests: the steps, oldest first
 * @returns the random id of the database, made with its first table
 * @throws if the database was written by a newer release, or has lost its schema version or its id
 */
export function migrate(
  database: Database,
  sql: Sql,
  newId: () => string,
  migrations: readonly string[] = MIGRATIONS,
): string {
  const isOld = isInitialized(sql);
  const read = (): { version: number; id: string } => {
    const rows = sql.run<{ key: string; value: string }>("SELECT key, value FROM meta");
    const values = new Map(rows.map(({ key, value }) => [key, value]));
    const [schema = "", id = ""] = [values.get("schema"), values.get("id")];
    if (!/^\d+$/.test(schema)) throw corruptionError("it has lost its schema version");
    // Another id would be another epoch, and void every cursor.
    if (id === "") throw corruptionError("it has lost its id");
    return { version: Number(schema), id };
  };
  if (isOld) {
    const { version, id } = read();
    if (version === migrations.length) return id;
    if (version > migrations.length) {
      throw new Error(
        `this room's database has schema ${version}, this release knows up to ${migrations.length}: deploy the newer release again`,
      );
    }
  }
  return database.transactionSync(() => {
    if (!isOld) {
      sql.run("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
      sql.run("INSERT INTO meta VALUES ('schema', '0'), ('id', ?)", newId());
    }
    const { version, id } = read();
    // One by one: of several statements in one call, only the rows of the last are counted.
    for (const statement of migrations.slice(version).flatMap((step) => step.split(";"))) {
      if (statement.trim() !== "") sql.run(statement);
    }
    sql.run("UPDATE meta SET value = ? WHERE key = 'schema'", String(migrations.length));
    return id;
  });
}

/** Returns whether the database has tables. It has none before the first join, and after an erasure. Writes nothing. */
export const isInitialized = (sql: Sql): boolean =>
  sql.run("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").length > 0;
