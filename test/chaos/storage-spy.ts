/**
 * A client's storage, seen from outside: what it holds for sure at any moment, and whether its client is dead.
 *
 * Invariants:
 * - `kept` is what another life would find, no sooner and no later than it would.
 * - A dead client's diary takes nothing more, so that a dead client can neither connect nor remember.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fileStorage } from "../../src/client/storage/file.ts";
import { type ClientRecord, type ClientStorage, StorageError } from "../../src/client/index.ts";

export class StorageSpy implements ClientStorage {
  readonly #path: string | undefined;
  readonly #slowMs: () => number;
  #file: ClientStorage | undefined;
  #text: string | undefined;
  #isDead = false;

  /**
   * @param path   a file; without one the record is kept here, as text
   * @param slowMs how long a save takes, asked each time; 0: it is done at once
   */
  constructor(path: string | undefined, slowMs: () => number) {
    this.#path = path;
    this.#slowMs = slowMs;
  }

  get kept(): ClientRecord | undefined {
    return this.#text === undefined ? undefined : (JSON.parse(this.#text) as ClientRecord);
  }

  /** The diary for the next life: the same record, and nobody owns it. */
  inherit(): StorageSpy {
    const heir = new StorageSpy(this.#path, this.#slowMs);
    heir.#text = this.#text;
    return heir;
  }

  /** Its client is dead. */
  async dies(): Promise<void> {
    this.#isDead = true;
    await this.close();
  }

  async open(): Promise<void> {
    if (this.#path === undefined) return;
    this.#file = fileStorage(this.#path);
    await this.#file.open?.();
  }

  async load(): Promise<ClientRecord | undefined> {
    const loaded = this.#file === undefined ? this.kept : await this.#file.load();
    this.#text = loaded && JSON.stringify(loaded);
    return loaded;
  }

  async save(record: ClientRecord): Promise<void> {
    this.#live();
    const slowMs = this.#slowMs();
    if (slowMs > 0) await pause(slowMs);
    this.#live();
    const saving = this.#file?.save(record);
    // A file is written when `save` returns; a death in the next moment comes too late for it.
    this.#text = JSON.stringify(record);
    await saving;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close?.();
  }

  #live(): void {
    if (this.#isDead) throw new StorageError("this client is dead");
  }
}
