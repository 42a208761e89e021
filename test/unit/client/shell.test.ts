/** Where the shell of the client, its storage and its socket meet: what an adversarial review found, kept as tests. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { fileStorage } from "../../../src/client/storage/file/file-storage.ts";
import {
  ChatClient,
  type ClientRecord,
  type ClientStorage,
  memoryStorage,
  RestoredError,
  StorageError,
} from "../../../src/client/index.ts";

const NOWHERE = { url: "ws://127.0.0.1:1", room: "lobby", name: "alice" };
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A storage that is slow, and records its calls. */
class Slow implements ClientStorage {
  readonly asked: string[] = [];
  kept: ClientRecord | undefined;

  async open(): Promise<void> {
    await after(5);
    this.asked.push("open");
  }
  load(): ClientRecord | undefined {
    return this.kept;
  }
  async save(record: ClientRecord): Promise<void> {
    this.asked.push("save");
    await after(5);
    this.kept = record;
    this.asked.push("saved");
  }
  close(): void {
    this.asked.push("close");
  }
}

test("`send`, then `close`, while the storage is still being opened: it is kept when `close` returns", async () => {
  const storage = new Slow();
  const client = new ChatClient({ ...NOWHERE, storage });
  void client.send("a");
  await client.close();
  expect(storage.kept?.outbox.map(({ text }) => text)).toEqual(["a"]);
});

test("saves never overlap, and none comes after the storage was closed", async () => {
  const storage = new Slow();
  const client = new ChatClient({ ...NOWHERE, storage });
  for (let i = 0; i < 20; i++) {
    await after(3);
    void client.send(`m${i}`);
  }
  await client.close();
  await after(30);
  const asked = storage.asked.join(" ");
  expect(asked).not.toMatch(/\bsave save\b/);
  expect(asked).toMatch(/^open (save saved )+close( close)*$/);
  expect(storage.kept?.outbox).toHaveLength(20);
});

test("a key that comes after `close` writes nothing any more", async () => {
  const storage = new Slow();
  let give: (key: string) => void = () => {};
  const key = (): Promise<string> => new Promise((resolve) => (give = resolve));
  const client = new ChatClient({ ...NOWHERE, storage, key });
  await after(30);
  await client.close();
  const asked = [...storage.asked];
  give("late");
  await after(30);
  expect(storage.asked).toEqual(asked);
});

test("a client whose file could not be read releases its lock", async () => {
  const folder = mkdtempSync(join(tmpdir(), "client-shell-"));
  const path = join(folder, "alice.json");
  mkdirSync(path);
  const client = new ChatClient({ ...NOWHERE, storage: fileStorage(path) });
  await after(20);
  expect(client.state).toMatchObject({ type: "closed", code: 1011 });
  await client.close();
  expect(existsSync(`${path}.lock`)).toBe(false);
  rmSync(folder, { recursive: true });
});

test("a page that wakes while the key is fetched does not lose the try", async () => {
  let wake: () => void = () => {};
  vi.stubGlobal("document", {
    visibilityState: "visible",
    addEventListener: (_type: string, listener: () => void) => (wake = listener),
    removeEventListener: () => {},
  });
  const server = new WebSocketServer({ port: 0, handleProtocols: () => "chat.v1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const key = (): Promise<string> => after(50).then(() => "k");
  const client = new ChatClient({ ...NOWHERE, url: `ws://127.0.0.1:${port}`, key });
  const came = new Promise<boolean>((resolve) => {
    server.once("connection", () => resolve(true));
    setTimeout(() => resolve(false), 1_000);
  });
  await after(20);
  wake();
  expect(await came).toBe(true);
  for (const socket of server.clients) socket.terminate();
  server.close();
  await client.close();
});

/** A page that knows who listens to it. */
function stubPage(): Set<() => void> {
  const listening = new Set<() => void>();
  const target = {
    addEventListener: (_type: string, listener: () => void) => void listening.add(listener),
    removeEventListener: (_type: string, listener: () => void) => void listening.delete(listener),
  };
  vi.stubGlobal("document", { visibilityState: "visible", ...target });
  vi.stubGlobal("addEventListener", target.addEventListener);
  vi.stubGlobal("removeEventListener", target.removeEventListener);
  return listening;
}

const fails = (): never => {
  throw new Error("no disk");
};

test.each<[string, Partial<ClientStorage>, (client: ChatClient) => Promise<void> | void]>([
  ["its user", {}, (client) => client.close()],
  ["its user, while it is paused", {}, (client) => (client.pause(), client.close())],
  ["a storage that does not open", { open: fails }, () => {}],
  ["a storage that does not load", { load: fails }, () => {}],
  ["a storage that does not save", { save: fails }, (client) => void client.send("a")],
])("a client that is closed by %s listens to its page no more", async (_whom, broken, ends) => {
  const listening = stubPage();
  const storage: ClientStorage = { load: () => undefined, save: () => {}, ...broken };
  const client = new ChatClient({ ...NOWHERE, storage });
  expect(listening.size).toBe(3);
  const closed = new Promise<void>((resolve) => {
    client.on("state", ({ type }) => {
      if (type === "closed") resolve();
    });
  });
  await ends(client);
  await closed;
  expect(listening.size).toBe(0);
});

test("a client that the room turns away for good listens to its page no more", async () => {
  const listening = stubPage();
  const server = new WebSocketServer({ port: 0, handleProtocols: () => "chat.v1" });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => socket.close(4003, "this name belongs to another key"));
  const { port } = server.address() as AddressInfo;
  const client = new ChatClient({ ...NOWHERE, url: `ws://127.0.0.1:${port}` });
  const closed = new Promise<void>((resolve) => {
    client.on("state", ({ type }) => {
      if (type === "closed") resolve();
    });
  });
  await closed;
  expect(listening.size).toBe(0);
  server.close();
});

test("messages that a client accepted and that is closed at once are sent by its successor on the same storage", async () => {
  const seen: string[][] = [];
  for (let round = 0; round < 20; round++) {
    const storage = memoryStorage();
    const first = new ChatClient({ ...NOWHERE, storage });
    if (round % 2 === 0) await after(round);
    first.send("x").catch(() => {});
    const closing = first.close();
    const second = new ChatClient({ ...NOWHERE, storage });
    await closing;
    await after(20);
    seen.push(second.outbox.map(({ text = "" }) => text));
    await second.close();
  }
  expect(seen).toEqual(seen.map(() => ["x"]));
});

test("clients on one storage own it one after the other, in the order in which they were made", async () => {
  const storage = new Slow();
  const clients = [1, 2, 3].map(() => new ChatClient({ ...NOWHERE, storage }));
  for (const client of clients) {
    await after(20);
    void client.send("a");
    await client.close();
  }
  expect(storage.asked.join(" ")).toMatch(/^(open (save saved )*close( close)* ?){3}$/);
  expect(storage.kept?.outbox).toHaveLength(3);
});

test("a client that ended without being closed does not keep the next one waiting", async () => {
  const storage = memoryStorage();
  const server = new WebSocketServer({ port: 0, handleProtocols: () => "chat.v1" });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => socket.close(4001, "replaced"));
  const { port } = server.address() as AddressInfo;
  const options = { ...NOWHERE, url: `ws://127.0.0.1:${port}`, storage };
  const isClosed = (client: ChatClient): Promise<void> =>
    new Promise((resolve) => {
      client.on("state", ({ type }) => {
        if (type === "closed") resolve();
      });
    });
  const first = new ChatClient(options);
  await isClosed(first);
  const begin = performance.now();
  const second = new ChatClient(options);
  await isClosed(second);
  expect(performance.now() - begin).toBeLessThan(3_000);
  await Promise.all([first.close(), second.close()]);
  server.close();
});

test.each<[string, Partial<ClientStorage>]>([
  ["cannot be opened", { open: fails }],
  ["cannot be read", { load: fails }],
  ["cannot be written", { save: fails }],
])(
  "a loop over a client whose storage %s throws it: it does not end in silence",
  async (_case, broken) => {
    const storage: ClientStorage = { load: () => undefined, save: () => {}, ...broken };
    const client = new ChatClient({ ...NOWHERE, storage });
    const reads = async (): Promise<void> => {
      for await (const _entry of client) expect.unreachable();
    };
    await expect(reads()).rejects.toThrow(StorageError);
    await expect(reads(), "a loop that comes later, too").rejects.toThrow("no disk");
    await client.close();
    await expect(reads(), "and one behind the close").rejects.toThrow(StorageError);
  },
);

test("a loop over a client that its user closes ends, even if the storage failed", async () => {
  const client = new ChatClient(NOWHERE);
  const reads = (async (): Promise<void> => {
    for await (const _entry of client) expect.unreachable();
  })();
  await client.close();
  await reads;
  expect(client.state).toMatchObject({ code: 1000 });
});

test("a reply and a carried entry are in the outbox in the step of their call, so that they are saved with *done*", async () => {
  const client = new ChatClient({ ...NOWHERE, storage: memoryStorage() });
  const lobby = new ChatClient({ ...NOWHERE, room: "attic", storage: memoryStorage() });
  // Once a first message is on record, the storage is open.
  void client.send("first");
  await vi.waitFor(() => expect(client.state.type).toBe("offline"));
  void client.reply({ seq: 1, from: "bob" }, "a reply");
  expect(client.outbox.map(({ text }) => text)).toEqual(["first", "a reply"]);
  void client.carry({ seq: 2 }, "carried", { from: lobby });
  expect(client.outbox.map(({ text }) => text)).toEqual(["first", "a reply", "carried"]);
  await Promise.all([client.close(), lobby.close()]);
});

test("an entry that an earlier life carried is not carried again, whatever killed that life", async () => {
  const lobby = new ChatClient({ ...NOWHERE, room: "attic", storage: memoryStorage() });
  const storage = new Slow();
  const client = new ChatClient({ ...NOWHERE, storage });
  void client.carry({ seq: 7 }, "carried", { from: lobby });
  await vi.waitFor(() => expect(storage.kept?.outbox).toHaveLength(1));
  // The process is killed here: only what was saved is left.
  const next = new Slow();
  next.kept = structuredClone(storage.kept);
  const successor = new ChatClient({ ...NOWHERE, storage: next });
  void successor.carry({ seq: 7 }, "carried", { from: lobby });
  void successor.send("after");
  await vi.waitFor(() => expect(next.kept?.outbox.at(-1)?.text).toBe("after"));
  expect(next.kept?.outbox.map(({ text }) => text)).toEqual(["carried", "after"]);
  await Promise.all([client.close(), lobby.close(), successor.close()]);
});

test("a carry without its options rejects, and does not throw", async () => {
  const client = new ChatClient({ ...NOWHERE, storage: memoryStorage() });
  const carry = client.carry.bind(client) as (...args: unknown[]) => Promise<unknown>;
  await expect(carry({ seq: 1 }, "carried")).rejects.toThrow(TypeError);
  await expect(carry({ seq: 1 }, "carried", {})).rejects.toThrow(TypeError);
  await client.close();
});

test("a message that a listener sends when it hears of a restored room is kept and sent", async () => {
  const server = new WebSocketServer({ port: 0, handleProtocols: () => "chat.v1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const received: string[] = [];
  const epochs = ["before", "after"];
  server.on("connection", (socket) => {
    const welcome = {
      type: "welcome",
      room: "lobby",
      name: "alice",
      epoch: epochs.shift(),
      since: 0,
      head: 0,
      limits: {
        text: 8192,
        frame: 65_536,
        recipients: 64,
        window: 256,
        windowBytes: 262_144,
        rate: 50,
        burst: 500,
        spread: 0,
      },
      peers: [],
      online: 1,
    };
    socket.send(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
    socket.on("message", (data: Buffer) => received.push(data.toString()));
  });
  const { port } = server.address() as AddressInfo;
  const url = `ws://127.0.0.1:${port}`;
  const client = new ChatClient({ url, room: "lobby", name: "alice", storage: memoryStorage() });
  client.on("error", (error) => {
    if (error instanceof RestoredError) void client.send("to the restored room");
  });
  await vi.waitFor(() => expect(client.state.type).toBe("live"));
  client.pause();
  client.resume();
  await vi.waitFor(() => expect(received.join()).toContain("to the restored room"));
  expect(client.outbox.map(({ text }) => text)).toEqual(["to the restored room"]);
  for (const socket of server.clients) socket.terminate();
  server.close();
  await client.close();
});
