/**
 * The platform's SQL, with counters: a room is billed for rows read and written (a write costs a thousand reads).
 *
 * Invariant: every statement of the project goes through here.
 */
import { KIB } from "../core/limits.ts";

/** Bytes of entries in one row; a larger commit is split. SQLite and the platform refuse large values. */
export const ROW_BYTES = 512 * KIB;

/** The part of a Durable Object's storage that the room uses. */
export interface Database {
  readonly sql: SqlStorage;
  transactionSync<T>(closure: () => T): T;
  deleteAll(): Promise<void>;
}

type Row = Record<string, SqlStorageValue>;

export class Sql {
  readonly #sql: SqlStorage;
  /** As billed by the platform; deletes are written rows, an index entry is one more. */
  rowsRead = 0;
  rowsWritten = 0;
  /** Statements that were run. */
  statements = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Runs a statement to its end. */
  run<T extends Row>(query: string, ...values: SqlStorageValue[]): T[] {
    return [...this.each<T>(query, ...values)];
  }

  /** Runs a statement as far as the caller reads. */
  *each<T extends Row>(query: string, ...values: SqlStorageValue[]): Generator<T, void> {
    const cursor = this.#sql.exec<T>(query, ...values);
    this.statements++;
    try {
      yield* cursor;
    } finally {
      this.rowsRead += cursor.rowsRead;
      this.rowsWritten += cursor.rowsWritten;
    }
  }
}
