/** Connections that break, return, are replaced, or only look alive. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeFrameOf } from "../support/clients/raw-websocket.ts";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";
import type { V1Client } from "../support/clients/v1-client.ts";

const V1 = { dialect: "chat.v1" } as const;
const LINE = { dialect: "chat.line" } as const;
const GRACE_MS = 15_000;

const REPLACED = {
  code: 4001,
  reason: "replaced by a newer connection of this name: use that one, or choose another name",
};
const OVERTAKEN = {
  code: 4201,
  reason: "overtaken: a newer attempt of this session is connected",
};

let server: Server;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());

/** A peer that was there first, and gets the presence of the others. */
async function observerOf(room: TestRoom): Promise<V1Client> {
  const observer = await room.joins("observer", V1);
  await observer.sees("joined", "observer");
  return observer;
}

/** All news so far. One more join ends the list: news due before it have been sent by then. */
async function newsOf(observer: V1Client, room: TestRoom): Promise<object[]> {
  await room.joins("marker", V1);
  await observer.sees("joined", "marker");
  return observer.all("presence").map(({ type: _type, ...news }) => news);
}

// Concurrent, because one of them has to wait for the end of the grace.
describe.concurrent("a connection that breaks", () => {
  test("R2 R5: cut and back within the grace is no news, and the messages sent meanwhile are there, once", async ({
    expect,
  }) => {
    const room = new TestRoom(server, "grace");
    const observer = await observerOf(room);
    const alice = await room.joins("alice", V1);
    await observer.sees("joined", "alice");
    const bob = await room.joins("bob", V1);
    await observer.sees("joined", "bob");
    const eve = await room.joins("eve", LINE);
    await observer.sees("joined", "eve");

    await alice.vanishes();
    eve.types("alice: still there?");
    bob.says("one", { to: ["alice"] });
    bob.says("two");
    await bob.isDone();
    expect(await bob.asksWho()).toEqual(["alice", "bob", "eve", "observer"]);
    await alice.returns();
    await alice.hears("two");
    bob.says("three", { to: ["alice"] });
    await alice.hears("three");
    // At once, and back before the room can notice: still no news.
    await alice.vanishes();
    await alice.returns();
    alice.says("here again");
    await bob.hears("here again");
    await alice.isDone();

    expect(alice.heard.filter((line) => line !== "eve: still there?")).toEqual([
      "bob: one",
      "bob: two",
      "bob: three",
      "alice: here again",
    ]);
    expect(alice.heard).toHaveLength(5);
    expect(await newsOf(observer, room)).toEqual([
      { joined: ["observer"], online: 1 },
      { joined: ["alice"], online: 2 },
      { joined: ["bob"], online: 3 },
      { joined: ["eve"], online: 4 },
      { joined: ["marker"], online: 5 },
    ]);
    // In grace a name counts as online everywhere: Eve got no `away` for the message.
    await eve.hears("* marker joined");
    expect(eve.lines.slice(2)).toEqual([
      "from bob: two",
      "from alice: here again",
      "* marker joined",
    ]);
  });

  test("R2: cut and not back within the grace is announced when it ends, and so is the return", async ({
    expect,
  }) => {
    const room = new TestRoom(server, "no-return");
    const observer = await observerOf(room);
    const alice = await room.joins("alice", V1);
    await observer.sees("joined", "alice");

    const cutAt = Date.now();
    await alice.vanishes();
    observer.says("waiting for you", { to: ["alice"] });
    await observer.sees("left", "alice", GRACE_MS + 10_000);
    // The clock of a Worker stands still between events, so it may lag a little.
    expect(Date.now() - cutAt).toBeGreaterThan(GRACE_MS - 500);
    expect(await observer.asksWho()).toEqual(["alice (away)", "observer"]);
    await alice.returns();
    await alice.hears("waiting for you");
    await observer.until(
      () =>
        observer.all("presence").filter(({ joined }) => joined?.some((one) => one === "alice"))
          .length === 2,
      () => "the second arrival of alice",
    );

    expect(alice.heard).toEqual(["observer: waiting for you"]);
    expect(await newsOf(observer, room)).toEqual([
      { joined: ["observer"], online: 1 },
      { joined: ["alice"], online: 2 },
      { left: ["alice"], online: 1 },
      { joined: ["alice"], online: 2 },
      { joined: ["marker"], online: 3 },
    ]);
  });

  test("R4: the last messages before a goodbye arrive, and a clean goodbye is announced at once", async ({
    expect,
  }) => {
    const room = new TestRoom(server, "goodbye");
    const observer = await observerOf(room);
    const alice = await room.joins("alice", V1);
    await observer.sees("joined", "alice");

    const saidAt = Date.now();
    alice.says("last");
    alice.says("words");
    expect(await alice.leaves()).toEqual({ code: 1000, reason: "" });
    await observer.sees("left", "alice");
    expect(Date.now() - saidAt).toBeLessThan(GRACE_MS);

    expect(observer.heard).toEqual(["alice: last", "alice: words"]);
    expect(await newsOf(observer, room)).toEqual([
      { joined: ["observer"], online: 1 },
      { joined: ["alice"], online: 2 },
      { left: ["alice"], online: 1 },
      { joined: ["marker"], online: 2 },
    ]);
  });

  test("R5: a message whose confirmation was lost with the connection is not stored twice", async ({
    expect,
  }) => {
    const room = new TestRoom(server, "lost-confirmation");
    const bob = await room.joins("bob", V1);
    const alice = await room.joins("alice", V1);
    alice.says("before");
    await alice.isDone();
    alice.stopsListening();
    alice.says("once", { to: ["bob"] });
    alice.says("only");
    await bob.hears("once", "only");
    await alice.vanishes();
    expect(alice.unconfirmed).toEqual(["once", "only"]);
    alice.says("and on");
    await alice.returns();
    await alice.isDone();
    await bob.hears("and on");

    expect(alice.confirmed).toEqual(["before", "once", "only", "and on"]);
    const all = ["alice: before", "alice: once", "alice: only", "alice: and on"];
    expect(bob.heard).toEqual(all);
    expect(alice.heard).toEqual(all);
    expect(bob.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });
});

describe("two connections of one name", () => {
  test.each([V1, LINE])(
    "R1: the newer takes over, the older gets 4001, no other peer gets news of it: $dialect",
    async ({ dialect }) => {
      const room = new TestRoom(server, `takeover-${dialect}`);
      const observer = await observerOf(room);
      const older = await (dialect === "chat.v1"
        ? room.joins("alice", V1)
        : room.joins("alice", LINE));
      await observer.sees("joined", "alice");
      const newer = await room.joins("alice", V1);
      expect(await older.goodbye()).toEqual(REPLACED);
      observer.says("to the newer", { to: ["alice"] });
      await newer.hears("to the newer");
      newer.says("heard");
      await observer.hears("heard");

      expect(observer.heard).toEqual(["observer: to the newer", "alice: heard"]);
      expect(newer.isCutOff).toBe(false);
      expect(await newsOf(observer, room)).toEqual([
        { joined: ["observer"], online: 1 },
        { joined: ["alice"], online: 2 },
        { joined: ["marker"], online: 3 },
      ]);
    },
  );

  test("R1 R2: an older connection that never answers its Close, still sends and dies late, does not affect the newer", async () => {
    const room = new TestRoom(server, "late-death");
    const observer = await observerOf(room);
    const older = await room.connectsRaw("alice");
    await observer.sees("joined", "alice");
    const newer = await room.joins("alice", V1);
    expect(await older.goodbye()).toEqual(REPLACED);
    older.says('{"type":"send","id":"late","text":"from the grave"}');
    older.sends(closeFrameOf(4001));
    older.vanishes();
    await older.ends();
    // Several turns, so that the failure has reached the room as well.
    for (const word of ["one", "two", "three"]) {
      observer.says(word, { to: ["alice"] });
      await newer.hears(word);
      await observer.isDone();
    }

    expect(newer.isCutOff).toBe(false);
    expect(observer.heard).toEqual(["observer: one", "observer: two", "observer: three"]);
    expect(newer.heard).toEqual(observer.heard);
    expect(await newsOf(observer, room)).toEqual([
      { joined: ["observer"], online: 1 },
      { joined: ["alice"], online: 2 },
      { joined: ["marker"], online: 3 },
    ]);
  });

  test("R1: an overtaken handshake of the same session is rejected, and the current connection stays", async () => {
    const room = new TestRoom(server, "overtaken");
    const observer = await observerOf(room);
    const alice = await room.joins("alice", V1);
    const { session, attempt } = alice;
    const asAttempt = (number: number): string => `name=alice&session=${session}&attempt=${number}`;
    expect(await room.rejects(asAttempt(attempt))).toEqual(OVERTAKEN);
    expect(await room.rejects(asAttempt(attempt - 1), { protocols: ["chat.v1"] })).toEqual(
      OVERTAKEN,
    );
    expect(await room.rejects(asAttempt(0))).toEqual(OVERTAKEN);
    observer.says("still you", { to: ["alice"] });
    await alice.hears("still you");
    expect(alice.isCutOff).toBe(false);

    // Another session may take over with any attempt; so may the same one with a higher attempt.
    const other = await room.handshake("name=alice&session=other&attempt=0");
    expect(await alice.goodbye()).toEqual(REPLACED);
    const next = await room.handshake("name=alice&session=other&attempt=1");
    expect(await other.webSocket?.goodbye()).toEqual(REPLACED);
    expect(next.status).toBe(101);
    next.webSocket?.vanishes();
  });

  test("R1: once its connection has ended, a session may join with a lower attempt", async () => {
    const room = new TestRoom(server, "afterwards");
    const alice = await room.joins("alice", V1);
    expect(await alice.leaves()).toEqual({ code: 1000, reason: "" });
    const { session, attempt } = alice;
    const link = (await room.handshake(`name=alice&session=${session}&attempt=${attempt - 1}`))
      .webSocket;
    await link?.hears(
      ([welcome]) => welcome?.startsWith("* welcome to afterwards, alice;") === true,
    );
    link?.vanishes();
    expect(link).toBeDefined();
  });
});

describe("a connection that only looks alive", () => {
  test.each([V1, LINE])(
    "R7 R8 R11: a client that stops reading disturbs no peer, and can be replaced: $dialect",
    async ({ dialect }) => {
      const room = new TestRoom(server, `half-open-${dialect}`);
      const alice = await room.joins("alice", V1);
      const bob = await room.joins("bob", V1);
      const mallory = await room.connectsRaw("mallory", [dialect]);
      await mallory.hears((texts) => texts.length > 0);
      mallory.stopsReading();

      // Far more than any socket buffers.
      const words = Array.from({ length: 250 }, (_, number) => `${number} ${"x".repeat(8_000)}`);
      for (const word of words) alice.says(word);
      await alice.isDone();
      bob.says("no trouble at all");
      await alice.hears("no trouble at all");
      await bob.hears("no trouble at all");
      const all = [...words.map((word) => `alice: ${word}`), "bob: no trouble at all"];
      expect(bob.heard).toEqual(all);
      expect(alice.heard).toEqual(all);

      // The newer connection gets everything since the last entry that the older one acknowledged (`chat.v1`: nothing).
      const newer = await room.joins("mallory", V1);
      bob.says("welcome back", { to: ["mallory"] });
      await newer.hears("welcome back");
      expect(newer.heard).toEqual([...(dialect === "chat.v1" ? all : []), "bob: welcome back"]);
      mallory.vanishes();
      alice.says("after the death of the older");
      await newer.hears("after the death of the older");
      expect([alice, bob, newer].map(({ isCutOff }) => isCutOff)).toEqual([false, false, false]);
    },
  );

  test("R7: a client that never answers a Close is removed all the same", async () => {
    const room = new TestRoom(server, "no-answer");
    const observer = await observerOf(room);
    const mallory = await room.connectsRaw("mallory", []);
    await observer.sees("joined", "mallory");
    mallory.says("/quit");
    expect(await mallory.goodbye()).toEqual({ code: 1000, reason: "goodbye" });
    mallory.says("*: I am still talking");
    await observer.sees("left", "mallory");
    expect(await observer.asksWho()).toEqual(["mallory (away)", "observer"]);
    expect(observer.heard).toEqual([]);
    mallory.vanishes();
  });
});

test("R7: the server logged no error", async () => {
  expect(await server.loggedErrors()).toEqual([]);
});
