/**
 * What a client must not forget, in one record behind a port of three verbs.
 *
 * Invariant: cursor, epoch, session and outbox move together, in one step. A store that can lose a part of a record, or
 * let two clients write the same one, loses or doubles messages.
 */
import type { Carried } from "../carried.ts";

/** A message that `send` accepted and the room has not decided. */
export interface QueuedMessage {
  /** Unique among all that this name ever sends. */
  readonly id: string;
  readonly text: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  /** It has been handed to a link at least once. */
  readonly sent: boolean;
  /** A gap hid its fate: it is not sent again by itself. */
  readonly unknown?: true;
  /** An answer that an earlier life may have sent: the first `ready` tells. */
  readonly maybe?: true;
}

/** Everything that makes a client the same client after a reload. Plain JSON. */
export interface ClientRecord {
  readonly version: 1;
  /** Random token of this client. */
  readonly session: string;
  /** Rises with each connect. */
  readonly attempt: number;
  /** The position up to which every consumer was done, and the epoch it belongs to; absent before the first welcome. */
  readonly cursor?: number;
  readonly epoch?: string;
  /** In the order of `send`. */
  readonly outbox: readonly QueuedMessage[];
  /** What was carried from other rooms and may be shown again there. */
  readonly carried?: readonly Carried[];
}

/** Keeps one record. Every verb may be synchronous or not; each is called after the one before it has ended. */
export interface ClientStorage {
  /** Makes this client the only owner of the record. @throws StorageError if another one holds it and does not let go */
  open?(): Promise<void> | void;
  /**
   * @returns the record, undefined if there is none
   * @throws StorageError if it cannot be read; one with `movedTo` if it was moved aside, and the storage is empty now
   */
  load(): Promise<ClientRecord | undefined> | ClientRecord | undefined;
  /** Keeps the record durably before it returns. @throws StorageError if it cannot */
  save(record: ClientRecord): Promise<void> | void;
  /** Lets go of the record. */
  close?(): Promise<void> | void;
}

/** Keeps the record for as long as the process lives. The default. */
export function memoryStorage(): ClientStorage {
  let kept: ClientRecord | undefined;
  return {
    load: () => kept,
    save: (record) => {
      kept = record;
    },
  };
}
