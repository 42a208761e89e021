/**
 * A damaged database: a clear sentence for the operator, without texts or names; 4102 for the peers that need an
 * unreadable row, and for no others; after the repair every confirmed message is there, once and in order.
 */
import { expect, test } from "vitest";
import type { RoomName, Seq } from "../../src/protocol/ids.ts";
import { corrupts, logged } from "../support/storage/corruption.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

/** Alice is online; bob had "one" and is away; "two" waits for him. One row each. */
async function setUp(): Promise<{ room: TestRoom; alice: Client }> {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  const bob = await room.joins("bob");
  await bob.isReady();
  alice.says("one", ["bob"]);
  await bob.hears("one");
  await alice.hears("one");
  bob.acks(1);
  bob.closes(1000);
  await bob.isClosed();
  alice.says("two", ["bob"]);
  await alice.hears("one", "two");
  alice.acks(2);
  await room.settles();
  return { room, alice };
}

const SECRETS = /one|two|alice|bob|carol/;

test.each([
  ["a schema that is no number", "UPDATE meta SET value = 'abc' WHERE key = 'schema'"],
  ["no schema", "DELETE FROM meta WHERE key = 'schema'"],
  ["no id", "DELETE FROM meta WHERE key = 'id'"],
  ["an empty id", "UPDATE meta SET value = '' WHERE key = 'id'"],
])(
  "R6: a database with %s closes with 4102, and has everything after the repair",
  async (_case, damage) => {
    const { room, alice } = await setUp();
    const { epoch } = await alice.hearsKind("welcome");
    await corrupts(room, "CREATE TABLE meta_before AS SELECT * FROM meta", damage);
    await room.sleeps();
    const output = await logged(async () => {
      expect(await (await room.joins("carol")).isClosed()).toMatchObject({ code: 4102 });
      expect(await alice.isClosed()).toMatchObject({ code: 4102 });
    });
    expect(output).toContain("this room's database is damaged: it ");
    expect(output).toContain("restore it from a point in time before");
    expect(output).not.toMatch(SECRETS);
    await corrupts(
      room,
      "DELETE FROM meta",
      "INSERT INTO meta SELECT * FROM meta_before",
      "DROP TABLE meta_before",
    );
    const bob = await room.joins("bob");
    await bob.isReady();
    expect(bob.texts).toEqual(["two"]);
    expect(await bob.hearsKind("welcome")).toMatchObject({ epoch, since: 1, head: 2 });
    const back = await room.joins("alice", { query: { since: 0 } });
    await back.hears("one", "two");
  },
);

test.each([
  ["no JSON", '[["bob", 2'],
  ["no list", '{"bob":2}'],
  ["a cursor that is text", '[["bob","2",0]]'],
])("R5: a checkpoint with %s is skipped in favour of the names' own rows", async (_case, saved) => {
  const { room, alice } = await setUp();
  await corrupts(room, `INSERT INTO checkpoint VALUES (0, 2, '${saved}')`);
  await room.sleeps();
  const output = await logged(async () => {
    const bob = await room.joins("bob");
    await bob.isReady();
    expect(bob.texts).toEqual(["two"]);
    alice.says("three", ["bob"]);
    await bob.hears("two", "three");
  });
  expect(output).toContain("a checkpoint of cursors cannot be read");
  expect(output).not.toMatch(SECRETS);
});

/** Carol is online, and has acknowledged nothing, so a wake reads the index from the first row on. */
async function withCarol(): Promise<{ room: TestRoom; alice: Client; carol: Client }> {
  const room = new TestRoom();
  const carol = await room.joins("carol");
  await carol.isReady();
  const bob = await room.joins("bob");
  await bob.isReady();
  bob.closes(1000);
  await bob.isClosed();
  const alice = await room.joins("alice");
  alice.says("one", ["bob"]);
  await alice.hears("one");
  alice.acks(1);
  await room.settles();
  return { room, alice, carol };
}

test.each([
  ["not JSON", "'one'"],
  ["a list without entries", "'[]'"],
  ["an object", "'{}'"],
  ["text without separators", "x'00'"],
  ["another entry", "replace(body, '\"seq\":1', '\"seq\":9')"],
])("R7: a segment that is %s ends only the peers that must read it", async (_case, body) => {
  const { room, alice, carol } = await withCarol();
  await corrupts(
    room,
    "CREATE TABLE before AS SELECT * FROM segments",
    `UPDATE segments SET body = ${body}`,
  );
  await room.sleeps();
  const output = await logged(async () => {
    alice.says("hello", ["carol"]);
    await carol.hears("hello");
    for (const _again of [1, 2]) {
      expect(await (await room.joins("bob")).isClosed()).toMatchObject({ code: 4102 });
    }
    const request = { type: "Messages", since: 0 as Seq, limit: 10, bytes: 1_000 } as const;
    expect(await room.stub.operate(room.name as RoomName, request)).toEqual({ type: "trouble" });
    const redact = { type: "EraseEntry", seq: 1 as Seq } as const;
    expect(await room.stub.operate(room.name as RoomName, redact)).toEqual({ type: "trouble" });
    expect(await room.stub.export(room.name as RoomName)).toEqual({ type: "trouble" });
    carol.says("and you?", ["alice"]);
    await alice.hears("one", "hello", "and you?");
  });
  expect([alice.closed, carol.closed]).toEqual([undefined, undefined]);
  expect(output).toContain("the segment with the entries 1 to 1 cannot be read");
  expect(output).not.toMatch(SECRETS);
  await corrupts(room, "UPDATE segments SET body = (SELECT body FROM before) WHERE last = 1");
  const back = await room.joins("bob");
  await back.isReady();
  expect(back.texts).toEqual(["one"]);
});

test("R7: a segment of unknown recipients ends no peer that is online", async () => {
  const { room, alice, carol } = await withCarol();
  await corrupts(room, "UPDATE segments SET audience = x'00' WHERE last = 1");
  await room.sleeps();
  const output = await logged(async () => {
    alice.says("hello", ["carol"]);
    await carol.hears("hello");
  });
  expect(alice.closed).toBeUndefined();
  expect(output).toContain("the audience of the segment that ends with 1 cannot be read");
  expect(output).not.toMatch(SECRETS);
});

test("R6: an export that reaches a damaged segment is cut off before it, without its last line", async () => {
  const { room, alice } = await setUp();
  await corrupts(room, "UPDATE segments SET body = '' WHERE last = 2");
  await room.sleeps();
  const output = await logged(async () => {
    const exported = await room.stub.export(room.name as RoomName);
    if (!(exported instanceof ReadableStream)) throw new Error("no export");
    await expect(new Response(exported).text()).rejects.toThrow("disconnected prematurely");
  });
  expect(output).toContain("the segment with the entries 2 to 2 cannot be read");
  expect(output).not.toMatch(SECRETS);
  expect(alice.closed).toBeUndefined();
});

test.each(["cursor", "seen", "head"])(
  "R5: a name whose %s is damaged starts at its claim",
  async (column) => {
    const { room } = await setUp();
    await corrupts(room, `UPDATE peers SET ${column} = 'x' WHERE name = 'bob'`);
    await room.sleeps();
    const output = await logged(async () => {
      const bob = await room.joins("bob");
      await bob.isReady();
      expect(bob.texts).toEqual(["one", "two"]);
    });
    expect(output).toContain("a cursor in the table peers cannot be read");
    expect(output).not.toMatch(SECRETS);
  },
);

test("R8: a name whose claim is damaged rejects every join until the repair", async () => {
  const { room, alice } = await setUp();
  await corrupts(room, "UPDATE peers SET birth = 'x' WHERE name = 'bob'");
  await room.sleeps();
  const output = await logged(async () => {
    expect(await (await room.joins("bob")).isClosed()).toMatchObject({ code: 4102 });
  });
  expect(output).toContain("a row of the table peers cannot be read");
  expect(output).not.toMatch(SECRETS);
  expect(alice.closed).toBeUndefined();
  await corrupts(room, "UPDATE peers SET birth = 0 WHERE name = 'bob'");
  const bob = await room.joins("bob");
  await bob.isReady();
  expect(bob.texts).toEqual(["two"]);
});
