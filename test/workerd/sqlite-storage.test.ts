import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/config/limits.ts";
import { type PeerName, SEQ_ZERO } from "../../src/protocol/ids.ts";
import { SqliteStorage } from "../../src/store/sqlite-storage.ts";
import { storageContract } from "../support/storage/storage-contract.ts";

let rooms = 0;

describe("storage on SQLite, in workerd", () => {
  storageContract((work) => {
    const stub = env.CHAT_ROOM.getByName(`contract-${rooms++}`);
    return runInDurableObject(stub, (_room, { storage }) => {
      const open = () => new SqliteStorage(storage, () => crypto.randomUUID());
      work({ storage: open(), reopen: open });
    });
  });
});

test("once online, as many names as may be online by default are looked up without reading a row", () =>
  runInDurableObject(env.CHAT_ROOM.getByName("names"), (_room, { storage }) => {
    const room = new SqliteStorage(storage, () => crypto.randomUUID());
    const { directory, sql } = room;
    const names = Array.from({ length: LIMITS.online.default }, (_, i) => `n${i}` as PeerName);
    const known = { owner: "", birth: SEQ_ZERO, cursor: SEQ_ZERO, seen: 7, spent: [] };
    for (const name of names) directory.claim(name, known);
    room.transaction(() => {});
    const before = sql.statements;
    for (const name of names) expect(directory.find(name)).toEqual(known);
    expect(sql.statements - before).toBe(0);
  }));
