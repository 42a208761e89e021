/** The operator's requests on the real object: their cost, what a crash leaves of them, and what is logged. */
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Join } from "../../src/core/event.ts";
import { DAY } from "../../src/core/limits.ts";
import { EXPORT_PAGE_BYTES } from "../../src/durable-object/export-stream.ts";
import type { ConnectionId, PeerName, RoomName, Seq } from "../../src/protocol/ids.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import type { AdminResponse } from "../../src/durable-object/rpc.ts";
import { encodeJoin } from "../../src/durable-object/join-request.ts";
import worker from "../../src/worker.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";
import type { Env } from "../../src/durable-object/env.ts";

const named = (name: string): PeerName => name as PeerName;
const at = (seq: number): Seq => seq as Seq;
const ALL = { since: at(0), limit: 1_000, bytes: 1e6 } as const;

const requests = async (room: TestRoom, request: AdminRequest): Promise<AdminResponse> =>
  await room.stub.operate(room.name as RoomName, request);
const publishes = (
  room: TestRoom,
  from: string,
  text: string,
  to?: string[],
): Promise<AdminResponse> =>
  requests(room, { type: "Publish", from: named(from), text, ...(to && { to: to.map(named) }) });

const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  for (const method of ["log", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((...what: unknown[]) => {
      lines.push(...what.map(String));
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const events = (): unknown[] => lines.map((line) => JSON.parse(line) as unknown);

/** Rows of each table in the room's database; undefined without tables. */
const tables = (room: TestRoom): Promise<Record<string, number> | undefined> =>
  room.inside((_object, { storage }) => {
    const names = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf"));
    if (names.length === 0) return undefined;
    return Object.fromEntries(
      names.map((name) => [
        name,
        Number(storage.sql.exec(`SELECT count(*) AS n FROM ${name}`).one()["n"]),
      ]),
    );
  });

async function roomWith(...names: string[]): Promise<{ room: TestRoom; clients: Client[] }> {
  const room = new TestRoom();
  const clients: Client[] = [];
  for (const name of names) clients.push(await room.joins(name));
  for (const client of clients) {
    await client.isReady();
    // A socket that the room closes ends properly only if its client has sent something.
    client.tells("ping");
  }
  return { room, clients };
}

const isOf = (client: Client | undefined): Client => {
  if (client === undefined) throw new Error("nobody");
  return client;
};

describe("the cost of a request", () => {
  test("R10: publishing and expelling write one row each, erasing a second for the older row, closing and querying none", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const written = async (request: AdminRequest): Promise<number> => {
      const before = (await room.counters()).rowsWritten;
      expect((await requests(room, request)).type).not.toBe("trouble");
      const after = (await room.counters()).rowsWritten;
      return after - before;
    };
    expect(await written({ type: "Publish", from: named("alice"), text: "hi" })).toBe(1);
    expect(await written({ type: "EraseEntry", seq: at(1) })).toBe(2);
    expect(await written({ type: "EraseEntry", seq: at(1) })).toBe(0);
    for (const look of [
      { type: "Messages", ...ALL },
      { type: "Names", after: "", limit: 200 },
      { type: "Stats" },
    ] as const) {
      expect(await written(look)).toBe(0);
    }
    expect(await written({ type: "Expel", name: named("bob") })).toBe(1);
    expect(await isOf(clients[1]).isClosed()).toMatchObject({ code: 4004 });
    const storage = await room.inside((object) => object.counters.rowsWritten);
    expect(await requests(room, { type: "Erase" })).toEqual({ type: "done" });
    expect(await isOf(clients[0]).isClosed()).toMatchObject({ code: 4005 });
    expect(await tables(room)).toBeUndefined();
    expect(storage).toBeGreaterThan(0);
  });

  test("a query creates no room, neither before the first join nor after a closing", async () => {
    const room = new TestRoom();
    for (const request of [
      { type: "Stats" },
      { type: "Messages", ...ALL },
      { type: "Names", after: "", limit: 1 },
      { type: "EraseEntry", seq: at(1) },
      { type: "Expel", name: named("alice") },
      { type: "Publish", from: named("alice"), text: "hi" },
    ] as const) {
      expect(await requests(room, request)).toEqual({ type: "no-room" });
    }
    expect(await requests(room, { type: "Erase" })).toEqual({ type: "done" });
    expect(await room.stub.export(room.name as RoomName)).toEqual({ type: "no-room" });
    expect(await tables(room)).toBeUndefined();
    const alice = await room.joins("alice");
    await alice.isReady();
    await requests(room, { type: "Erase" });
    await alice.isClosed();
    await room.inside(() => {});
    expect(await tables(room)).toBeUndefined();
    expect(await requests(room, { type: "Stats" })).toEqual({ type: "no-room" });
  });
});

describe("a crash", () => {
  test("R3: a request is answered only when it is stored", async () => {
    const { room } = await roomWith("alice");
    await room.inside((_object, state) => {
      const whole = state.storage.transactionSync.bind(state.storage);
      state.storage.transactionSync = (work) => {
        const result = whole(work);
        state.abort("crash");
        return result;
      };
    });
    await expect(publishes(room, "alice", "lost")).rejects.toThrow();
    const reply = await requests(room, { type: "Messages", ...ALL });
    expect(reply).toMatchObject({ type: "messages", frames: [], head: 0 });
  });

  test("R3: while a room is closed, either no peer is notified and everything is there, or all of it is gone", async () => {
    const { room, clients } = await roomWith("alice");
    await publishes(room, "alice", "kept");
    await isOf(clients[0]).hears("kept");
    await room.inside((_object, state) => {
      const whole = state.storage.deleteAll.bind(state.storage);
      state.storage.deleteAll = () => {
        const done = whole();
        state.abort("crash");
        return done;
      };
    });
    await expect(requests(room, { type: "Erase" })).rejects.toThrow();
    expect(await isOf(clients[0]).isClosed()).toMatchObject({ code: 1006 });
    const left = await tables(room);
    expect([undefined, { meta: 2, segments: 1, peers: 1, checkpoint: 0 }]).toContainEqual(left);
    // The request can be repeated.
    expect(await requests(room, { type: "Erase" })).toEqual({ type: "done" });
    expect(await tables(room)).toBeUndefined();
  });
});

describe("a storage error", () => {
  test("a request whose turn fails is answered with an error, nothing of it is stored, and the room goes on", async () => {
    const { room, clients } = await roomWith("alice");
    const fails = (): Promise<void> =>
      room.inside((_object, { storage }) => {
        const whole = storage.transactionSync;
        storage.transactionSync = () => {
          storage.transactionSync = whole;
          throw new Error("database or disk is full");
        };
      });
    await fails();
    expect(await publishes(room, "alice", "lost")).toEqual({ type: "trouble" });
    expect(await publishes(room, "alice", "kept")).toMatchObject({ type: "published" });
    await isOf(clients[0]).hears("kept");
    expect(isOf(clients[0]).closed).toBeUndefined();
    await room.inside((_object, { storage }) => {
      const whole = storage.deleteAll;
      storage.deleteAll = () => {
        storage.deleteAll = whole;
        throw new Error("database or disk is full");
      };
    });
    expect(await requests(room, { type: "Erase" })).toEqual({ type: "trouble" });
    expect(isOf(clients[0]).closed).toBeUndefined();
    expect(await publishes(room, "alice", "still here")).toMatchObject({ type: "published" });
    expect(events()).toContainEqual({
      event: "storage-trouble",
      room: room.name,
      error: "Error: database or disk is full",
    });
  });
});

describe("a storage error over HTTP", () => {
  test("503, to be retried, if the storage fails or the room cannot be reached", async () => {
    const key = "a-secret-of-enough-characters";
    const asks = async (operate: () => Promise<AdminResponse>): Promise<unknown> => {
      const stub = { operate, export: operate };
      const fake = { ...env, ADMIN_KEY: key, CHAT_ROOM: { getByName: () => stub } };
      const request = new Request("http://localhost/rooms/lobby/export", {
        headers: { Authorization: `Bearer ${key}` },
      });
      const answer = await worker.fetch(request, fake as unknown as Env);
      const { error } = await answer.json<{ error: { code: string } }>();
      return [answer.status, error.code, answer.headers.get("Retry-After")];
    };
    expect(await asks(() => Promise.resolve({ type: "trouble" }))).toEqual([
      503,
      "storage-trouble",
      "1",
    ]);
    expect(await asks(() => Promise.reject(new Error("no")))).toEqual([503, "unreachable", "1"]);
  });
});

describe("a closed room", () => {
  test("R2: earlier messages are delivered first; a peer that joins in the same turn gets the new room", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [isOf(clients[0]), isOf(clients[1])];
    const joined = await room.inside(async (object, state) => {
      const [ws] = room.socketsOf(state, "alice");
      if (ws === undefined) throw new Error("alice is not there");
      const sent = object.webSocketMessage(
        ws,
        JSON.stringify({ type: "send", id: "1", text: "last words" }),
      );
      const erased = object.operate(room.name as RoomName, { type: "Erase" });
      // A client that stops half-way through its page does not block this either.
      const late = object.webSocketMessage(
        ws,
        JSON.stringify({ type: "send", id: "2", text: "too late" }),
      );
      const join: Join = {
        room: room.name as RoomName,
        name: named("carol"),
        owner: "",
        dialect: "chat.v1",
      };
      const answer = await object.fetch(encodeJoin(join, true));
      await Promise.all([sent, erased, late]);
      const { webSocket } = answer;
      webSocket?.accept();
      return answer.status;
    });
    expect(joined).toBe(101);
    for (const client of [alice, bob]) {
      expect(await client.isClosed()).toMatchObject({ code: 4005 });
      expect(client.texts).toEqual(["last words"]);
    }
    expect(await tables(room)).toEqual({ meta: 2, segments: 0, peers: 1, checkpoint: 0 });
    expect(lines.filter((line) => line.includes('"leave"'))).toHaveLength(2);
    // A late signal of an older socket matches no peer.
    await room.inside(async (object, state) => {
      for (const ws of [...room.socketsOf(state, "alice"), ...room.socketsOf(state, "bob")]) {
        await object.webSocketClose(ws, 1006);
        await object.webSocketError(ws);
      }
    });
    expect(lines.filter((line) => line.includes('"leave"'))).toHaveLength(2);
    const stats = await requests(room, { type: "Stats" });
    expect(stats).toMatchObject({ type: "stats", facts: { peers: { online: 1, known: 1 } } });
  });

  test("R2: a client that hung up in the turn of the closing was a member of the next room", async () => {
    const { room } = await roomWith("alice");
    await room.inside(async (object, state) => {
      const [ws] = room.socketsOf(state, "alice");
      if (ws === undefined) throw new Error("no socket");
      const name = room.name as RoomName;
      const join: Join = { room: name, name: named("bob"), owner: "", dialect: "chat.v1" };
      const closed = object.webSocketClose(ws, 1006);
      const erased = object.operate(name, { type: "Erase" });
      const { webSocket } = await object.fetch(encodeJoin(join, true));
      await Promise.all([closed, erased]);
      webSocket?.accept();
    });
    expect(await requests(room, { type: "Stats" })).toMatchObject({
      facts: { peers: { online: 1 } },
    });
  });
});

describe("an export", () => {
  const read = async (stream: ReadableStream<Uint8Array>): Promise<Record<string, unknown>[]> => {
    const text = await new Response(stream).text();
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  /** 100 kB each. */
  const fills = async (room: TestRoom, from: number, count: number): Promise<void> => {
    for (let i = from; i < from + count; i++) {
      await room.inside((object) =>
        Promise.all(
          Array.from({ length: 13 }, (_, part) =>
            object.operate(room.name as RoomName, {
              type: "Publish",
              from: named("alice"),
              text: `${i}.${part} ${"x".repeat(8_000)}`,
            }),
          ),
        ),
      );
    }
  };
  const opens = async (room: TestRoom): Promise<ReadableStream<Uint8Array>> => {
    const exported = await room.stub.export(room.name as RoomName);
    if (!(exported instanceof ReadableStream)) throw new Error(JSON.stringify(exported));
    return exported;
  };

  test("R8: every entry once, up to the head at its beginning, a page at a time, as it is read", async () => {
    const { room } = await roomWith("alice");
    await fills(room, 0, 40);
    const before = (await room.counters()).rowsRead;
    const stream = await opens(room);
    await room.inside(() => {});
    // 40 rows of 100 kB: nothing but the first lines is read ahead.
    expect((await room.counters()).rowsRead - before).toBeLessThan(30);
    await fills(room, 40, 1);
    const all = await read(stream);
    expect(all[0]).toMatchObject({ type: "export", room: room.name, first: 1, head: 520 });
    expect(all.at(-1)).toEqual({ type: "end", entries: 520 });
    expect(all.slice(1, -1).map((line) => line["seq"])).toEqual(
      Array.from({ length: 520 }, (_, i) => i + 1),
    );
    expect(EXPORT_PAGE_BYTES).toBeLessThan(520 * 8_000);
  });

  test("R6: entries trimmed meanwhile appear as a gap, up to the head at its beginning", async () => {
    const { room } = await roomWith("alice");
    await fills(room, 0, 40);
    const stream = await opens(room);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31 * DAY });
    await publishes(room, "alice", "a month later");
    vi.useRealTimers();
    const all = await read(stream);
    expect(all[0]).toMatchObject({ type: "export", first: 1, head: 520 });
    // The lines read ahead are there; then a gap: together they cover every entry, once.
    const ahead = all.slice(1, -2).map((line) => line["seq"]);
    expect(ahead).toEqual(Array.from(ahead, (_, index) => index + 1));
    expect(all.at(-2)).toEqual({ type: "gap", from: ahead.length + 1, to: 520 });
    expect(all.at(-1)).toEqual({ type: "end", entries: ahead.length });
  });

  test("entries erased before their page is read are not in it", async () => {
    const { room } = await roomWith("alice");
    await fills(room, 0, 40);
    const stream = await opens(room);
    await requests(room, { type: "EraseEntry", seq: at(520) });
    const all = await read(stream);
    expect(all.at(-2)).toMatchObject({ seq: 520, text: "", erased: true });
    expect(all.at(-1)).toEqual({ type: "end", entries: 520 });
  });

  test("a closing ends it early, without its last line", async () => {
    const { room } = await roomWith("alice");
    await fills(room, 0, 40);
    const stream = await opens(room);
    await requests(room, { type: "Erase" });
    await expect(read(stream)).rejects.toThrow();
  });
});

describe("the log", () => {
  test("R8: lines report what happened, and never a text, a key, a name or a query", async () => {
    const room = new TestRoom();
    const secrets = ["Xalice", "Xbob", "Xmarker", "Xkey", "Xid", "Xsession", "Xsignal", "Xdata"];
    const alice = await room.joins("Xalice", {
      key: "Xkey-alice",
      query: { session: "Xsession", attempt: 1 },
    });
    await alice.isReady();
    const bob = await room.joins("Xbob", { dialect: "chat.line", key: "Xkey-bob" });
    await bob.hearsText("welcome");
    alice.says("Xmarker one", ["Xbob"], "Xid1");
    await bob.hearsText("Xmarker one");
    alice.tells({ type: "signal", data: "Xsignal" });
    alice.tells('{"type":"Xmarker"');
    alice.tells({ type: "send", id: "Xid", text: "Xmarker", to: ["Xnobody"] });
    bob.tells("Xbob: Xmarker to myself");
    await alice.hearsKind("error", 2);
    // Rejected in the Worker, and in the room; taken over; expelled; closed; binary.
    await (await room.joins("Xalice", { query: { since: "Xmarker" } })).isClosed();
    await (await room.joins("Xbob", { key: "Xkey-wrong" })).isClosed();
    const again = await room.joins("Xalice", { key: "Xkey-alice" });
    await again.isReady();
    await alice.isClosed();
    bob.tellsBytes(new Uint8Array([88, 109]).buffer);
    await bob.isClosed();
    await publishes(room, "Xalice", "Xmarker published", ["Xbob"]);
    await publishes(room, "Xstranger", "Xmarker");
    await requests(room, { type: "EraseEntry", seq: at(1) });
    again.tells("ping");
    await requests(room, { type: "Expel", name: named("Xalice") });
    await again.isClosed();
    await requests(room, { type: "Erase" });
    await room.inside(() => {});

    const all = lines.join("\n");
    for (const secret of [...secrets, "Xnobody", "Xstranger"]) expect(all).not.toContain(secret);
    for (const line of lines) {
      for (const value of Object.values(JSON.parse(line) as object)) {
        expect(["string", "number"]).toContain(typeof value);
      }
    }
    const who = { room: room.name, name: expect.stringMatching(/^[0-9a-f]{16}$/) as string };
    const link = { ...who, connection: expect.stringMatching(/^\d{15}-[0-9a-f]{8}$/) as string };
    const logged = events() as { event: string; name?: string; connection?: ConnectionId }[];
    expect(logged).toEqual([
      { event: "join", ...link, dialect: "chat.v1", online: 1 },
      { event: "join", ...link, dialect: "chat.line", online: 2 },
      { event: "refusal", room: room.name, code: 4000 },
      { event: "refusal", ...link, code: 4003 },
      { event: "takeover", ...link, dialect: "chat.v1", replaced: logged[0]?.connection },
      { event: "leave", ...link, code: 1003, online: 2 },
      { event: "operator", order: "Publish", outcome: "published", ...who },
      { event: "operator", order: "Publish", outcome: "unknown", ...who },
      { event: "operator", order: "EraseEntry", outcome: "done", room: room.name, seq: 1 },
      { event: "leave", ...link, code: 4004, online: 1 },
      { event: "operator", order: "Expel", outcome: "done", ...who },
      { event: "operator", order: "Erase", outcome: "done", room: room.name },
    ]);
    // One name can be followed, and two have different hashes.
    expect(logged[4]?.name).toBe(logged[0]?.name);
    expect(logged[3]?.name).toBe(logged[1]?.name);
    expect(logged[1]?.name).not.toBe(logged[0]?.name);
  });

  test("the same name has another hash in another room, and the same one after a crash", async () => {
    const [one, two] = [new TestRoom(), new TestRoom()];
    for (const room of [one, two]) await (await room.joins("alice")).isReady();
    await one.crashes();
    await (await one.joins("alice")).isReady();
    const names = (events() as { event: string; name: string }[])
      .filter(({ event }) => event === "join")
      .map(({ name }) => name);
    expect(names).toHaveLength(3);
    expect(names[0]).not.toBe(names[1]);
    expect(names[2]).toBe(names[0]);
  });

  test("a message writes no line; a full log, which is trimmed with every message, writes one a minute", async () => {
    const { room, clients } = await roomWith("alice");
    lines.length = 0;
    for (let i = 1; i <= 5; i++) {
      isOf(clients[0]).says(`${i}`);
      await isOf(clients[0]).until(() => isOf(clients[0]).texts.length === i, "it");
    }
    expect(lines).toEqual([]);
    // All entries but the newest are too old.
    await room.inside((_object, { storage }) => {
      storage.sql.exec("UPDATE segments SET at = 1");
    });
    isOf(clients[0]).acks(5);
    await room.settles();
    lines.length = 0;
    await room.sleeps();
    for (let i = 6; i <= 8; i++) {
      isOf(clients[0]).says(`${i}`);
      await isOf(clients[0]).until(() => isOf(clients[0]).texts.length === i, "it");
    }
    expect(events()).toEqual([{ event: "trim", room: room.name, first: 6, entries: 5 }]);
  });
});

describe("a malformed request", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "Stats"],
    ["no type", {}],
    ["an unknown type", { type: "Nuke" }],
    ["a property of every object", { type: "constructor" }],
    ["a publication without a sender", { type: "Publish", text: "hi" }],
    ["a publication without a text", { type: "Publish", from: "alice" }],
    ["a publication of nothing", { type: "Publish", from: "alice", text: "" }],
    ["a text that no row holds", { type: "Publish", from: "alice", text: "x".repeat(3e6) }],
    [
      "data above the limit",
      { type: "Publish", from: "alice", text: "", data: { a: "x".repeat(4_096) } },
    ],
    ["a date as data", { type: "Publish", from: "alice", text: "hi", data: new Date(0) }],
    ["a publication to a star", { type: "Publish", from: "alice", text: "hi", to: ["*"] }],
    ["an erasure without a position", { type: "EraseEntry" }],
    ["an erasure of a fraction", { type: "EraseEntry", seq: 1.5 }],
    ["no name", { type: "Expel" }],
    ["a page without a limit", { type: "Messages", since: 0 }],
    ["a page of names after a number", { type: "Names", after: 7, limit: 1 }],
  ])("is an error at once, and disturbs no peer: %s", async (_case, request) => {
    const { room, clients } = await roomWith("alice");
    const bad = { type: "bad-order", message: expect.any(String) as string };
    expect(await requests(room, request as AdminRequest)).toEqual(bad);
    expect(await room.stub.operate(7 as never, { type: "Stats" })).toEqual(bad);
    expect(await room.stub.export("a/b" as never)).toEqual(bad);
    // The room goes on, for alice and for the operator.
    expect(await requests(room, { type: "Stats" })).toMatchObject({ type: "stats" });
    expect(clients[0]?.closed).toBeUndefined();
  });
});
