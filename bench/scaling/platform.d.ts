/** The part of the platform's SQL that the room's storage uses; seed-database.ts runs it on Node. */
type SqlStorageValue = ArrayBuffer | string | number | null;

interface SqlStorage {
  exec<T extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: SqlStorageValue[]
  ): Iterable<T> & { readonly rowsRead: number; readonly rowsWritten: number };
}
