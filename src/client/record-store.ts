/**
 * Keeps a client's record in its storage.
 *
 * Invariants:
 * - What is kept has the position up to which every consumer is *done*, not the one up to which was *heard*. The outbox
 *   beside it is that of *heard*: what was confirmed between the two comes again as an entry, and is not sent again.
 * - One save at a time, each of the newest record, so that an older one never lands on a newer.
 * - The storage is let go of after the last save, also where opening it went wrong half way.
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
   * Takes possession of the storage, and reads it.
   * @returns what to report, if the storage held something that is no record, and has moved it aside
   * @throws StorageError if it is not to be had, or holds what this release cannot read; it is let go of again
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
    const fresh = { version: 1, session: this.#newSession(), attempt: 0, outbox: [] } as const;
    this.record = this.#saved ?? fresh;
    return movedAside;
  }

  /** What a storage of the application's own gives is checked as well. */
  async #load(): Promise<ClientRecord | undefined> {
    const kept = await this.#storage.load();
    if (kept === undefined) return undefined;
    const read = checkRecord(kept);
    if (read.type === "record") return read.record;
    throw new StorageError(`what was kept cannot be read: ${read.why}`);
  }

  /** The position up to which all is done, by what was last kept. */
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

  /** Saves what is not saved yet, and lets go of the storage. @throws what the storage throws, by rejecting */
  async close(): Promise<void> {
    try {
      await this.save();
    } finally {
      await this.#storage.close?.();
    }
  }
}

/** Fields that change are replaced, never changed. */
const isSame = (one: ClientRecord, other: ClientRecord | undefined): boolean =>
  other !== undefined &&
  one.cursor === other.cursor &&
  one.outbox === other.outbox &&
  one.carried === other.carried &&
  one.attempt === other.attempt &&
  one.epoch === other.epoch &&
  one.session === other.session;
