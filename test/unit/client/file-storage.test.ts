/** A record in a file: whole after any crash and on a full disk, and never thrown away. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChatError, StorageError } from "../../../src/client/errors.ts";
import { fileStorage } from "../../../src/client/storage/file/file-storage.ts";
import { ChatClient } from "../../../src/client/index.ts";
import type { ClientRecord, ClientStorage } from "../../../src/client/storage/storage.ts";

const LIBRARY = new URL("../../../src/client/", import.meta.url).href;
const NOWHERE = { url: "ws://127.0.0.1:1", room: "lobby", name: "alice" };

const record: ClientRecord = {
  version: 1,
  session: "s-1",
  attempt: 42,
  cursor: 7,
  epoch: "e",
  outbox: [{ id: "a", text: "Grüße 👋\n", to: ["bob"], sent: true }],
};
const newer: ClientRecord = { ...record, cursor: 8, outbox: [] };

let folder = "";
let files = 0;
/** Each file is in its own folder, so that a test can list what else is there. */
const newPath = (): string => {
  const own = join(folder, String(++files));
  mkdirSync(own);
  return join(own, "client.json");
};
const besides = (path: string): string[] => readdirSync(dirname(path));
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "file-storage-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened = async (path: string): Promise<ClientStorage> => {
  const storage = fileStorage(path);
  await storage.open?.();
  return storage;
};

describe("a file", () => {
  test("outlives the client that wrote it, and nothing else is left behind", async () => {
    const path = newPath();
    const first = await opened(path);
    await first.save(record);
    await first.close?.();
    const second = await opened(path);
    expect(await second.load()).toEqual(record);
    await second.close?.();
    expect(besides(path)).toEqual(["client.json"]);
  });

  test("its folder is made, and nobody else may read it", async () => {
    const path = join(folder, "deep", "er", "client.json");
    const storage = await opened(path);
    await storage.save(record);
    const made = [
      path,
      dirname(path),
      `${path}.lock`,
      ...readdirSync(`${path}.lock`).map((name) => join(`${path}.lock`, name)),
    ];
    for (const one of made) expect(statSync(one).mode & 0o077).toBe(0);
    await storage.close?.();
    expect(besides(path)).toEqual(["client.json"]);
  });

  test("a failed write is an error with name and reason, and leaves the old record", async () => {
    const path = newPath();
    const storage = await opened(path);
    await storage.save(record);
    rmSync(path);
    mkdirSync(join(path, "in the way"), { recursive: true });
    expect(() => storage.save(newer)).toThrow(StorageError);
    expect(() => storage.save(newer)).toThrow(`${path} cannot be written: E`);
    expect(readdirSync(`${path}.lock`)).toHaveLength(1);
    await storage.close?.();
  });

  test("a folder that cannot be made is named, with the reason", async () => {
    const path = newPath();
    writeFileSync(path, "");
    const opening = opened(join(path, "client.json"));
    await expect(opening).rejects.toThrow(StorageError);
    await expect(opening).rejects.toThrow(`${join(path, "client.json")} cannot be locked: E`);
  });

  test("a storage that is not open writes nothing", async () => {
    const path = newPath();
    const storage = fileStorage(path);
    expect(() => storage.save(record)).toThrow(`${path} cannot be written: it is not open`);
    await storage.open?.();
    await storage.close?.();
    expect(() => storage.save(record)).toThrow(StorageError);
    expect(besides(path)).toEqual([]);
  });
});

/** Runs a program that keeps record after record, until its files may grow no more. */
const fillsItsFile = (path: string) =>
  spawnSync(
    "sh",
    [
      "-c",
      'ulimit -f 4; exec "$0" "$@"',
      process.execPath,
      "--input-type=module-typescript",
      "-e",
      `
    import { ChatClient } from "${LIBRARY}index.ts";
    import { fileStorage } from "${LIBRARY}storage/file/file-storage.ts";
    const client = new ChatClient({ url: "ws://127.0.0.1:1", room: "r", name: "alice", storage: fileStorage(process.argv[1]) });
    const seen = { accepted: 0, rejected: [], errors: [] };
    client.on("error", (error) => seen.errors.push([error.name, error.message]));
    const ended = new Promise((resolve) => client.on("state", (state) => state.type === "closed" && resolve(state)));
    // One by one, as a person writes: each is on disk before the next.
    for (let i = 0; i < 200 && client.state.type !== "closed"; i++) {
      client.send("message " + i).catch((error) => seen.rejected.push(error.name));
      seen.accepted++;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const state = await ended;
    await client.close();
    console.log(JSON.stringify({ ...seen, state }));
  `,
      path,
    ],
    { encoding: "utf8", timeout: 20_000 },
  );

describe("a disk that is full", () => {
  test("a write that the disk takes a part of harms nothing, and the client says so at once and stops", async () => {
    const path = newPath();
    const { stdout, stderr } = fillsItsFile(path);
    expect(stderr).toBe("");
    const seen = JSON.parse(stdout) as {
      accepted: number;
      rejected: string[];
      errors: [string, string][];
      state: { code: number; why: string };
    };
    // The disk took some, and not the whole of the next record.
    const kept = JSON.parse(readFileSync(path, "utf8")) as ClientRecord;
    expect(kept.outbox.length).toBeGreaterThan(10);
    expect(kept.outbox.length).toBeLessThan(seen.accepted);
    expect(kept.outbox.map(({ text }) => text)).toEqual(
      kept.outbox.map((_message, i) => `message ${i}`),
    );
    expect(seen.errors[0]).toEqual([
      "StorageError",
      expect.stringContaining(`${path} cannot be written: EFBIG`),
    ]);
    expect(seen.state).toMatchObject({ code: 1011, why: seen.errors[0]?.[1] });
    // The sender gets the error.
    expect(seen.rejected).toHaveLength(seen.accepted);
    expect(new Set(seen.rejected)).toEqual(new Set(["StorageError"]));
    // The half-written record is gone, and the next client continues with the saved one.
    expect(besides(path)).toEqual(["client.json"]);
    const next = await opened(path);
    expect(await next.load()).toEqual(kept);
    await next.close?.();
  });
});

describe("a file that holds no record", () => {
  const whole = JSON.stringify(record);

  test.each<[string, string | Uint8Array, string]>([
    ["a record that is cut off", whole.slice(0, -7), "at least 1 message waited in its outbox"],
    ["nothing", "", "it is empty"],
    ["something else", "my shopping list", "16 bytes are not JSON"],
    ["a record without its session", JSON.stringify({ ...record, session: 1 }), "`session`"],
    ["bytes that are no text", new Uint8Array([0x7b, 0xff, 0xfe]), "3 bytes are not UTF-8"],
  ])(
    "%s: is moved aside, and the client says where, what was in it, and goes on",
    async (_case, text, said) => {
      const path = newPath();
      writeFileSync(path, text);
      const client = new ChatClient({ ...NOWHERE, storage: fileStorage(path) });
      const error = await new Promise<ChatError>((resolve) => client.on("error", resolve));
      expect(error).toBeInstanceOf(StorageError);
      const { movedTo = "" } = error as StorageError;
      expect(movedTo).toMatch(/client\.json\.unreadable-\d+$/);
      expect(error.message).toContain(path);
      expect(error.message).toContain(said);
      expect(error.message).toContain(movedTo);
      expect(readFileSync(movedTo)).toEqual(Buffer.from(text));
      void client.send("hello").catch(() => {});
      await client.close();
      expect(client.state).toMatchObject({ code: 1000 });
      const kept = JSON.parse(readFileSync(path, "utf8")) as ClientRecord;
      expect(kept.outbox.map((message) => message.text)).toEqual(["hello"]);
    },
  );

  test("two of them within a second are both kept", async () => {
    const path = newPath();
    const storage = await opened(path);
    const texts = ["{", "[", "("];
    for (const text of texts) {
      writeFileSync(path, text);
      expect(() => storage.load()).toThrow("moved to");
      expect(await storage.load()).toBeUndefined();
    }
    await storage.close?.();
    const kept = besides(path).map((name) => readFileSync(join(dirname(path), name), "utf8"));
    expect(kept.toSorted()).toEqual(texts.toSorted());
  });

  test("the record of a newer release is left where it is, and the client stops with a sentence", async () => {
    const path = newPath();
    const text = JSON.stringify({ ...record, version: 3 });
    writeFileSync(path, text);
    const client = new ChatClient({ ...NOWHERE, storage: fileStorage(path) });
    const error = await new Promise<ChatError>((resolve) => client.on("error", resolve));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.message).toMatch(
      /client\.json cannot be read: a newer release .*update this program/,
    );
    expect(client.state).toMatchObject({ type: "closed", code: 1011, why: error.message });
    expect(besides(path)).toEqual(["client.json"]);
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(existsSync(`${path}.lock`)).toBe(false);
    await client.close();
  });

  test("a file that may not be read is no damage: it is left where it is, and named", async () => {
    const path = newPath();
    mkdirSync(path);
    const storage = await opened(path);
    expect(() => storage.load()).toThrow(`${path} cannot be read: EISDIR`);
    await storage.close?.();
    expect(besides(path)).toEqual(["client.json"]);
  });

  test("a storage of the application's own that gives no record ends the client with a sentence", async () => {
    const storage = { load: () => ({ outbox: [] }) as unknown as ClientRecord, save: () => {} };
    const client = new ChatClient({ ...NOWHERE, storage });
    const error = await new Promise<ChatError>((resolve) => client.on("error", resolve));
    expect(error).toBeInstanceOf(StorageError);
    expect(error.message).toContain("what was kept cannot be read: its `version`");
    expect(client.state).toMatchObject({ type: "closed", code: 1011 });
  });
});

describe("two paths to one file", () => {
  test.each<[string, (path: string) => string]>([
    [
      "another spelling",
      (path) => `${dirname(path)}/./../${basename(dirname(path))}/${basename(path)}`,
    ],
    [
      "a relative path",
      (path) => join("..", "..", "..", "..", "..", "..", "..", "..", "..", "..", path),
    ],
    [
      "a link to the file",
      (path) => {
        symlinkSync(path, `${path}-link`);
        return `${path}-link`;
      },
    ],
    [
      "a link to the folder",
      (path) => {
        symlinkSync(dirname(path), `${dirname(path)}-link`);
        return join(`${dirname(path)}-link`, basename(path));
      },
    ],
    [
      "a link to a link",
      (path) => {
        symlinkSync(`./${basename(path)}`, `${path}-1`);
        symlinkSync(`${path}-1`, `${path}-2`);
        return `${path}-2`;
      },
    ],
  ])("%s: one owner and one record, before the file is there and after", async (_case, alias) => {
    const path = newPath();
    const other = alias(path);
    for (let i = 0; i < 2; i++) {
      const first = await opened(path);
      await expect(opened(other)).rejects.toThrow(/is used by another client of this process/);
      await first.save(record);
      await first.close?.();
      const second = await opened(other);
      expect(await second.load()).toEqual(record);
      await second.save(newer);
      await expect(opened(path)).rejects.toThrow(StorageError);
      await second.close?.();
      const third = await opened(path);
      expect(await third.load()).toEqual(newer);
      await third.close?.();
    }
  });
});
