/** Bugs of the object that were found and fixed, each under the name of the fault. */
import { describe, expect, test, vi } from "vitest";
import type { PeerName, RoomName } from "../../src/protocol/ids.ts";
import { encodeJoin } from "../../src/durable-object/join-request.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

const sockets = (
  room: TestRoom,
  name: string,
  turn: (ws: WebSocket, act: Actions) => Promise<unknown>[],
) =>
  room.inside(async (object, state) => {
    const [ws] = room.socketsOf(state, name);
    if (ws === undefined) throw new Error(`${name} is not there`);
    const joins = (): Promise<unknown> => {
      const join = { room: room.name as RoomName, name: name as PeerName, owner: "" };
      return object
        .fetch(encodeJoin({ ...join, dialect: "chat.v1" }, true))
        .then((response) => response.webSocket?.accept());
    };
    const says = async (text: string): Promise<void> => object.webSocketMessage(ws, text);
    await Promise.all(turn(ws, { joins, says }));
  });

interface Actions {
  readonly joins: () => Promise<unknown>;
  readonly says: (text: string) => Promise<void>;
}

const send = (id: string): string => JSON.stringify({ type: "send", id, text: id });

describe("fixed", () => {
  test("R2: a connection that was ended after a wake came back with the next one", async () => {
    const room = new TestRoom();
    const ended = await room.joins("alice", { dialect: "chat.line", halfOpen: true });
    await ended.hearsText("* welcome");
    await room.settles();
    await room.sleeps();
    ended.tells("/quit");
    const bob = await room.joins("bob", { dialect: "chat.line" });
    await bob.hearsText("* welcome");
    await room.settles();
    await room.sleeps();
    bob.tells("alice: for the real one");
    await bob.hearsText("* alice is away");
    const back = await room.joins("alice", { dialect: "chat.line" });
    await back.hearsText("from bob: for the real one");
  });

  test("R1: a message of the older connection in the turn of a takeover turned its 4001 into 4201", async () => {
    const room = new TestRoom();
    const older = await room.joins("alice");
    await older.isReady();
    await sockets(room, "alice", (_ws, { joins, says }) => [joins(), says(send("late"))]);
    expect((await older.isClosed()).code).toBe(4001);
  });

  test("R6: a second frame over the rate limit in one turn hid 4103, and the errors before it", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    const flood = JSON.stringify(Array.from({ length: 600 }, () => ({ type: "nonsense" })));
    await sockets(room, "alice", (_ws, { says }) => [says(flood), says(flood)]);
    expect((await alice.isClosed()).code).toBe(4103);
    expect(alice.all("error")).toHaveLength(500);
  });

  test.each([
    ["é", "w6k"],
    ["ā", "xIE"],
    ["schlüssel 😀", "c2NobMO8c3NlbCDwn5iA"],
  ])(
    "R1: the key %s in a header differed from the same key in a subprotocol",
    async (key, encoded) => {
      const room = new TestRoom();
      const first = await room.joins("alice", { key });
      await first.isReady();
      const same = await room.joins("alice", { subprotocols: [`key.${encoded}`] });
      await same.isReady();
      const other = await room.joins("alice", { key: "ȁ" });
      expect((await other.isClosed()).code).toBe(4003);
    },
  );

  test("R8: a signal to thousands of names, known or not, went out with all of them", async () => {
    const room = new TestRoom();
    const bob = await room.joins("bob");
    const alice = await room.joins("alice");
    await alice.isReady();
    const to = Array.from({ length: 2_000 }, (_, i) => `n${i}`);
    alice.tells({ type: "signal", data: 1, to: ["bob", ...to] });
    expect((await alice.hearsKind("error")).code).toBe("too-large");
    alice.tells({ type: "signal", data: 2, to: ["bob", "nobody"] });
    expect((await bob.hearsKind("signal")).data).toBe(2);
  });

  test("R7: a damaged row would have put a piece of a message into the server's log", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    alice.says("a secret between us");
    await alice.hears("a secret between us");
    alice.acks(1);
    await room.inside((_object, { storage }) => {
      storage.sql.exec(`UPDATE segments SET body = substr(body, 1, length(body) - 20) || 'secret'`);
    });
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    alice.tells({ type: "history", id: "h" });
    expect((await alice.isClosed()).code).toBe(4102);
    const text = JSON.stringify(logged.mock.calls);
    logged.mockRestore();
    expect(text).toContain("the segment with the entries 1 to 1 cannot be read");
    expect(text).not.toContain("secret");
  });

  test("R11: a large row was parsed again for every page of every reader", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice", { dialect: "chat.line" });
    const away = ["bob", "carol", "dave"];
    for (const name of away) {
      const peer = await room.joins(name);
      await peer.isReady();
      peer.closes(1000);
      await peer.isClosed();
    }
    // One commit of 400 entries: more than a window.
    const lines = Array.from({ length: 400 }, (_, i) => `bob, carol, dave: ${i}`).join("\n");
    alice.tells(lines);
    await room.settles();
    const before = await room.counters();
    const readers: Client[] = [];
    for (const name of away) readers.push(await room.joins(name));
    for (const reader of readers) {
      await reader.until(() => reader.texts.length === 256, "a window");
      reader.acks(128);
      await reader.until(() => reader.texts.length === 384, "half a window more");
      reader.acks(384);
      await reader.until(() => reader.texts.length === 400, "all");
    }
    const { rowsRead } = await room.counters();
    // Three names looked up, the log's one row read once, and the rows that SQLite reads to find it.
    expect(rowsRead - before.rowsRead).toBeLessThanOrEqual(6);
  });
});
