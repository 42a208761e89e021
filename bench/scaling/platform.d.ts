/** As much of the platform's SQL as the room's storage uses, which fill.ts runs on Node. */
type SqlStorageValue = ArrayBuffer | string | number | null;

interface SqlStorage {
  exec<T extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: SqlStorageValue[]
  ): Iterable<T> & { readonly rowsRead: number; readonly rowsWritten: number };
}
