/**
 * Keeps a client's record in a browser: in IndexedDB, owned by one tab at a time.
 *
 * Invariants:
 * - `save` resolves once the record is on the disk.
 * - A tab that holds the Web Lock writes its own number beside the record, in the transaction that reads it. A lock is
 *   not ordered with storage across processes; this number is. A save checks it in its own transaction, so a tab that
 *   no longer owns the record overwrites nothing.
 */
import { BrowserDatabase, refusal } from "./browser-database.ts";
import { StorageError } from "../errors.ts";
import type { ClientRecord, ClientStorage } from "./storage.ts";

/** The part of the browser that is used here. */
interface Browser {
  readonly localStorage?: {
    getItem(key: string): string | null;
    removeItem(key: string): void;
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

/** The value in the database. */
interface Kept {
  /** Rises with each tab that becomes the owner. */
  readonly owner: number;
  readonly record?: ClientRecord;
}

/** How the tabs of a browser agree which of them owns a record. Without it, the later tab waits for the earlier. */
export interface TabOptions {
  /**
   * Another tab owns the record. `open` goes on waiting for it.
   * @param ask requests that tab to release it. A frozen tab does not receive that: its record is never taken by force,
   *   because it may wake up and write.
   */
  readonly onHeld?: (ask: () => void) => void;
  /** Another tab requests the record that this one owns: closing the client releases it. */
  readonly onRequested?: () => void;
}

/**
 * Keeps the record in IndexedDB, durably. One tab owns it at a time, by Web Locks; `open` waits until the owner releases it
 * or has gone. A record that an earlier release kept in `localStorage` is migrated once.
 * @param key the storage key: one per room and name
 * @throws StorageError if the browser refuses storage, or has no Web Locks: both need https or localhost
 */
export function browserStorage(
  key: string,
  { onHeld, onRequested }: TabOptions = {},
): ClientStorage {
  const name = `chat-room ${key}`;
  let database: BrowserDatabase | undefined;
  let kept: Kept | undefined;
  let release: (() => void) | undefined;
  let released: Promise<void> | undefined;
  let channel: BroadcastChannel | undefined;
  const own = (): Promise<void> => {
    if (onRequested !== undefined) {
      channel = new BroadcastChannel(name);
      channel.addEventListener("message", onRequested);
    }
    return new Promise<void>((done) => (release = done));
  };
  const ask = (): void => {
    const asking = new BroadcastChannel(name);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of channels
    asking.postMessage("let go");
    asking.close();
  };
  const lock = async (): Promise<void> => {
    const locks = (globalThis as Browser).navigator?.locks;
    if (locks === undefined) throw refusal("no Web Locks");
    await new Promise<void>((resolve, reject) => {
      const take = (): Promise<void> => {
        resolve();
        return own();
      };
      const wait = (): Promise<void> => {
        onHeld?.(ask);
        return locks.request(name, {}, take);
      };
      let isHeld = false;
      const first = locks.request(name, { ifAvailable: true }, async (granted) => {
        isHeld = granted === null;
        if (!isHeld) await take();
      });
      const holding = first.then(() => (isHeld ? wait() : undefined));
      released = holding.catch((error: unknown) => reject(refusal(error)));
    });
  };
  return {
    open: async () => {
      await lock();
      const earlier = earlierRecord(key);
      try {
        database = await BrowserDatabase.open();
        kept = await database.change<Kept>(key, (before) => {
          const record = before?.record ?? earlier;
          return { owner: (before?.owner ?? 0) + 1, ...(record && { record }) };
        });
      } catch (error) {
        release?.();
        throw error;
      }
      if (earlier !== undefined) forgetEarlier(key);
    },
    load: () => kept?.record,
    save: async (record) => {
      const owner = kept?.owner;
      kept = await database?.change<Kept>(key, (now) => {
        if (now?.owner === owner) return { ...now, record } as Kept;
        throw new StorageError(
          now === undefined
            ? "the browser has cleared the data of this page: load it again"
            : "another tab of this browser has this name now: what this tab kept last is there",
        );
      });
    },
    close: async () => {
      channel?.close();
      database?.close();
      database = undefined;
      if (release === undefined) return;
      release();
      await released;
    },
  };
}

/** @returns the record that an earlier release kept; undefined if there is none, or none that can be read */
function earlierRecord(key: string): ClientRecord | undefined {
  try {
    const text = (globalThis as Browser).localStorage?.getItem(key) ?? null;
    return text === null ? undefined : (JSON.parse(text) as ClientRecord);
  } catch {
    return undefined;
  }
}

function forgetEarlier(key: string): void {
  try {
    (globalThis as Browser).localStorage?.removeItem(key);
  } catch {
    // It is not read again: the database has a record now.
  }
}
