/** The state that survives hibernation, eviction and a crash; failure signals in every order; on the real object. */
import { describe, expect, test } from "vitest";
import type { PeerName, RoomName } from "../../src/protocol/ids.ts";
import { encodeJoin } from "../../src/durable-object/join-request.ts";
import { TestRoom } from "../support/harness/workerd.ts";

/** Calls a failure handler as the platform does. */
type Signal = "close" | "error";

describe("hibernation", () => {
  test("R5: a conversation goes on through hibernation, nothing doubled, nothing lost", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    await bob.isReady();
    alice.says("1", ["bob"]);
    await bob.hears("1");
    bob.acks(1);
    await alice.hears("1");
    alice.acks(1);
    await room.settles();
    await room.sleeps();
    alice.says("2", ["bob"]);
    await bob.hears("1", "2");
    bob.acks(2);
    alice.acks(2);
    await room.settles();
    await room.sleeps();
    alice.says("3", ["bob"]);
    await bob.hears("1", "2", "3");
    await alice.hears("1", "2", "3");
  });

  test("R5: an acknowledged message is not sent again after a wake", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice", { dialect: "chat.line" });
    const bob = await room.joins("bob");
    await bob.isReady();
    alice.tells("bob: 1");
    await bob.hears("1");
    bob.acks(1);
    await room.settles();
    await room.sleeps();
    alice.tells("bob: 2");
    await bob.until(() => bob.texts.includes("2"), "2");
    expect(bob.texts).toEqual(["1", "2"]);
  });

  test("R5: a line peer gets a message once although the room slept in between", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice", { dialect: "chat.line" });
    const bob = await room.joins("bob", { dialect: "chat.line" });
    alice.tells("bob: 1");
    await bob.hearsText("from alice: 1");
    await room.sleeps();
    alice.tells("bob: 2");
    await bob.hearsText("from alice: 2");
    expect(bob.lines.filter((line) => line.startsWith("from "))).toEqual([
      "from alice: 1",
      "from alice: 2",
    ]);
  });

  test("a wake announces nothing", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    await alice.hearsText('"joined":["alice","bob"]');
    await bob.isReady();
    const before = alice.all("presence").length;
    await room.sleeps();
    bob.says("hi");
    await alice.hears("hi");
    expect(alice.all("presence")).toHaveLength(before);
  });

  test("a goodbye that wakes the room is a goodbye", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    await bob.isReady();
    await alice.hearsText('"bob"');
    await room.sleeps();
    bob.closes(1000);
    expect((await bob.isClosed()).code).toBe(1000);
    await alice.hearsText('"left":["bob"]');
  });

  test("R2: a superseded socket still listed at a wake does not come back, nor does its late close matter", async () => {
    const room = new TestRoom();
    // It never answers the Close, so the platform goes on listing it.
    const superseded = await room.joins("alice", { halfOpen: true });
    await superseded.isReady();
    const successor = await room.joins("alice");
    await successor.isReady();
    await room.settles();
    await room.sleeps();
    const listed = await room.inside((_object, state) => room.socketsOf(state, "alice").length);
    expect(listed).toBe(2);
    const bob = await room.joins("bob", { dialect: "chat.line" });
    bob.tells("alice: who are you?");
    await successor.hears("who are you?");
    expect(superseded.texts).toEqual([]);
    await superseded.isClosed();
    expect(superseded.closed?.code).toBe(4001);
  });
});

describe("the fence", () => {
  test("R2: a connection's messages behind its successor's join are not accepted, though it was current when it sent them", async () => {
    const room = new TestRoom();
    const bob = await room.joins("bob");
    const superseded = await room.joins("alice");
    await superseded.isReady();
    await bob.isReady();
    await room.inside(async (object, state) => {
      const [ws] = room.socketsOf(state, "alice");
      if (ws === undefined) throw new Error("alice is not there");
      const send = (id: string): string => JSON.stringify({ type: "send", id, text: id });
      const join = {
        room: room.name as RoomName,
        name: "alice" as PeerName,
        owner: "",
        dialect: "chat.v1",
      } as const;
      // All three wait in one inbox.
      const turn = [
        Promise.resolve(object.webSocketMessage(ws, send("before"))),
        object.fetch(encodeJoin(join, true)),
        Promise.resolve(object.webSocketMessage(ws, send("after"))),
      ];
      const [, admitted] = await Promise.all(turn);
      (admitted as Response).webSocket?.accept();
    });
    await superseded.isClosed();
    bob.says("end");
    await bob.hears("before", "end");
  });

  test("R2: a superseded socket does not come back by a wake after its successor left", async () => {
    const room = new TestRoom();
    const superseded = await room.joins("alice", { halfOpen: true });
    await superseded.isReady();
    const successor = await room.joins("alice");
    await successor.isReady();
    successor.closes(1000);
    await successor.isClosed();
    const bob = await room.joins("bob", { dialect: "chat.line" });
    await bob.hearsText("* welcome");
    await room.settles();
    await room.sleeps();
    const listed = await room.inside((_object, state) => room.socketsOf(state, "alice").length);
    expect(listed).toBe(1);
    bob.tells("alice: are you there?");
    await bob.hearsText("* alice is away");
  });
});

describe("failure signals", () => {
  const orders: [string, Signal[]][] = [
    ["close", ["close"]],
    ["error", ["error"]],
    ["close twice", ["close", "close"]],
    ["error twice", ["error", "error"]],
    ["close, then error", ["close", "error"]],
    ["error, then close", ["error", "close"]],
  ];

  test.each(orders)(
    "R2: %s removes the peer once, and its return gets everything",
    async (_case, signals) => {
      const room = new TestRoom();
      const alice = await room.joins("alice");
      const bob = await room.joins("bob");
      await bob.isReady();
      await room.inside(async (object, state) => {
        const [ws] = room.socketsOf(state, "bob");
        if (ws === undefined) throw new Error("bob is not there");
        for (const signal of signals) {
          if (signal === "close") await object.webSocketClose(ws, 1006);
          else await object.webSocketError(ws);
        }
      });
      alice.says("hello?", ["bob"]);
      const back = await room.joins("bob");
      await back.hears("hello?");
      expect(bob.texts).toEqual([]);
    },
  );

  test.each([
    ["on the instance that knew both", { fresh: false, marked: true }],
    ["on a fresh instance", { fresh: true, marked: true }],
    ["on a fresh instance that finds no mark on it", { fresh: true, marked: false }],
  ])(
    "R2: the late close of an older connection, %s, leaves the newer alone",
    async (_case, how) => {
      const room = new TestRoom();
      const superseded = await room.joins("alice", { halfOpen: true });
      await superseded.isReady();
      const successor = await room.joins("alice");
      await successor.isReady();
      const bob = await room.joins("bob");
      await bob.isReady();
      await room.settles();
      if (how.fresh) await room.sleeps();
      await room.inside(async (object, state) => {
        const [older, newer] = room.socketsOf(state, "alice");
        if (older === undefined || newer === undefined)
          throw new Error("alice has one socket only");
        if (!how.marked) {
          older.serializeAttachment({ ...older.deserializeAttachment(), over: false });
        }
        await object.webSocketClose(older, 1006);
        await object.webSocketError(older);
      });
      bob.says("still there?", ["alice"]);
      await successor.hears("still there?");
    },
  );

  test("R7: messages of an ended connection are answered by closing it again", async () => {
    const room = new TestRoom();
    const superseded = await room.joins("alice", { halfOpen: true });
    await superseded.isReady();
    await (await room.joins("alice")).isReady();
    const bob = await room.joins("bob");
    await bob.isReady();
    await room.inside(async (object, state) => {
      for (const ws of state.getWebSockets()) {
        const attachment = ws.deserializeAttachment() as { over: boolean };
        if (attachment.over)
          await object.webSocketMessage(ws, '{"type":"send","id":"1","text":"x"}');
      }
    });
    bob.says("y");
    await bob.hears("y");
  });
});

describe("eviction and crash", () => {
  test("R5: every stored message is there for a peer that returns after an eviction", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    await bob.isReady();
    alice.says("1", ["bob"]);
    alice.says("2", ["bob"]);
    await alice.hears("1", "2");
    await bob.hears("1", "2");
    alice.acks(2);
    bob.acks(2);
    await room.settles();
    await room.isEvicted();
    expect((await bob.isClosed()).code).toBe(1006);
    const back = await room.joins("bob");
    await back.hears("1", "2");
    const welcome = await back.hearsKind("welcome");
    const again = await room.joins("bob", { query: { since: 1, epoch: welcome.epoch } });
    await again.hears("2");
  });

  test("R3: every message confirmed before a crash is there after it", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    for (let i = 0; i < 20; i++) alice.says(`${i}`);
    await alice.until(() => alice.texts.length >= 5, "some confirmations");
    await room.crashes();
    await alice.isClosed();
    const confirmed = alice.texts;
    const back = await room.joins("alice", { query: { since: 0 } });
    await back.isReady();
    expect(back.texts.slice(0, confirmed.length)).toEqual(confirmed);
  });

  test("R1: an overtaken handshake is rejected, and the current connection stays", async () => {
    const room = new TestRoom();
    const successor = await room.joins("alice", { query: { session: "s", attempt: 2 } });
    await successor.isReady();
    const late = await room.joins("alice", { query: { session: "s", attempt: 1 } });
    expect(await late.isClosed()).toMatchObject({ code: 4201 });
    await room.sleeps();
    const later = await room.joins("alice", { query: { session: "s", attempt: 2 } });
    expect(await later.isClosed()).toMatchObject({ code: 4201 });
    successor.says("here");
    await successor.hears("here");
  });
});
