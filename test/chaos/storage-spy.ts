/**
 * A client's storage that exposes what is saved at any moment, and that can die with its client.
 *
 * Invariants:
 * - `saved` is what the next life would load, no sooner and no later.
 * - The storage of a dead client rejects every save, so a dead client can neither connect nor save.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fileStorage } from "../../src/client/storage/file/file-storage.ts";
import { type ClientRecord, type ClientStorage, StorageError } from "../../src/client/index.ts";

export class StorageSpy implements ClientStorage {
  readonly #path: string | undefined;
  readonly #slowMs: () => number;
  #file: ClientStorage | undefined;
  #text: string | undefined;
  #isDead = false;

  /**
   * @param path   a file; absent: the record is kept in memory, as text
   * @param slowMs returns the ms that a save takes; called at each save; 0: at once
   */
  constructor(path: string | undefined, slowMs: () => number) {
    this.#path = path;
    this.#slowMs = slowMs;
  }

  get saved(): ClientRecord | undefined {
    return this.#text === undefined ? undefined : (JSON.parse(this.#text) as ClientRecord);
  }

  /** Returns the storage for the next life: the same record, without an owner. */
  inherit(): StorageSpy {
    const heir = new StorageSpy(this.#path, this.#slowMs);
    heir.#text = this.#text;
    return heir;
  }

  /** The client crashed. */
  async crashes(): Promise<void> {
    this.#isDead = true;
    await this.close();
  }

  async open(): Promise<void> {
    if (this.#path === undefined) return;
    this.#file = fileStorage(this.#path);
    await this.#file.open?.();
  }

  async load(): Promise<ClientRecord | undefined> {
    const loaded = this.#file === undefined ? this.saved : await this.#file.load();
    this.#text = loaded && JSON.stringify(loaded);
    return loaded;
  }

  async save(record: ClientRecord): Promise<void> {
    this.#assertAlive();
    const slowMs = this.#slowMs();
    if (slowMs > 0) await pause(slowMs);
    this.#assertAlive();
    const saving = this.#file?.save(record);
    // The file is written when `save` returns, so a later crash cannot undo it.
    this.#text = JSON.stringify(record);
    await saving;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close?.();
  }

  #assertAlive(): void {
    if (this.#isDead) throw new StorageError("this client is dead");
  }
}
