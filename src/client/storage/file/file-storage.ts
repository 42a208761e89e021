/**
 * Keeps a client's record in a file, for Node.js. It is not part of `index.ts`, which runs where there are no files.
 *
 * Invariants:
 * - A record is written beside the old one, made durable, and moved over it: a crash or a full disk leaves one of them
 *   complete.
 * - One client owns the file (`file-lock.ts`), and only the owner writes it.
 * - Stored content is never deleted: a file that holds no record is moved aside, under a name that is reported.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StorageError } from "../../errors.ts";
import { makeFolder, readIfThere, realFile, syncFolder, writeWhole } from "./file-io.ts";
import { FileLock, HeldError } from "./file-lock.ts";
import { readRecord, type ReadRecord } from "../../record.ts";
import type { ClientStorage } from "../storage.ts";

/**
 * Keeps the record in a file that one client at a time uses, on this machine or on others that share the disk.
 * @param path the file, readable by its user only; its folder is made if needed. Two more belong to it: the folder
 *   `PATH.lock` (the owner, and the file that is being written), and `PATH.unreadable-SECONDS`, to which a file that held no
 *   record was moved. Symbolic links are followed. `open` waits 15 s for a client of another host or container that died
 */
export function fileStorage(path: string): ClientStorage {
  const given = resolve(path);
  let file = given;
  let lock: FileLock | undefined;
  const failure = (what: string, error: unknown): StorageError => {
    if (error instanceof StorageError) return error;
    return new StorageError(`${given} cannot be ${what}: ${(error as Error).message}`);
  };
  return {
    open: async () => {
      let folder = `${given}.lock`;
      try {
        makeFolder(dirname(given));
        file = realFile(given);
        folder = `${file}.lock`;
        const taking = new FileLock(folder);
        await taking.take();
        lock = taking;
      } catch (error) {
        if (!(error instanceof HeldError)) throw failure("locked", error);
        throw new StorageError(
          `${given} is used by ${error.message}: end that one first, or choose another file or name (its lock is ${folder})`,
        );
      }
    },
    load: () => {
      try {
        const bytes = readIfThere(file);
        if (bytes === undefined) return undefined;
        const read = readBytesAsRecord(bytes);
        if (read.type === "record") return read.record;
        if (read.type === "newer") {
          const what = "update this program, or choose another file or name";
          throw new StorageError(`${given} cannot be read: ${read.why}; ${what}`);
        }
        const movedTo = moveAside(file);
        throw new StorageError(
          `${given} held no record that can be read: ${read.why}. It was moved to ${movedTo}, and a fresh record begins`,
          movedTo,
        );
      } catch (error) {
        throw failure("read", error);
      }
    },
    save: (record) => {
      if (lock === undefined) throw new StorageError(`${given} cannot be written: it is not open`);
      const { scratch } = lock;
      try {
        try {
          writeWhole(scratch, JSON.stringify(record));
        } catch (error) {
          if (lock.isOwned()) throw error;
        }
        lock.commit(file);
      } catch (error) {
        try {
          rmSync(scratch, { force: true });
        } catch {
          // The first error says more.
        }
        throw failure("written", error);
      }
      try {
        syncFolder(dirname(file));
      } catch (error) {
        throw failure("written", error);
      }
    },
    close: () => {
      lock?.release();
      lock = undefined;
    },
  };
}

function readBytesAsRecord(bytes: Uint8Array): ReadRecord {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { type: "unreadable", why: `its ${bytes.length} bytes are not UTF-8` };
  }
  return readRecord(text);
}

/** @returns the new path. In seconds, because a file name has 255 bytes at most */
function moveAside(path: string): string {
  const stem = `${path}.unreadable-${Math.floor(Date.now() / 1_000)}`;
  let aside = stem;
  for (let n = 2; existsSync(aside); n++) aside = `${stem}-${n}`;
  renameSync(path, aside);
  syncFolder(dirname(path));
  return aside;
}
