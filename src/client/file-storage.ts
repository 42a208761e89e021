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
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { StorageError } from "./errors.ts";
import type { ClientRecord, ClientStorage } from "./storage.ts";

/** @param path the file; its folder is made if need be. A `.lock` and a `.new` beside it belong to it */
export function fileStorage(path: string): ClientStorage {
  const lock = `${path}.lock`;
  let owns = false;
  const attempt = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof StorageError) throw error;
      throw new StorageError(`${path} cannot be ${what}: ${(error as Error).message}`);
    }
  };
  const take = (): void => {
    const file = openSync(lock, "wx", 0o600);
    writeSync(file, String(process.pid));
    closeSync(file);
    owns = true;
  };
  return {
    open: () =>
      attempt("locked", () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        try {
          take();
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
          const owner = Number(readFileSync(lock, "utf8"));
          if (isAlive(owner)) {
            throw new StorageError(
              `${path} is used by process ${owner}: end that one first, or choose another name`,
            );
          }
          rmSync(lock, { force: true });
          take();
        }
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
      if (owns) rmSync(lock, { force: true });
      owns = false;
    },
  };
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
