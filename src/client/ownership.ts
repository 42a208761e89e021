/**
 * Clients of one process that share a storage object own it one after the other, in the order in which they were made.
 *
 * A storage that other processes reach has its own lock. This one is for the successor of a client that is still closing: it
 * must not read the record before accepted messages are in it, nor write it before the last write is done.
 */
import type { ClientStorage } from "./storage/storage.ts";

export interface Ownership {
  /** When the clients before this one have ended; undefined if there are none. */
  readonly begins: Promise<void> | undefined;
  /** Releases the storage to the next client. */
  readonly end: () => void;
}

/** When all clients on a storage that were made so far have ended. */
const free = new WeakMap<ClientStorage, Promise<void>>();

/** Call it when a client is made. */
export function ownershipOf(storage: ClientStorage): Ownership {
  const begins = free.get(storage);
  let end: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const all = Promise.all([begins, ended]).then(() => {
    if (free.get(storage) === all) free.delete(storage);
  });
  free.set(storage, all);
  return { begins, end: () => end?.() };
}
