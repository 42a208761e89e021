/**
 * Keeps a client's record in a file, for Node. Not part of `index.ts`, which runs where there are no files.
 *
 * Invariants:
 * - A record is written beside the old one, made durable, and moved over it: a crash or a full disk leaves the one or
 *   the other, whole.
 * - One client owns the file (`file-lock.ts`), and only the owner writes it.
 * - What was kept is never deleted: a file that holds no record is moved aside, under a name that is reported.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StorageError } from "../errors.ts";
import { makeFolder, readIfThere, realFile, syncFolder, writeWhole } from "./file-io.ts";
import { FileLock, HeldError } from "./file-lock.ts";
import { readRecord, type ReadRecord } from "../record.ts";
import type { ClientStorage } from "./storage.ts";

/**
 * Keeps the record in a file that one client at a time uses, of this machine or of others that share the disk.
 * @param path the file, readable by its user only; its folder is made if need be. Beside it belong to it: the folder
 *   `PATH.lock` (who uses it, and what is being written), and `PATH.unreadable-SECONDS`, where a file that held no
 *   record was moved to. Symbolic links are followed. Another host's or container's client that died is waited for 15 s
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
          // What went wrong first says more.
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

/** @returns where it is now. In seconds, since a file's name has 255 bytes at most */
function moveAside(path: string): string {
  const stem = `${path}.unreadable-${Math.floor(Date.now() / 1_000)}`;
  let aside = stem;
  for (let n = 2; existsSync(aside); n++) aside = `${stem}-${n}`;
  renameSync(path, aside);
  syncFolder(dirname(path));
  return aside;
}
