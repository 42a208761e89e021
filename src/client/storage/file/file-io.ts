/** Reads files, and writes them so that a crash or a full disk does no harm. For Node.js. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** @returns the error code of the system, such as `ENOENT` */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** @returns undefined if there is no such file */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Makes a folder and those above it, each durable in its parent. */
export function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    syncFolder(dirname(made));
  }
}

/** Returns the real path of a file, which need not exist: two paths to one file are one lock. */
export function realFile(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const folder = realpathSync(dirname(path));
  const plain = join(folder, basename(path));
  let target: string;
  try {
    target = readlinkSync(plain);
  } catch {
    return plain;
  }
  return realFile(resolve(folder, target));
}

/** Writes a file and makes it durable. */
export function writeWhole(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeAll(file, Buffer.from(text), 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Syncs a folder: without that, a power loss may lose the name of a durable file. Windows has no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } catch (error) {
    // Some network disks cannot sync folders.
    if (!["EINVAL", "ENOTSUP"].includes(codeOf(error))) throw error;
  } finally {
    closeSync(opened);
  }
}

/** Writes a few bytes at a position in an open file, and closes it. */
export function writeAt(file: number, text: string, at: number): void {
  try {
    writeAll(file, Buffer.from(text), at);
  } finally {
    closeSync(file);
  }
}

/** Writes all bytes: a nearly full disk takes a part of them, without an error. */
function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = writeSync(file, bytes, done, bytes.length - done, at + done);
    if (written === 0) throw new Error(`only ${done} of ${bytes.length} bytes were written`);
    done += written;
  }
}
