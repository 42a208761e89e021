/** What files need to be read, and to be written so that a crash or a full disk does no harm. For Node. */
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

/** @returns the system's name for what went wrong, as `ENOENT` */
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

/** Makes a folder and those above it, each durable in its own. */
export function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    syncFolder(dirname(made));
  }
}

/** The file that a path means, whether it is there yet or not: two paths to one file are one lock. */
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

/** Without it, the name may be lost with the power, though the file is durable. Windows has no such thing. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } catch (error) {
    // Some network disks know no folders to sync.
    if (!["EINVAL", "ENOTSUP"].includes(codeOf(error))) throw error;
  } finally {
    closeSync(opened);
  }
}

/** Writes a few bytes at a place in an open file, and closes it. */
export function writeAt(file: number, text: string, at: number): void {
  try {
    writeAll(file, Buffer.from(text), at);
  } finally {
    closeSync(file);
  }
}

/** A disk that is nearly full takes a part, without an error. */
function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = writeSync(file, bytes, done, bytes.length - done, at + done);
    if (written === 0) throw new Error(`only ${done} of ${bytes.length} bytes were written`);
    done += written;
  }
}
