/**
 * What a room keeps on disk: its log and its names, changed together or not at all.
 *
 * Invariant: rows are written inside `atomically` only. After it threw, memory and disk may disagree: open anew.
 */
import type { Storage } from "../core/ports.ts";
import { SqliteDirectory } from "./sqlite-directory.ts";
import { isInitialized, migrate } from "./schema.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { type Database, Sql } from "./sql.ts";

/** Has anybody joined this room since it was made or erased? Writes nothing, and makes nothing. */
export const exists = ({ sql }: Pick<Database, "sql">): boolean => isInitialized(new Sql(sql));

export class SqliteStorage implements Storage {
  readonly id: string;
  readonly log: SqliteLog;
  readonly directory: SqliteDirectory;
  /** What was read and written since this instance was opened. */
  readonly sql: Sql;
  readonly #database: Database;

  /**
   * Opens the room's database, bringing it to this release's schema.
   * @param newId makes a random id, for a database that has none
   * @param complain hears, for the operator, of damage that the room gets along with
   * @throws if the database is damaged, full, or of a newer release
   */
  constructor(database: Database, newId: () => string, complain: (flaw: Error) => void = () => {}) {
    this.#database = database;
    this.sql = new Sql(database.sql);
    this.id = migrate(database, this.sql, newId);
    this.log = new SqliteLog(this.sql);
    this.directory = new SqliteDirectory(this.sql, this.log, complain);
  }

  erase(): void {
    // Takes effect at once, and undoes what this turn wrote before it. It bills no row, as deleting them would; tables
    // cannot be dropped while a reading of them was not taken to its end. If it cannot be made durable, the platform
    // resets the object, and what waits behind the output gate is never sent.
    this.#database.deleteAll().catch(() => {});
  }

  transaction(work: () => void): void {
    this.#database.transactionSync(() => {
      this.directory.flush();
      work();
    });
  }
}
