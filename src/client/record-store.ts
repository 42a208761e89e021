/**
 * Keeps a client's record in its storage.
 *
 * Invariants:
 * - The stored position is the one up to which every consumer is *done*, not the one that was *heard*. The outbox beside it
 *   is that of *heard*: a message that was confirmed between the two comes again as an entry, and is not sent again.
 * - One save at a time, each of the newest record, so that an older record never overwrites a newer one.
 * - The storage is released after the last save, even if opening it failed half-way.
 */
import { StorageError } from "./errors.ts";
import { checkRecord } from "./record.ts";
import type { ClientRecord, ClientStorage } from "./storage/storage.ts";

export class RecordStore {
  readonly #storage: ClientStorage;
  readonly #newSession: () => string;
  #saved: ClientRecord | undefined;
  #saving: Promise<void> = Promise.resolve();
  readonly #done: () => number | undefined;
  /** The newest record, saved or not, with the cursor *heard*; undefined until the storage was opened. */
  record: ClientRecord | undefined;

  /**
   * @param source `newSession`: the session of a client that has no record yet; `done`: the position up to which every
   *   consumer is done
   */
  constructor(
    storage: ClientStorage,
    source: { readonly newSession: () => string; readonly done: () => number | undefined },
  ) {
    this.#storage = storage;
    this.#newSession = source.newSession;
    this.#done = source.done;
  }

  /**
   * Opens the storage, and reads it.
   * @returns an error to report, if the storage held content that is no record, and has moved it aside
   * @throws StorageError if another client has it, or it holds a record that this release cannot read; it is released then
   */
  async open(): Promise<StorageError | undefined> {
    let movedAside: StorageError | undefined;
    try {
      await this.#storage.open?.();
      this.#saved = await this.#load();
    } catch (error) {
      if (!(error instanceof StorageError) || error.movedTo === undefined) {
        await this.#storage.close?.();
        throw error;
      }
      movedAside = error;
    }
    const fresh = { version: 2, session: this.#newSession(), attempt: 0, outbox: [] } as const;
    this.record = this.#saved === undefined ? fresh : { ...this.#saved, version: 2 };
    return movedAside;
  }

  /** Loads the record. The result of an application's own storage is checked as well. */
  async #load(): Promise<ClientRecord | undefined> {
    const kept = await this.#storage.load();
    if (kept === undefined) return undefined;
    const read = checkRecord(kept);
    if (read.type === "record") return read.record;
    throw new StorageError(`what was kept cannot be read: ${read.why}`);
  }

  /** The position up to which everything is done, in the last save. */
  get savedCursor(): number {
    return this.#saved?.cursor ?? 0;
  }

  /** @throws what the storage throws, by rejecting; no later save succeeds then */
  save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      if (this.record === undefined) return;
      const { cursor: _heard, ...rest } = this.record;
      const cursor = this.#done();
      const record = cursor === undefined ? rest : { ...rest, cursor };
      if (isSame(record, this.#saved)) return;
      await this.#storage.save(record);
      this.#saved = record;
    });
    return this.#saving;
  }

  /** Saves the newest record, and releases the storage. @throws what the storage throws, by rejecting */
  async close(): Promise<void> {
    try {
      await this.save();
    } finally {
      await this.#storage.close?.();
    }
  }
}

/** Fields that change are replaced, never changed in place. */
const isSame = (one: ClientRecord, other: ClientRecord | undefined): boolean =>
  other !== undefined &&
  one.cursor === other.cursor &&
  one.outbox === other.outbox &&
  one.carried === other.carried &&
  one.attempt === other.attempt &&
  one.epoch === other.epoch &&
  one.session === other.session;
