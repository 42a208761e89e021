/**
 * The shipped client library against a real server, through connections that break, a server that is killed, and a
 * reload.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { fileStorage } from "../../src/client/storage/file/file-storage.ts";
import {
  BadOptionError,
  ChatClient,
  type ChatClientOptions,
  ClosedError,
  type Entry,
  type ClientState,
  memoryStorage,
  OutboxFullError,
  RefusedError,
  StorageError,
} from "../../src/client/index.ts";
import { FaultProxy } from "../support/proxy/fault-proxy.ts";
import { Server } from "../support/server/server.ts";

let server: Server;
let folder = "";
let rooms = 0;
const ended: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "client-test-"));
  server = await Server.starts();
});
afterAll(async () => {
  for (const end of ended.reverse()) await end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const newRoom = (): string => `client-${++rooms}`;

/** A client, and all events that it emitted. */
function joins(options: Partial<ChatClientOptions> & { room: string; name: string }) {
  const client = new ChatClient({ url: server.url, ...options });
  const received: Entry[] = [];
  const states: ClientState[] = [];
  const changes: (() => void)[] = [];
  const changed = (): void => {
    for (const wake of changes.splice(0)) wake();
  };
  client.on("entry", (entry) => {
    received.push(entry);
    changed();
  });
  client.on("state", (state) => {
    states.push(state);
    changed();
  });
  ended.push(() => client.close());
  const until = async (condition: () => boolean, what: string): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left < 0) {
        throw new Error(`${client.name} waited for ${what}; its states: ${JSON.stringify(states)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        changes.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  };
  const texts = (): string[] => received.map(({ text }) => text);
  return {
    client,
    received,
    states,
    texts,
    until,
    isLive: () => until(() => client.state.type === "live", "live"),
  };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe("a conversation", () => {
  test("send resolves with the entry, and every recipient gets it once", async () => {
    const room = newRoom();
    const bob = joins({ room, name: "bob" });
    await bob.isLive();
    const alice = joins({ room, name: "alice" });
    const entry = await alice.client.send("hi", { to: ["bob"] });
    expect(entry).toMatchObject({ seq: 1, from: "alice", to: ["bob"], text: "hi" });
    await bob.until(() => bob.received.length === 1, "hi");
    expect(alice.client.waiting).toBe(0);
    expect((await bob.client.history({ limit: 10 })).messages.map(({ text }) => text)).toEqual([
      "hi",
    ]);
    expect((await bob.client.who()).peers).toEqual([
      { name: "alice", online: true },
      { name: "bob", online: true },
    ]);
    expect(bob.client.peers).toContain("bob");
  });

  test("a client that pauses is away until `resume`, and then gets everything once, and can send again", async () => {
    const room = newRoom();
    const [alice, bob] = [joins({ room, name: "alice" }), joins({ room, name: "bob" })];
    await Promise.all([alice.isLive(), bob.isLive()]);
    const outboxes: number[] = [];
    bob.client.on("outbox", (outbox) => outboxes.push(outbox.length));
    bob.client.pause();
    expect(bob.client.state).toEqual({ type: "paused" });
    const mine = [bob.client.send("mine 1"), bob.client.send("mine 2")];
    expect(bob.client.outbox.map(({ text }) => text)).toEqual(["mine 1", "mine 2"]);
    for (const text of ["a", "b", "c"]) await alice.client.send(text);
    expect(bob.texts()).toEqual([]);
    expect(bob.client.state).toEqual({ type: "paused" });
    bob.client.resume();
    await Promise.all(mine);
    expect(bob.texts()).toEqual(["a", "b", "c", "mine 1", "mine 2"]);
    expect(bob.states).toContainEqual({ type: "replaying", since: 0, head: 3 });
    expect(bob.client.outbox).toEqual([]);
    expect([outboxes[0], outboxes.at(-1)]).toEqual([1, 0]);
  });

  test("rejections, signals and the iterator", async () => {
    const room = newRoom();
    const alice = joins({ room, name: "alice" });
    const bob = joins({ room, name: "bob" });
    await Promise.all([alice.isLive(), bob.isLive()]);
    const refused: string[] = [];
    alice.client.on("refused", ({ text = "", error }) => refused.push(`${text}: ${error.code}`));
    await expect(alice.client.send("to nobody", { to: ["zed"] })).rejects.toThrow(RefusedError);
    await expect(alice.client.send("x".repeat(9_000))).rejects.toThrow("8192");
    expect(refused).toHaveLength(2);
    const signal = new Promise((resolve) => bob.client.on("signal", resolve));
    alice.client.signal({ typing: true });
    expect(await signal).toEqual({ from: "alice", data: { typing: true } });
    const read: string[] = [];
    const reading = (async () => {
      for await (const { text } of bob.client) {
        read.push(text);
        if (read.length === 3) break;
      }
    })();
    for (const text of ["1", "2", "3"]) void alice.client.send(text);
    await reading;
    expect(read).toEqual(["1", "2", "3"]);
  });

  test("a text above the room's limit is rejected at once, connected or not, and never queued", async () => {
    const alice = joins({ room: newRoom(), name: "alice" });
    await alice.isLive();
    expect(alice.client.textLimit).toBe(8_192);
    const refused: string[] = [];
    alice.client.on("refused", ({ text = "", error }) =>
      refused.push(`${text.length} ${error.code}`),
    );
    alice.client.pause();
    const sent = alice.client.send("é".repeat(4_097));
    expect(alice.client.outbox).toEqual([]);
    expect(refused).toEqual(["4097 too-large"]);
    await expect(sent).rejects.toThrow(RefusedError);
    const fits = alice.client.send("é".repeat(4_096));
    expect(alice.client.outbox).toHaveLength(1);
    alice.client.resume();
    expect(await fits).toMatchObject({ seq: 1 });
  });

  test("a thousand messages at once keep to the room's rate limit: no connection is ended, all in order", async () => {
    const room = newRoom();
    const alice = joins({ room, name: "alice" });
    const bob = joins({ room, name: "bob" });
    await bob.isLive();
    const sent = await Promise.all(numbers(600).map((text) => alice.client.send(text)));
    expect(sent.map(({ seq }) => seq)).toEqual(numbers(600).map((_, index) => index + 1));
    await bob.until(() => bob.received.length === 600, "all");
    expect(bob.texts()).toEqual(numbers(600));
    expect(alice.states.filter(({ type }) => type === "offline")).toEqual([]);
  });
});

describe("failures", () => {
  test("R5: connections that are cut again and again lose, double and reorder nothing, both ways", async () => {
    const room = newRoom();
    const proxy = await FaultProxy.listen(() => new URL(server.url));
    ended.push(() => proxy.close());
    const alice = joins({ room, name: "alice", url: proxy.url });
    const bob = joins({ room, name: "bob", url: proxy.url });
    await Promise.all([alice.isLive(), bob.isLive()]);
    const confirmed: Promise<Entry>[] = [];
    for (const [index, text] of numbers(120).entries()) {
      confirmed.push(alice.client.send(text));
      if (index % 30 === 17) {
        await bob.until(() => bob.received.length > index - 20, "some");
        proxy.reset();
      }
      if (index % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const entries = await Promise.all(confirmed);
    await bob.until(() => bob.received.length >= 120, "all");
    expect(entries.map(({ seq }) => seq)).toEqual(numbers(120).map((_, index) => index + 1));
    expect(bob.texts()).toEqual(numbers(120));
    expect(alice.texts()).toEqual(numbers(120));
    expect(proxy.accepted).toBeGreaterThan(6);
  });

  test("R5: the server is killed while messages flow: all are stored once, in order, when it is back", async () => {
    const room = newRoom();
    const alice = joins({ room, name: "alice" });
    const bob = joins({ room, name: "bob" });
    await Promise.all([alice.isLive(), bob.isLive()]);
    const confirmed = numbers(50).map((text) => alice.client.send(text));
    await confirmed[10];
    await server.killNine();
    confirmed.push(...["50", "51", "52"].map((text) => alice.client.send(text)));
    await alice.until(() => alice.states.some(({ type }) => type === "offline"), "offline");
    await server.restart();
    await Promise.all(confirmed);
    await bob.until(() => bob.received.length >= 53, "all");
    expect(bob.texts()).toEqual(numbers(53));
    expect(alice.texts()).toEqual(numbers(53));
  });

  test("R5: a client that is killed loses no message that send accepted, and gets none twice", async () => {
    const room = newRoom();
    const bob = joins({ room, name: "bob" });
    await bob.isLive();
    const proxy = await FaultProxy.listen(() => new URL(server.url));
    ended.push(() => proxy.close());
    proxy.refuse();
    const path = join(folder, "alice.json");
    const script = join(folder, "alice.ts");
    const library = new URL("../../src/client/", import.meta.url).href;
    writeFileSync(
      script,
      `import { ChatClient } from "${library}index.ts";
       import { fileStorage } from "${library}storage/file/file-storage.ts";
       const client = new ChatClient({ url: "${proxy.url}", room: "${room}", name: "alice", storage: fileStorage("${path}") });
       for (let i = 0; i < 20; i++) client.send(String(i)).catch(() => {});
       client.on("state", () => console.log("accepted", client.waiting));`,
    );
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text: Buffer) => {
        const isKept = (JSON.parse(readFileSync(path, "utf8")) as { outbox: unknown[] }).outbox
          .length;
        if (text.toString().includes("accepted 20") && isKept === 20) resolve();
      });
    });
    const exited = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await exited;
    proxy.accept();
    const alice = joins({ room, name: "alice", url: proxy.url, storage: fileStorage(path) });
    await bob.until(() => bob.received.length >= 20, "all that was accepted");
    expect(bob.texts()).toEqual(numbers(20));
    await alice.until(() => alice.client.waiting === 0, "its confirmations");
    await alice.client.close();
    const again = joins({ room, name: "alice", storage: fileStorage(path) });
    await again.isLive();
    expect([again.texts(), again.client.waiting]).toEqual([[], 0]);
  });

  test("R1: a replaced client reports it, and does not come back", async () => {
    const room = newRoom();
    const first = joins({ room, name: "alice" });
    await first.isLive();
    const second = joins({ room, name: "alice" });
    await first.until(() => first.client.state.type === "closed", "its end");
    expect(first.client.state).toMatchObject({ type: "closed", code: 4001 });
    await expect(first.client.send("too late")).rejects.toThrow(ClosedError);
    await second.client.send("mine");
    expect(second.states.some(({ type }) => type === "offline")).toBe(false);
  });
});

describe("bad input", () => {
  const closedBy = async (options: Parameters<typeof joins>[0]): Promise<ClientState> => {
    const { client, until } = joins(options);
    const accepted = client.send("kept").catch(() => {});
    await until(() => client.state.type === "closed", "its end");
    await accepted;
    return client.state;
  };

  test("a rejected key is reported in a sentence, and final", async () => {
    const room = newRoom();
    await joins({ room, name: "alice", key: "sesame" }).isLive();
    expect(await closedBy({ room, name: "alice", key: "wrong" })).toMatchObject({
      code: 4003,
      why: expect.stringContaining("another key"),
    });
    expect(await closedBy({ room, name: "alice" })).toMatchObject({ code: 4003 });
    const asked: number[] = [];
    const key = (): Promise<string> => Promise.resolve(`sesame${asked.push(1) > 1 ? "?" : ""}`);
    await joins({ room, name: "alice", key }).isLive();
    expect(asked).toHaveLength(1);
  });

  test("a server that is no chat room never gets the message, and the outbox keeps it", async () => {
    const http = createServer((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    ended.push(() => void http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const storage = memoryStorage();
    const { client, until } = joins({ url, room: "r", name: "alice", storage });
    const lost = client.send("kept").catch((error: unknown) => error);
    await until(() => client.state.type === "offline", "offline");
    expect(client.waiting).toBe(1);
    await client.close();
    expect(await lost).toBeInstanceOf(ClosedError);
    expect((await storage.load())?.outbox.map(({ text }) => text)).toEqual(["kept"]);
  });

  /** A server that sends these frames to every client, and records the client's. */
  async function fakeRoom(
    ...frames: unknown[]
  ): Promise<{ url: string; received: string[]; connections: WebSocket[] }> {
    const wss = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      handleProtocols: () => "chat.v1",
    });
    await new Promise((resolve) => wss.on("listening", resolve));
    ended.push(() => wss.close());
    const received: string[] = [];
    const connections: WebSocket[] = [];
    wss.on("connection", (ws) => {
      connections.push(ws);
      ws.on("message", (data: Buffer) => {
        const text = data.toString();
        if (text === "ping") ws.send("pong");
        else received.push(text);
      });
      for (const frame of frames)
        ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    });
    return { url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}`, received, connections };
  }

  const limits = {
    text: 100,
    frame: 1_000,
    recipients: 2,
    window: 9,
    windowBytes: 9_999,
    rate: 50,
    burst: 500,
    spread: 0,
  };
  const welcome = {
    type: "welcome",
    room: "r",
    name: "alice",
    epoch: "e",
    head: 0,
    since: 0,
    online: 1,
    peers: ["alice"],
    limits,
  };

  test("gibberish ends it with a sentence", async () => {
    const { url } = await fakeRoom("220 smtp.example.com ready");
    expect(await closedBy({ url, room: "r", name: "alice" })).toMatchObject({
      why: expect.stringContaining("not a chat room"),
    });
  });

  test("frames and fields of a newer room are ignored", async () => {
    const { url, received, connections } = await fakeRoom(
      { ...welcome, mood: "sunny" },
      { type: "weather", data: [1] },
      [
        { type: "ready", seq: 0, sure: true },
        null,
        7,
        { type: "message", seq: 1, from: "bob", text: "hi", at: 1, reactions: [] },
      ],
    );
    const { client, texts, until } = joins({ url, room: "r", name: "alice" });
    await until(() => texts().length === 1, "hi");
    const sends = (): boolean => received.some((text) => text.includes("hello"));
    const got = new Promise<void>((resolve) => {
      connections[0]?.on("message", () => sends() && resolve());
    });
    void client.send("hello").catch(() => {});
    await got;
    expect(client.state).toEqual({ type: "live" });
    expect(texts()).toEqual(["hi"]);
  });

  test("nothing is sent before ready; then the whole queue, in one array", async () => {
    const { url, received, connections } = await fakeRoom(welcome);
    const { client, until } = joins({ url, room: "r", name: "alice" });
    for (const text of ["1", "2", "3"]) void client.send(text).catch(() => {});
    await until(() => client.state.type === "replaying", "replaying");
    expect(received).toEqual([]);
    const got = new Promise((resolve) => connections[0]?.once("message", resolve));
    connections[0]?.send(JSON.stringify({ type: "ready", seq: 0 }));
    await got;
    const [frame = ""] = received;
    expect((JSON.parse(frame) as { text: string }[]).map(({ text }) => text)).toEqual([
      "1",
      "2",
      "3",
    ]);
  });

  test("a full outbox is reported, and so is a storage that fails", async () => {
    const { client } = joins({ url: "ws://127.0.0.1:9", room: "r", name: "alice", outboxLimit: 2 });
    void client.send("1").catch(() => {});
    void client.send("2").catch(() => {});
    await expect(client.send("3")).rejects.toThrow(OutboxFullError);
    const storage = {
      load: () => undefined,
      save: () => {
        throw new StorageError("disk full");
      },
    };
    expect(await closedBy({ room: "r", name: "bob", storage })).toMatchObject({ why: "disk full" });
  });

  test.each([
    ["no address", { url: "local host" }, "url: "],
    ["another scheme", { url: "ftp://example.com" }, "url: "],
    ["a password in the address", { url: "https://u:p@example.com" }, "url: "],
    ["a room outside the grammar", { room: "a b" }, "room: "],
    ["a name outside the grammar", { name: "" }, "name: "],
    ["a position before the first", { since: -1 }, "since: "],
    ["an outbox of size zero", { outboxLimit: 0 }, "outboxLimit: "],
  ])("%s is rejected at once, by name", (_case, wrong, begins) => {
    const make = (): ChatClient =>
      new ChatClient({ url: "ws://localhost:1", room: "r", name: "n", ...wrong });
    expect(make).toThrow(BadOptionError);
    expect(make).toThrow(begins);
  });
});
