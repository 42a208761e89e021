/**
 * The record of a client, behind a port of three methods.
 *
 * Invariant: cursor, epoch, session and outbox move together, in one step. A storage that can lose a part of a record, or
 * lets two clients write the same one, loses or doubles messages.
 */
import type { Data } from "../../protocol/frames.ts";
import type { Carried } from "../carried.ts";

/** What every item of an outbox has. */
interface QueuedItem {
  /** Unique among all that this name ever sends. */
  readonly id: string;
  /** The history of the room that `ref` belongs to; absent before the first welcome. In another one, `ref` is void. */
  readonly epoch?: string;
  /** It has been sent at least once. */
  readonly sent: boolean;
  /** A gap hides its fate: the client does not send it again by itself. */
  readonly unknown?: true;
  /** A reply that an earlier life may have sent: the first `ready` decides. */
  readonly maybe?: true;
}

/** A message that was accepted and the room has not decided. */
export interface QueuedMessage extends QueuedItem {
  readonly type?: undefined;
  readonly text: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  readonly ref?: number;
  readonly data?: Data;
  readonly quiet?: true;
}

/** A change of an earlier message that was accepted and the room has not decided. */
export interface QueuedPatch extends QueuedItem {
  readonly type: "patch";
  readonly ref: number;
  readonly text?: string;
  readonly data?: Data;
  readonly erase?: true;
}

export type Queued = QueuedMessage | QueuedPatch;

/** Everything that makes a client the same client after a reload. Plain JSON. */
export interface ClientRecord {
  /** The version that the writing release has; 1 has no patches. */
  readonly version: 1 | 2;
  /** Random token of this client. */
  readonly session: string;
  /** Rises with each connect. */
  readonly attempt: number;
  /** The position up to which every consumer was done, and the epoch it belongs to; absent before the first welcome. */
  readonly cursor?: number;
  readonly epoch?: string;
  /** In the order of `send`. */
  readonly outbox: readonly Queued[];
  /** Marks of entries that were carried from other rooms and may be delivered again there. */
  readonly carried?: readonly Carried[];
}

/** Keeps one record. Every method may be synchronous or not; each is called after the one before has ended. */
export interface ClientStorage {
  /** Makes this client the only owner of the record. @throws StorageError if another one holds it and does not release it */
  open?(): Promise<void> | void;
  /**
   * @returns the record, undefined if there is none
   * @throws StorageError if it cannot be read; one with `movedTo` if it was moved aside, and the storage is now empty
   */
  load(): Promise<ClientRecord | undefined> | ClientRecord | undefined;
  /** Keeps the record durably before it returns. @throws StorageError if it cannot */
  save(record: ClientRecord): Promise<void> | void;
  /** Releases the record. */
  close?(): Promise<void> | void;
}

/** Keeps the record as long as the process lives. The default. */
export function memoryStorage(): ClientStorage {
  let kept: ClientRecord | undefined;
  return {
    load: () => kept,
    save: (record) => {
      kept = record;
    },
  };
}
