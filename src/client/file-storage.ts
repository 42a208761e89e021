/**
 * Keeps a client's record in a file, for Node. Not part of `index.ts`, which runs where there are no files.
 *
 * Invariants:
 * - A record is written beside the old one and then moved over it: a crash leaves one or the other, whole.
 * - One process owns the file; a lock left behind by one that died is taken over.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { StorageError } from "./errors.ts";
import type { ClientRecord, ClientStorage } from "./storage.ts";

/** Locks that this process holds: a pid alone does not tell, for in a container it is the same each time. */
const held = new Set<string>();

/** @param path the file; its folder is made if need be. A `.lock` and a `.new` beside it belong to it */
export function fileStorage(path: string): ClientStorage {
  const lock = `${resolve(path)}.lock`;
  let owns = false;
  const attempt = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof StorageError) throw error;
      throw new StorageError(`${path} cannot be ${what}: ${(error as Error).message}`);
    }
  };
  return {
    open: () =>
      attempt("locked", () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        const owner = take(lock);
        owns = owner === undefined;
        if (owner === undefined) return;
        const who = owner === process.pid ? "another client of this process" : `process ${owner}`;
        throw new StorageError(
          `${path} is used by ${who}: end that one first, or choose another name`,
        );
      }),
    load: () =>
      attempt("read", () => {
        try {
          return JSON.parse(readFileSync(path, "utf8")) as ClientRecord;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
          throw error;
        }
      }),
    save: (record) =>
      attempt("written", () => {
        const file = openSync(`${path}.new`, "w", 0o600);
        try {
          writeSync(file, JSON.stringify(record));
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        renameSync(`${path}.new`, path);
      }),
    close: () => {
      if (owns && held.delete(lock)) rmSync(lock, { force: true });
      owns = false;
    },
  };
}

/** Makes the lock, whole or not at all. @returns the process that holds it, if one does */
function take(lock: string): number | undefined {
  const own = `${lock}.${process.pid}.${Date.now()}`;
  writeFileSync(own, String(process.pid), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(own, lock);
        held.add(lock);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const owner = ownerOf(lock);
      if (owner === undefined) continue;
      if (owner === process.pid ? held.has(lock) : isAlive(owner)) return owner;
      // Whoever moves it away takes it over; another starter finds it gone.
      const stale = `${own}.stale`;
      try {
        renameSync(lock, stale);
        const moved = ownerOf(stale);
        const isOther = !Object.is(moved, owner);
        // Somebody else was faster: the lock that was moved is theirs, and goes back.
        if (isOther) linkSync(stale, lock);
        rmSync(stale, { force: true });
        if (isOther) return moved;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** @returns undefined if the lock is gone */
function ownerOf(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
