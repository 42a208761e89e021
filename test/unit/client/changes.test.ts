/** What a client sends besides plain messages: data, references, changes, erasures and reactions. */
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import {
  ChatClient,
  type ClientRecord,
  type Entry,
  memoryStorage,
  type OutboxItem,
  type Patch,
  RefusedError,
} from "../../../src/client/index.ts";
import {
  isOfOtherHistory,
  nextToSend,
  ofHistory,
  onEntry,
  type Entry as Placed,
} from "../../../src/client/session.ts";
import type { Queued } from "../../../src/client/storage/storage.ts";
import { DEFAULT_LIMITS } from "../../../src/protocol/limits.ts";

const NOWHERE = { url: "ws://127.0.0.1:1", room: "lobby", name: "alice" };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A client that cannot reach its room. */
function offline(): ChatClient {
  const client = new ChatClient(NOWHERE);
  closing.push(() => client.close());
  return client;
}

type Frame = Readonly<Record<string, unknown>>;

/** A room of the test's own: it welcomes each connection, and the test says the rest. */
class Room {
  readonly got: Frame[] = [];
  readonly #server: WebSocketServer;
  #socket: WebSocket | undefined;
  #seen = (): void => {};
  epoch = "one";
  head = 0;
  /** Frames between `welcome` and `ready`. */
  replay: Frame[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#socket = socket;
      socket.on("message", (data: Buffer) => this.#onText(data.toString()));
      const limits = { ...DEFAULT_LIMITS, spread: 0 };
      const { epoch, head } = this;
      const facts = { epoch, head, since: 0, online: 1, peers: ["alice"], limits };
      this.says({ type: "welcome", room: "lobby", name: "alice", ...facts });
      for (const frame of this.replay) this.says(frame);
      this.says({ type: "ready", seq: head });
    });
  }

  static async opens(): Promise<Room> {
    const server = new WebSocketServer({ port: 0, handleProtocols: () => "chat.v1" });
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(() => server.close());
    return new Room(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  says(frame: Frame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  breaks(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  /** Waits for frames of a type. */
  async gets(type: string, count = 1): Promise<Frame[]> {
    for (;;) {
      const frames = this.got.filter((frame) => frame["type"] === type);
      if (frames.length >= count) return frames;
      await new Promise<void>((resolve) => (this.#seen = resolve));
    }
  }

  #onText(text: string): void {
    if (text === "ping") return this.#socket?.send("pong");
    const value = JSON.parse(text) as Frame | Frame[];
    this.got.push(...(Array.isArray(value) ? value : [value]));
    this.#seen();
  }
}

async function inRoom(): Promise<{ room: Room; client: ChatClient }> {
  const room = await Room.opens();
  const client = new ChatClient({ ...NOWHERE, url: room.url });
  closing.unshift(() => client.close());
  await new Promise<void>((resolve) => {
    client.on("state", ({ type }) => type === "live" && resolve());
  });
  return { room, client };
}

const MESSAGE = { type: "message", from: "alice", at: 5 } as const;

describe("what goes to the room", () => {
  test("a message with all that it can carry", async () => {
    const { room, client } = await inRoom();
    const data = { poll: ["Mon"] };
    const sent = client.send("Which day?", { to: ["bob"], ref: 3, data, quiet: true });
    data.poll.push("Tue");
    const [frame] = await room.gets("send");
    const { id } = frame ?? {};
    expect(frame).toEqual({
      type: "send",
      id,
      text: "Which day?",
      to: ["bob"],
      ref: 3,
      data: { poll: ["Mon"] },
      quiet: true,
    });
    room.says({ ...MESSAGE, seq: 4, text: "Which day?", id, ref: 3, quiet: true });
    expect(await sent).toMatchObject({ seq: 4, ref: 3, quiet: true });
  });

  test("a change, an erasure: each is confirmed by its patch, superseded or not", async () => {
    const { room, client } = await inRoom();
    const patches: Patch[] = [];
    client.on("patch", (patch) => patches.push(patch));
    const edited = client.edit(3, "Lunch at 12?");
    const erased = client.erase(3);
    const [edit, erasure] = await room.gets("patch", 2);
    expect(edit).toEqual({ type: "patch", id: edit?.["id"], ref: 3, text: "Lunch at 12?" });
    expect(erasure).toEqual({ type: "patch", id: erasure?.["id"], ref: 3, erase: true });
    const patch = { type: "patch", from: "alice", ref: 3, at: 5 };
    room.says({ ...patch, seq: 4, id: edit?.["id"], patched: 5 });
    room.says({ ...patch, seq: 5, id: erasure?.["id"], erase: true });
    expect(await edited).toMatchObject({ seq: 4, patched: 5 });
    expect(await erased).toMatchObject({ seq: 5, erase: true });
    expect(patches.map(({ seq }) => seq)).toEqual([4, 5]);
    expect(client.outbox).toEqual([]);
  });

  test("a reaction goes to those who can read its message", async () => {
    const { room, client } = await inRoom();
    room.says({ ...MESSAGE, seq: 1, from: "bob", to: ["alice", "carol"], text: "private" });
    room.says({ ...MESSAGE, seq: 2, from: "bob", text: "to all" });
    await new Promise<void>((resolve) => client.on("entry", ({ seq }) => seq === 2 && resolve()));
    void client.react(1, "👍");
    void client.react(2, "👍", false);
    const [one, two] = await room.gets("send", 2);
    const quiet = { text: "", quiet: true };
    expect(one).toMatchObject({ ...quiet, ref: 1, to: ["bob", "carol"] });
    expect(one?.["data"]).toEqual({ mark: "👍" });
    expect(two).toMatchObject({ ...quiet, ref: 2, data: { mark: "👍", on: false } });
    expect(two).not.toHaveProperty("to");
    await expect(client.react(9, "👍")).rejects.toMatchObject({ code: "unknown-ref" });
    void client.react({ seq: 9, from: "carol", to: ["alice"] }, "👍");
    expect((await room.gets("send", 3))[2]).toMatchObject({ ref: 9, to: ["carol"] });
    void client.react({ seq: 8, from: "alice", to: ["alice"] }, "👍");
    expect((await room.gets("send", 4))[3]).toMatchObject({ ref: 8, to: ["alice"] });
  });

  test("a message to as many as one may have takes reactions", async () => {
    const { room, client } = await inRoom();
    const others = Array.from({ length: DEFAULT_LIMITS.recipients - 1 }, (_, i) => `n${i}`);
    void client.react({ seq: 1, from: "bob", to: ["alice", ...others] }, "👍");
    const [reaction] = await room.gets("send");
    expect(reaction?.["to"]).toEqual(["bob", ...others]);
  });

  test("a refusal of the room reaches the caller, and says what it was about", async () => {
    const { room, client } = await inRoom();
    const refused = new Promise<OutboxItem>((resolve) => client.on("refused", resolve));
    const edited = client.edit(3, "mine now");
    const [{ id } = {}] = await room.gets("patch");
    room.says({ type: "error", code: "forbidden", message: "ref: 3 is from somebody else", id });
    await expect(edited).rejects.toMatchObject({ code: "forbidden" });
    expect(await refused).toMatchObject({ type: "patch", ref: 3, text: "mine now", id });
  });
});

describe("another history of the room", () => {
  test("what refers to the old one is refused here, and never sent", async () => {
    const { room, client } = await inRoom();
    const refused: OutboxItem[] = [];
    client.on("refused", (item) => refused.push(item));
    client.pause();
    const edited = client.edit(3, "Lunch at 12?");
    const replied = client.send("yes", { ref: 3 });
    const plain = client.send("hello");
    room.epoch = "two";
    client.resume();
    await expect(edited).rejects.toMatchObject({ code: "unknown-ref" });
    await expect(replied).rejects.toMatchObject({ code: "unknown-ref" });
    expect(refused.map(({ text }) => text)).toEqual(["Lunch at 12?", "yes"]);
    const [hello] = await room.gets("send");
    room.says({ ...MESSAGE, seq: 1, text: "hello", id: hello?.["id"] });
    await plain;
    expect(room.got.filter((frame) => "ref" in frame)).toEqual([]);
  });

  const patch: Queued = { type: "patch", id: "p", ref: 3, text: "x", sent: false };
  const record = (epoch: string | undefined, ...outbox: Queued[]): ClientRecord => ({
    version: 2,
    session: "s",
    attempt: 1,
    ...(epoch !== undefined && { epoch }),
    outbox,
  });

  test("an item belongs to the history in which it was accepted", () => {
    const ours = ofHistory(patch, "one");
    expect(isOfOtherHistory(record("one"), ours)).toBe(false);
    expect(isOfOtherHistory(record("two"), ours)).toBe(true);
    expect(nextToSend(record("two", ours), new Set(), 9)).toEqual([]);
    expect(nextToSend(record("one", ours), new Set(), 9)).toEqual([ours]);
  });

  test("before the first welcome there is none: the item is sent", () => {
    expect(ofHistory(patch, undefined)).toBe(patch);
    expect(nextToSend(record("one", patch), new Set(), 9)).toEqual([patch]);
  });

  test("a message without a reference is of any", () => {
    const message: Queued = { id: "m", text: "hi", sent: false };
    expect(ofHistory(message, "one")).toBe(message);
  });
});

describe("patches as they come", () => {
  const placed = (seq: number, more: object = {}): Placed =>
    ({ type: "patch", seq, ref: 1, from: "alice", at: 5, ...more }) as Placed;
  const queued: Queued = { type: "patch", id: "p", ref: 1, text: "x", sent: true };
  const before: Queued = { id: "m", text: "hi", sent: true };
  const record: ClientRecord = {
    version: 2,
    session: "s",
    attempt: 1,
    cursor: 1,
    epoch: "one",
    outbox: [before, queued],
  };

  test("one's own decides itself, and what was sent before it", () => {
    const { record: after, effects } = onEntry(record, placed(2, { id: "p" }), "alice");
    expect(after).toMatchObject({ cursor: 2, outbox: [] });
    expect(effects.map(({ type }) => type)).toEqual(["entry", "refused", "confirmed"]);
  });

  test("an operator's has no id, and decides nothing", () => {
    const { record: after } = onEntry(record, placed(2, { by: "operator", erase: true }), "alice");
    expect(after).toMatchObject({ cursor: 2, outbox: [before, queued] });
  });

  test("what comes before the first listener waits for it, in order", async () => {
    const { room, client } = await inRoom();
    const patch = { type: "patch", from: "bob", ref: 1, at: 5, text: "x" };
    for (const seq of [2, 3]) room.says({ ...patch, seq });
    room.says({ ...MESSAGE, from: "bob", seq: 4, text: "hi" });
    await new Promise((resolve) => client.on("entry", resolve));
    const seen: number[] = [];
    client.on("patch", ({ seq }) => seen.push(seq));
    expect(seen).toEqual([2, 3]);
  });

  test("a loop gets messages only, and goes past patches", async () => {
    const { room, client } = await inRoom();
    room.says({ type: "patch", from: "bob", ref: 1, at: 5, text: "x", seq: 2 });
    room.says({ ...MESSAGE, from: "bob", seq: 3, text: "hi" });
    const seen: Entry[] = [];
    for await (const entry of client) {
      seen.push(entry);
      break;
    }
    expect(seen.map(({ seq }) => seq)).toEqual([3]);
  });

  test("a patch whose listener throws comes again in the next life", async () => {
    const room = await Room.opens();
    const storage = memoryStorage();
    const client = new ChatClient({ ...NOWHERE, url: room.url, storage });
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException").on("uncaughtException", onThrown);
    client.on("patch", () => {
      throw new Error("no");
    });
    client.on("entry", () => {});
    await new Promise<void>((resolve) => {
      client.on("state", ({ type }) => type === "live" && resolve());
    });
    room.says({ type: "patch", from: "bob", ref: 1, at: 5, text: "x", seq: 2 });
    room.says({ ...MESSAGE, from: "bob", seq: 3, text: "hi" });
    await room.gets("ack");
    await client.close();
    process.removeListener("uncaughtException", onThrown);
    for (const listener of others) process.on("uncaughtException", listener);
    expect(thrown).toHaveLength(1);
    expect((await storage.load())?.cursor).toBe(1);
  });
});

describe("bad input is refused at once, and nothing waits", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) });
  const data = (value: unknown) => (client: ChatClient) =>
    client.send("x", { data: value as Record<string, unknown> });
  const bad = (value: unknown): never => value as never;

  test.each<[string, (client: ChatClient) => Promise<unknown>, RegExp]>([
    ["a text that is none", (client) => client.send(bad(7)), /^text: expected a string/],
    ["no text and no data", (client) => client.send(""), /^text: expected one that is not empty/],
    ["a reference to 0", (client) => client.send("x", { ref: 0 }), /^ref: /],
    ["a reference as text", (client) => client.send("x", { ref: bad("1") }), /^ref: /],
    ["a name that is no text", (client) => client.send("x", { to: [bad(7)] }), /^to: /],
    ["data whose JSON is no object", data(new Date(0)), /^data: expected a JSON object/],
    [
      "a reaction to nobody",
      (client) => client.react({ seq: 1, from: bad(7), to: [] }, "x"),
      /^to: /,
    ],
    ["names that are no list", (client) => client.send("x", { to: bad("bob") }), /^to: /],
    ["data as a list", data([]), /^data: expected a JSON object/],
    ["data as null", data(null), /^data: expected a JSON object/],
    ["data that is not a number", data({ a: Number.NaN }), /^data: a number/],
    ["data with a big integer", data({ a: 1n }), /^data: a value in it is none of JSON/],
    ["data with a function", data({ a: () => 1 }), /^data: a value in it is none of JSON/],
    ["data with half a character", data({ a: "\ud800" }), /^data: a string/],
    ["data with half a character as key", data({ "\ud800": 1 }), /^data: a string/],
    ["data that holds itself", data(cyclic), /^data: at most 16 levels/],
    ["data of 17 levels", data(deep(16)), /^data: at most 16 levels/],
    ["a change of nothing", (client) => client.edit(bad(undefined), "x"), /^ref: /],
    ["a change of half a message", (client) => client.edit(1.5, "x"), /^ref: /],
    ["a change to no text", (client) => client.edit(1, ""), /^text: /],
    ["an erasure of nothing", (client) => client.erase(bad("1")), /^ref: /],
    ["a reaction without a mark", (client) => client.react(1, ""), /^mark: /],
    ["a reaction with a long mark", (client) => client.react(1, "x".repeat(65)), /^mark: /],
  ])("%s", async (_case, call, why) => {
    const client = offline();
    const error: unknown = await call(client).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ message: expect.stringMatching(why) as unknown });
    expect(client.outbox).toEqual([]);
  });

  test("16 levels are not too many", () => {
    const client = offline();
    client.send("x", { data: deep(15) as Record<string, unknown> }).catch(() => {});
    expect(client.outbox).toHaveLength(1);
  });

  test("data above the room's limit, once the room has told it", async () => {
    const { client } = await inRoom();
    expect([client.dataLimit, client.patchHours]).toEqual([4_096, 24]);
    const sent = client.send("x", { data: { a: "x".repeat(4_096) } });
    await expect(sent).rejects.toMatchObject({ code: "too-large" });
    expect(client.outbox).toEqual([]);
  });
});

test("the outbox shows what waits, in the order of the calls", () => {
  const client = offline();
  const calls = [client.send("a", { ref: 1 }), client.edit(1, "b", { x: 1 }), client.erase(2)];
  for (const call of calls) call.catch(() => {});
  const [one, two, three] = client.outbox;
  expect(one).toEqual({ type: "message", id: one?.id, text: "a", ref: 1 });
  expect(two).toEqual({ type: "patch", id: two?.id, ref: 1, text: "b", data: { x: 1 } });
  expect(three).toEqual({ type: "patch", id: three?.id, ref: 2, erase: true });
});
