/**
 * What a client must not forget, in one record behind a port of three verbs.
 *
 * Invariant: cursor, epoch, session and outbox move together, in one step. A store that can lose a part of a record, or
 * let two clients write the same one, loses or doubles messages.
 */
import type { Carried } from "./carrying.ts";
import { StorageError } from "./errors.ts";

/** A message that `send` accepted and the room has not decided. */
export interface Queued {
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
  readonly outbox: readonly Queued[];
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

/** The part of the browser that the storage below needs. */
interface Browser {
  readonly localStorage?: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
  };
  readonly navigator?: {
    readonly locks?: {
      request(
        name: string,
        options: { readonly ifAvailable?: boolean },
        callback: (lock: unknown) => Promise<void>,
      ): Promise<void>;
    };
  };
}

const refusal = (error: unknown): StorageError =>
  new StorageError(
    `the browser does not keep data for this page (${String(error)}): allow site data, or use memoryStorage()`,
  );

/** How the tabs of a browser settle which of them has a record. Without it, the later one waits for the earlier. */
export interface TabOptions {
  /**
   * Another tab owns the record. `open` goes on waiting for it.
   * @param ask asks that tab to let go. One that is frozen does not hear it: its record is never taken by force,
   *   because it may wake up and write.
   */
  readonly held?: (ask: () => void) => void;
  /** Another tab asks for the record that this one owns: closing the client gives it away. */
  readonly wanted?: () => void;
}

/**
 * Keeps the record in `localStorage`. One tab owns it at a time, by Web Locks; `open` waits until the tab that owns it
 * lets go, or is gone.
 * @param key where: one key per room and name
 * @throws StorageError if the browser refuses storage, or has no Web Locks
 */
export function browserStorage(key: string, { held, wanted }: TabOptions = {}): ClientStorage {
  const name = `chat-room ${key}`;
  let kept: Browser["localStorage"];
  let release: (() => void) | undefined;
  let released: Promise<void> | undefined;
  let channel: BroadcastChannel | undefined;
  const own = (): Promise<void> => {
    if (wanted !== undefined) {
      channel = new BroadcastChannel(name);
      channel.addEventListener("message", wanted);
    }
    return new Promise<void>((done) => (release = done));
  };
  const ask = (): void => {
    const asking = new BroadcastChannel(name);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of channels
    asking.postMessage("let go");
    asking.close();
  };
  return {
    open: async () => {
      const { navigator } = globalThis as Browser;
      try {
        // Reading it throws where site data is blocked.
        kept = (globalThis as Browser).localStorage;
      } catch (error) {
        throw refusal(error);
      }
      const locks = navigator?.locks;
      if (locks === undefined || kept === undefined)
        throw refusal("no localStorage or no Web Locks");
      await new Promise<void>((resolve, reject) => {
        const take = (): Promise<void> => {
          resolve();
          return own();
        };
        const wait = (): Promise<void> => {
          held?.(ask);
          return locks.request(name, {}, take);
        };
        let isHeld = false;
        const first = locks.request(name, { ifAvailable: true }, async (lock) => {
          isHeld = lock === null;
          if (!isHeld) await take();
        });
        const holding = first.then(() => (isHeld ? wait() : undefined));
        released = holding.catch((error: unknown) => reject(refusal(error)));
      });
    },
    load: () => {
      try {
        const text = kept?.getItem(key) ?? null;
        return text === null ? undefined : (JSON.parse(text) as ClientRecord);
      } catch (error) {
        throw refusal(error);
      }
    },
    save: (record) => {
      try {
        kept?.setItem(key, JSON.stringify(record));
      } catch (error) {
        throw refusal(error);
      }
    },
    close: async () => {
      channel?.close();
      if (release === undefined) return;
      release();
      await released;
    },
  };
}
