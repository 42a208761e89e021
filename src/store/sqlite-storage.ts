/**
 * The storage of a room on SQLite: its log and its names, changed together or not at all.
 *
 * Invariant: rows are written only inside `transaction`. After it threw, memory and disk may differ: open a new instance.
 */
import type { Storage } from "../core/ports.ts";
import { SqliteDirectory } from "./sqlite-directory.ts";
import { isInitialized, migrate } from "./schema.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { type Database, Sql } from "./sql.ts";

/** Returns whether a peer has joined this room since it was made or erased. Writes nothing. */
export const exists = ({ sql }: Pick<Database, "sql">): boolean => isInitialized(new Sql(sql));

export class SqliteStorage implements Storage {
  readonly id: string;
  readonly log: SqliteLog;
  readonly directory: SqliteDirectory;
  /** Rows read and written since this instance was opened. */
  readonly sql: Sql;
  readonly #database: Database;

  /**
   * Opens the room's database, and migrates it to this release's schema.
   * @param newId makes a random id, for a database that has none
   * @param onCorruption called with corruption that the room can work around, for the log
   * @throws if the database is corrupt, full, or of a newer release
   */
  constructor(
    database: Database,
    newId: () => string,
    onCorruption: (error: Error) => void = () => {},
  ) {
    this.#database = database;
    this.sql = new Sql(database.sql);
    this.id = migrate(database, this.sql, newId);
    this.log = new SqliteLog(this.sql);
    this.directory = new SqliteDirectory(this.sql, this.log, onCorruption);
  }

  erase(): void {
    // Takes effect at once, and undoes what this turn wrote before. It bills no rows, as deleting them would, and tables
    // cannot be dropped while a cursor on them is open. If it cannot be made durable, the platform resets the object, and
    // the frames behind the output gate are never sent.
    this.#database.deleteAll().catch(() => {});
  }

  transaction(work: () => void): void {
    this.#database.transactionSync(() => {
      this.directory.flush();
      work();
    });
  }
}
