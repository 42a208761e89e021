/**
 * Floods, counted in rows written: the cost that a stranger can cause the owner. The bounds are in
 * test/support/flood-bounds.ts, and from there in docs/security.md.
 */
import { env } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../src/config/limits.ts";
import { encodeEntry } from "../../../src/core/entry.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { SqliteStorage } from "../../../src/store/sqlite-storage.ts";
import { type Client, TestRoom } from "../../support/harness/workerd.ts";
import { ROWS } from "../../support/flood-bounds.ts";

async function written(room: TestRoom, flood: () => Promise<void>): Promise<number> {
  const before = await room.counters();
  await flood();
  return (await room.counters()).rowsWritten - before.rowsWritten;
}

/** A room that exists, with a peer in it. */
async function livelyRoom(): Promise<TestRoom> {
  const room = new TestRoom();
  await (await room.joins("alice", { key: "hers" })).isReady();
  return room;
}

async function comes(room: TestRoom, name: string): Promise<Client> {
  const client = await room.joins(name);
  await client.isReady();
  return client;
}

async function comesAndGoes(room: TestRoom, name: string): Promise<void> {
  const client = await comes(room, name);
  client.closes(1000);
  await client.isClosed();
}

describe("a flood of upgrades", () => {
  test("with new names costs two rows each", async () => {
    const room = await livelyRoom();
    const rows = await written(room, async () => {
      for (let i = 0; i < 20; i++) await comesAndGoes(room, `name${i}`);
    });
    expect(rows).toBe(20 * (ROWS.claim + ROWS.end));
  });

  test("with one name, which leaves again each time, costs one row each", async () => {
    const room = await livelyRoom();
    await comesAndGoes(room, "mallory");
    const rows = await written(room, async () => {
      for (let i = 0; i < 20; i++) await comesAndGoes(room, "mallory");
    });
    expect(rows).toBe(20 * ROWS.end);
  });

  test("with one name, each connection replacing the one before, costs nothing", async () => {
    const room = await livelyRoom();
    await comes(room, "mallory");
    const rows = await written(room, async () => {
      for (let i = 0; i < 20; i++) await comes(room, "mallory");
    });
    expect(rows).toBe(20 * ROWS.takeover);
  });

  test("of a name last seen more than a day ago costs one row more, once", async () => {
    const room = await livelyRoom();
    await comesAndGoes(room, "mallory");
    await room.inside((_object, { storage }) => {
      storage.sql.exec("UPDATE peers SET seen = 0 WHERE name = 'mallory'");
    });
    // The lookups are gone with its memory.
    await room.isEvicted();
    await (await room.joins("alice", { key: "hers" })).isReady();
    expect(await written(room, () => comesAndGoes(room, "mallory"))).toBe(
      ROWS.seenAgain + ROWS.end,
    );
    expect(await written(room, () => comesAndGoes(room, "mallory"))).toBe(ROWS.end);
  });

  test("with wrong keys, or with a name first used without one, costs nothing", async () => {
    const room = await livelyRoom();
    await comes(room, "bob");
    const rows = await written(room, async () => {
      for (let i = 0; i < 20; i++) {
        const wrong = await room.joins("alice", { key: `guess${i}` });
        expect((await wrong.isClosed()).code).toBe(4003);
        const none = await room.joins("alice");
        expect((await none.isClosed()).code).toBe(4003);
        const late = await room.joins("bob", { key: `guess${i}` });
        expect((await late.isClosed()).code).toBe(4003);
      }
    });
    expect(rows).toBe(60 * ROWS.refused);
  });

  test("that are overtaken costs nothing", async () => {
    const room = await livelyRoom();
    const query = { session: "s", attempt: 2 };
    await (await room.joins("bob", { query })).isReady();
    const rows = await written(room, async () => {
      for (let i = 0; i < 20; i++) {
        const late = await room.joins("bob", { query: { ...query, attempt: 1 } });
        expect((await late.isClosed()).code).toBe(4201);
      }
    });
    expect(rows).toBe(20 * ROWS.refused);
  });

  test("to a room with its maximum of names costs one row more for each", async () => {
    const room = await livelyRoom();
    const rows = await room.inside((_object, state) => {
      const storage = new SqliteStorage(state.storage, () => "");
      const { directory } = storage;
      const one = { owner: "", birth: 0 as Seq, cursor: 0 as Seq, seen: 1, spent: [] };
      const before = storage.sql.rowsWritten;
      const commit = (): void => storage.transaction(() => {});
      for (let i = 0; i < 10; i++) {
        directory.claim(`old${i}` as PeerName, one);
        commit();
        directory.forget(`old${i}` as PeerName);
        directory.claim(`new${i}` as PeerName, one);
        commit();
        directory.save(`new${i}` as PeerName, { ...one, seen: 2 });
        commit();
      }
      return storage.sql.rowsWritten - before;
    });
    expect(rows).toBe(10 * (ROWS.claim + ROWS.forgotten + ROWS.claim + ROWS.end));
  });
});

describe("a flood of rooms", () => {
  test("costs the tables of each, and its first name", async () => {
    for (let i = 0; i < 3; i++) {
      const room = new TestRoom();
      await comes(room, "mallory");
      // Of several statements at once only the last one's rows were counted, so that four were missing here.
      expect((await room.counters()).rowsWritten).toBe(ROWS.freshRoom + ROWS.claim);
    }
  });

  test.each([
    ["no name", "", {}],
    ["a bad cursor", "name=mallory&since=x", {}],
    ["another scheme", "name=mallory", { Authorization: "Basic eDp5" }],
    ["two keys", "name=mallory", { "Sec-WebSocket-Protocol": "chat.v1, key.YQ, key.Yg" }],
    ["a page of elsewhere", "name=mallory", { Origin: "https://evil.example" }],
    ["no dialect", "name=mallory", { "Sec-WebSocket-Protocol": "soap" }],
  ])("that is rejected wakes none of them: %s", async (_case, query, headers) => {
    const room = new TestRoom();
    for (let i = 0; i < 3; i++) {
      const response = await exports.default.fetch(`http://localhost/rooms/${room.name}?${query}`, {
        headers: { Upgrade: "websocket", ...headers },
      });
      response.webSocket?.accept();
      response.webSocket?.close();
    }
    const tables = await room.inside((_object, { storage }) =>
      storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
        .toArray(),
    );
    expect(tables).toEqual([]);
    expect((await room.counters()).rowsWritten).toBe(ROWS.refused);
  });
});

describe("a flood of frames", () => {
  test("that store nothing costs nothing, and the end of the connection one row", async () => {
    const room = await livelyRoom();
    const mallory = await comes(room, "mallory");
    const { burst } = defaultLimits();
    const rows = await written(room, async () => {
      mallory.tells(Array.from({ length: 100 }, () => ({ type: "signal", data: 1 })));
      mallory.tells(Array.from({ length: 100 }, (_, seq) => ({ type: "ack", seq })));
      mallory.tells(Array.from({ length: 5 }, () => ({ type: "history", id: "h" })));
      mallory.tells(Array.from({ length: 5 }, () => ({ type: "who", id: "w" })));
      mallory.tells(
        Array.from({ length: 50 }, () => ({ type: "send", id: "m", text: "x", to: ["nobody"] })),
      );
      for (let i = 0; i < 50; i++) mallory.tells("ping");
      for (let i = 0; i < 50; i++) mallory.tells("no JSON");
      await mallory.hearsKind("who", 5);
      await mallory.until(() => mallory.all("error").length === 99 + 50 + 50, "all errors");
    });
    expect(rows).toBe(ROWS.chatter);
    const ending = await written(room, async () => {
      mallory.tells(Array.from({ length: burst + 1 }, () => ({})));
      expect((await mallory.isClosed()).code).toBe(4103);
    });
    expect(ending).toBe(ROWS.end);
  });

  test("with a message each costs one row for each at most, and one more when it is deleted", async () => {
    const room = await livelyRoom();
    const mallory = await comes(room, "mallory");
    const rows = await written(room, async () => {
      for (let i = 1; i <= 30; i++) {
        mallory.says(`${i}`, ["mallory"]);
        await mallory.until(() => mallory.texts.length === i, "it");
      }
    });
    expect(rows).toBe(30);
    const deleted = await room.inside((_object, state) => {
      const storage = new SqliteStorage(state.storage, () => "");
      const before = storage.sql.rowsWritten;
      const one = { from: "mallory" as PeerName, text: "", at: 1 };
      storage.transaction(() => {
        storage.log.append([encodeEntry({ type: "message", ...one, seq: 31 as Seq })]);
        storage.log.trim({ entries: 1, ageMs: 1e15, bytes: 1e9 }, 1);
      });
      return storage.sql.rowsWritten - before - 1;
    });
    expect(deleted).toBe(30 * (ROWS.message - 1));
  });
});

test("the limits used for counting are those of wrangler.toml", () => {
  expect(env).toMatchObject({ RATE: defaultLimits().rate, LOG_SHARE: defaultLimits().share });
});
