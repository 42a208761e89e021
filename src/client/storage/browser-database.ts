/**
 * The one IndexedDB database of this library in a browser, with strict durability: a change is on the disk when
 * its promise resolves. `localStorage` is written to the disk lazily, seconds to a minute later.
 *
 * Invariants:
 * - A change reads and writes in one transaction, so a change of another tab comes before or after it, never between.
 * - No wait is endless: a database that does not open within `OPEN_MS` is an error.
 */
import { StorageError } from "../errors.ts";

/** How long the database may take to open. Some browsers never answer where site data is blocked. */
const OPEN_MS = 10_000;
const DATABASE = "chat-room";
const STORE = "kept";

/** The part of IndexedDB that is used here; the types of the library include no browser. */
interface Request<Value> {
  readonly result: Value;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface OpenRequest extends Request<Database> {
  onupgradeneeded: (() => void) | null;
  onblocked: (() => void) | null;
}
interface Store {
  get(key: string): Request<unknown>;
  put(value: unknown, key: string): Request<unknown>;
}
interface Transaction {
  readonly error: unknown;
  objectStore(name: string): Store;
  abort(): void;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: string, options: { readonly durability: string }): Transaction;
  close(): void;
  onversionchange: (() => void) | null;
}
interface Browser {
  readonly isSecureContext?: boolean;
  readonly indexedDB?: { open(name: string, version: number): OpenRequest };
}

/** @returns why this browser keeps no data for this page, and what to do about it */
export const refusal = (error: unknown): StorageError =>
  (globalThis as Browser).isSecureContext === false
    ? new StorageError(
        "the browser keeps data only for pages that come over https or from localhost: open this page so, or use memoryStorage()",
      )
    : new StorageError(
        `the browser does not keep data for this page (${String(error)}): allow site data, or use memoryStorage()`,
      );

export class BrowserDatabase {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    // A later release of the page may need another version: it must not wait for this tab.
    database.onversionchange = () => database.close();
  }

  /** @throws StorageError if the browser does not keep data for this page */
  static async open(): Promise<BrowserDatabase> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const database = await new Promise<Database>((resolve, reject) => {
        const { indexedDB } = globalThis as Browser;
        if (indexedDB === undefined) throw new Error("no IndexedDB");
        timer = setTimeout(() => reject(new Error("IndexedDB does not answer")), OPEN_MS);
        const request = indexedDB.open(DATABASE, 1);
        request.onupgradeneeded = () => request.result.createObjectStore(STORE);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      return new BrowserDatabase(database);
    } catch (error) {
      throw refusal(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Changes the value at `key`, in one transaction.
   * @param next returns the new value for the current one; undefined leaves it as it is. If it throws, nothing changes
   * @returns the value after the change, once it is on the disk
   * @throws StorageError if the browser refuses it, as where its quota is full; what `next` throws
   */
  change<Value>(
    key: string,
    next: (value: Value | undefined) => Value | undefined,
  ): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      let value: Value | undefined;
      let failure: unknown;
      let transaction: Transaction;
      try {
        transaction = this.#database.transaction(STORE, "readwrite", { durability: "strict" });
      } catch (error) {
        // The browser has closed the database, as when site data are cleared.
        reject(refusal(error));
        return;
      }
      transaction.oncomplete = () => resolve(value);
      transaction.onabort = () =>
        reject(failure instanceof StorageError ? failure : refusal(failure ?? transaction.error));
      const store = transaction.objectStore(STORE);
      const read = store.get(key);
      read.onsuccess = () => {
        try {
          value = read.result as Value | undefined;
          const changed = next(value);
          if (changed === undefined) return;
          value = changed;
          store.put(changed, key);
        } catch (error) {
          failure = error;
          transaction.abort();
        }
      };
    });
  }

  close(): void {
    this.#database.close();
  }
}

/** A short text that a page stores beside its records, such as the key that owns a name. */
export interface BrowserItem {
  /** @throws StorageError, by rejecting */
  load(): Promise<string | undefined>;
  /** Keeps the text durably before it resolves. @throws StorageError, by rejecting */
  save(text: string): Promise<void>;
}

/** @param key the storage key: it begins with `item `, so no record has the same */
export function browserItem(key: string): BrowserItem {
  const change = async (text?: string): Promise<string | undefined> => {
    const database = await BrowserDatabase.open();
    try {
      return await database.change<string>(`item ${key}`, () => text);
    } finally {
      database.close();
    }
  };
  return {
    load: () => change(),
    save: async (text) => {
      await change(text);
    },
  };
}
