/** A client whose disk is really full. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStorage } from "../../src/client/storage/file/file-storage.ts";
import { ChatClient, type ClientRecord, StorageError } from "../../src/client/index.ts";

let folder = "";
let isMounted = false;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "full-disk-"));
  mkdirSync(join(folder, "disk"));
  const mount = ["-t", "tmpfs", "-o", "size=64k", "none", join(folder, "disk")];
  isMounted = spawnSync("mount", mount).status === 0;
});
afterAll(() => {
  if (isMounted) spawnSync("umount", [join(folder, "disk")]);
  rmSync(folder, { recursive: true });
});

describe("a disk of 64 KiB", () => {
  test("when it is full, the client reports it and stops; its record is whole, and it goes on when there is room", async (context) => {
    if (!isMounted) context.skip("only root may mount a disk");
    const path = join(folder, "disk", "alice.json");
    const at = { url: "ws://127.0.0.1:1", room: "r", name: "alice" };
    const client = new ChatClient({ ...at, storage: fileStorage(path) });
    const errors: unknown[] = [];
    client.on("error", (error) => errors.push(error));
    const closed = new Promise((resolve) => {
      client.on("state", (state) => state.type === "closed" && resolve(state));
    });
    const fates: Promise<unknown>[] = [];
    let kept = 0;
    // One by one: each is on disk before the next.
    const isClosed = (): boolean => client.state.type === "closed";
    while (!isClosed()) {
      fates.push(client.send("x".repeat(1_000)).catch((error: unknown) => error));
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (!isClosed()) kept = fates.length;
    }
    const state = await closed;
    expect(errors[0]).toBeInstanceOf(StorageError);
    const why = `${path} cannot be written: ENOSPC`;
    expect(state).toMatchObject({ code: 1011, why: expect.stringContaining(why) });
    for (const fate of await Promise.all(fates)) expect(fate).toBeInstanceOf(StorageError);
    await client.close();
    expect(readdirSync(join(folder, "disk"))).toEqual(["alice.json"]);
    const { outbox } = JSON.parse(readFileSync(path, "utf8")) as ClientRecord;
    expect(outbox).toHaveLength(kept);
    expect(kept).toBeGreaterThan(10);

    // Another process fills the disk to its last byte: not even the lock can be taken, and the client reports it.
    try {
      writeFileSync(join(folder, "disk", "filler"), "x".repeat(65_536));
    } catch {
      // The disk is full.
    }
    const late = new ChatClient({ ...at, storage: fileStorage(path) });
    const refused = await new Promise<Error>((resolve) => late.on("error", resolve));
    expect(refused.message).toContain(`${path} cannot be`);
    expect(refused.message).toContain("ENOSPC");
    await late.close();

    rmSync(join(folder, "disk", "filler"));
    spawnSync("mount", ["-o", "remount,size=1m", join(folder, "disk")]);
    const next = new ChatClient({ ...at, storage: fileStorage(path) });
    const texts = await new Promise<string[]>((resolve) => {
      next.on("state", () => resolve(next.outbox.map(({ text = "" }) => text)));
    });
    expect(texts).toEqual(outbox.map(({ text }) => text));
    await next.close();
  });
});
