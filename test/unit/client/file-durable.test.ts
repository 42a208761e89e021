/** The order of the calls that make a record durable. The test watches the calls, because it cannot cut the power. */
import type * as Fs from "node:fs";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { fileStorage } from "../../../src/client/storage/file/file-storage.ts";
import type { ClientRecord } from "../../../src/client/storage/storage.ts";

const { calls, failing } = vi.hoisted(() => ({
  calls: [] as string[],
  failing: new Set<string>(),
}));

/** A disk that records its calls, and can fail to sync a kind of file. */
vi.mock("node:fs", async (load) => {
  const fs = await load<typeof Fs>();
  const names = new Map<number, string>();
  return {
    ...fs,
    openSync: (path: string, ...rest: [string, number?]) => {
      const file = fs.openSync(path, ...rest);
      names.set(file, path.endsWith(".new") ? "the new record" : path);
      return file;
    },
    fsyncSync: (file: number) => {
      const name = names.get(file) ?? "";
      if (failing.has(name))
        throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
      fs.fsyncSync(file);
      calls.push(`sync ${name}`);
    },
    renameSync: (from: string, to: string) => {
      fs.renameSync(from, to);
      calls.push(`move to ${to}`);
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), "file-durable-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  calls.length = 0;
  failing.clear();
});

const record: ClientRecord = { version: 1, session: "s", attempt: 1, outbox: [] };

test("a record is durable before it is moved over the old one, and its name is durable before `save` returns", async () => {
  const path = join(folder, "a.json");
  const storage = fileStorage(path);
  await storage.open?.();
  expect(calls).toEqual([]);
  await storage.save(record);
  expect(calls).toEqual(["sync the new record", `move to ${path}`, `sync ${folder}`]);
  await storage.close?.();
});

test("a folder that was made is durable in the one above it, and that one in its own", async () => {
  const path = join(folder, "made", "deep", "a.json");
  const storage = fileStorage(path);
  await storage.open?.();
  expect(calls).toEqual([`sync ${dirname(dirname(path))}`, `sync ${folder}`]);
  await storage.close?.();
});

test("the new name of a file that was moved aside is durable before it is reported", async () => {
  const path = join(folder, "b.json");
  const storage = fileStorage(path);
  await storage.open?.();
  writeFileSync(path, "{");
  expect(() => storage.load()).toThrow("moved to");
  expect(calls).toEqual([expect.stringContaining(`move to ${path}.unreadable-`), `sync ${folder}`]);
  await storage.close?.();
});

test("a record that the disk does not make durable is not moved over the old one", async () => {
  const path = join(folder, "c.json");
  const storage = fileStorage(path);
  await storage.open?.();
  await storage.save(record);
  failing.add("the new record");
  expect(() => storage.save({ ...record, attempt: 2 })).toThrow(`${path} cannot be written: EIO`);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(record);
  expect(readdirSync(`${path}.lock`)).toHaveLength(1);
  await storage.close?.();
});

test("a name that the disk does not make durable is an error as well", async () => {
  const path = join(folder, "d.json");
  const storage = fileStorage(path);
  await storage.open?.();
  failing.add(folder);
  expect(() => storage.save(record)).toThrow(`${path} cannot be written: EIO`);
  await storage.close?.();
  expect(readdirSync(folder).filter((name) => name.startsWith(basename(path)))).toEqual(["d.json"]);
});
