/**
 * Storage faults, made by SQLite itself: triggers that reject every write simulate a full store (the platform's
 * authorizer forbids `PRAGMA max_page_count`). After the repair every confirmed message is there, in order.
 */
import { expect, test } from "vitest";
import { corrupts, logged } from "../support/storage/corruption.ts";
import { TestRoom } from "../support/harness/workerd.ts";

const TABLES = ["segments", "peers", "checkpoint"];

/** From here on no row can be added or changed. */
const fills = (room: TestRoom): Promise<void> =>
  room.inside((_object, { storage }) => {
    for (const table of TABLES) {
      for (const verb of ["INSERT", "UPDATE"]) {
        storage.sql.exec(
          `CREATE TRIGGER full_${table}_${verb} BEFORE ${verb} ON ${table}
           BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
        );
      }
    }
  });

const repairs = (room: TestRoom): Promise<void> =>
  room.inside((_object, { storage }) => {
    for (const table of TABLES) {
      for (const verb of ["INSERT", "UPDATE"]) {
        storage.sql.exec(`DROP TRIGGER full_${table}_${verb}`);
      }
    }
  });

test("R3: a full store rejects writes, serves reads, and after the repair has all confirmed messages", async () => {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  const bob = await room.joins("bob");
  await bob.isReady();
  alice.says("kept", ["bob"]);
  await alice.hears("kept");
  await bob.hears("kept");
  bob.acks(1);
  await room.settles();
  await fills(room);
  const output = await logged(async () => {
    alice.says("a secret", ["bob"]);
    expect((await alice.isClosed()).code).toBe(4102);
    // A new name is a row; a known one is not, and is served.
    expect((await (await room.joins("zoe")).isClosed()).code).toBe(4102);
    const reader = await room.joins("alice", { query: { since: 0 } });
    await reader.hears("kept");
    reader.says("again", ["bob"]);
    expect((await reader.isClosed()).code).toBe(4102);
  });
  expect(output).toContain("database or disk is full");
  expect(output).not.toContain("secret");
  expect(bob.closed).toBeUndefined();
  await repairs(room);
  const back = await room.joins("alice", { query: { since: 0 } });
  back.says("a secret", ["bob"]);
  await back.hears("kept", "a secret");
  await bob.until(() => bob.texts.includes("a secret"), "the second try");
  expect(bob.texts).toEqual(["kept", "a secret"]);
});

test("R7: a store that stayed full also closed peers that had done nothing, with the next tick", async () => {
  const room = new TestRoom();
  // Its socket answers no Close, so only the tick makes the next turn.
  const alice = await room.joins("alice", { halfOpen: true });
  const carol = await room.joins("carol");
  await carol.isReady();
  await room.settles();
  await fills(room);
  await logged(async () => {
    alice.says("not stored");
    expect((await alice.isClosed()).code).toBe(4102);
    // The news that a change went unannounced come with that tick.
    await carol.until(
      () => carol.closed !== undefined || carol.all("presence").some(({ missed }) => missed),
      "the tick",
    );
  });
  expect(carol.closed).toBeUndefined();
  await repairs(room);
  carol.says("still here");
  await carol.hears("still here");
});

test.each([
  ["whole", undefined],
  ["not at all, when its fifth row fails", 5],
])("R3: a turn of 5 MB is stored %s", async (_case, failing) => {
  const room = new TestRoom();
  const clients = await Promise.all(["ann", "bob", "cat"].map((name) => room.joins(name)));
  for (const client of clients) await client.isReady();
  await room.settles();
  const text = "x".repeat(8_000);
  const turn = (): Promise<void> =>
    room.inside(async (object, state) => {
      const frames = ["ann", "bob"].flatMap((name) => {
        const [ws] = room.socketsOf(state, name);
        if (ws === undefined) throw new Error(`${name} is not there`);
        return Array.from({ length: 45 }, async (_, frame) => {
          const sends = Array.from({ length: 7 }, (_unused, i) => {
            return { type: "send", id: `${frame}-${i}`, text, to: ["cat"] };
          });
          return object.webSocketMessage(ws, JSON.stringify(sends));
        });
      });
      await Promise.all(frames);
    });
  if (failing !== undefined) {
    await corrupts(
      room,
      `CREATE TRIGGER full BEFORE INSERT ON segments WHEN (SELECT count(*) FROM segments) = ${failing - 1}
       BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
    );
  }
  await logged(turn);
  const rows = await room.inside((_object, { storage }) =>
    storage.sql
      .exec<{ n: number; last: number }>("SELECT count(*) AS n, max(last) AS last FROM segments")
      .one(),
  );
  const [ann, bob, cat] = clients;
  expect(cat?.closed).toBeUndefined();
  if (failing === undefined) {
    expect(rows.last).toBe(630);
    expect(rows.n).toBeGreaterThanOrEqual(10);
    await cat?.hearsKind("message");
    return;
  }
  expect(rows.n).toBe(0);
  for (const one of [ann, bob]) expect((await one?.isClosed())?.code).toBe(4102);
  expect(cat?.texts).toEqual([]);
});
