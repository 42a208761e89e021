/** The fault proxy carries both directions and injects exactly the requested fault. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Notifier } from "../support/wait-for.ts";
import type { Cut } from "../support/proxy/cut.ts";
import { FaultProxy } from "../support/proxy/fault-proxy.ts";

const HEAD = "GET /rooms/x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\n\r\n";

let room: Server;
let proxy: FaultProxy;
let notifier: Notifier;
/** The bytes that the room's side received, and how each of its connections ended. */
let received: string;
let accepted: Socket[];
let roomEnds: string[];

beforeEach(async () => {
  [received, accepted, roomEnds, notifier] = ["", [], [], new Notifier()];
  const ends = roomEnds;
  room = createServer((socket) => {
    accepted.push(socket);
    // Connections of the previous test may end late.
    watch(socket, (end) => ends.push(end));
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString();
      notifier.notify();
    });
  });
  room.listen(0, "127.0.0.1");
  await once(room, "listening");
  const { port } = room.address() as AddressInfo;
  proxy = await FaultProxy.listen(() => new URL(`http://127.0.0.1:${port}`));
});

afterEach(() => {
  proxy.close();
  for (const socket of accepted) socket.destroy();
  room.close();
});

function watch(socket: Socket, ended: (how: string) => void): void {
  let how = "end";
  socket.on("error", (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
  socket.on("close", () => {
    ended(how);
    notifier.notify();
  });
}

interface Client {
  readonly socket: Socket;
  readonly got: () => string;
  readonly ends: readonly string[];
}

/** A client that has sent its handshake. */
function comes(): Client {
  const socket = connect(proxy.port, "127.0.0.1");
  const ends: string[] = [];
  let got = "";
  watch(socket, (end) => ends.push(end));
  socket.on("data", (bytes: Buffer) => {
    got += bytes.toString();
    notifier.notify();
  });
  socket.write(HEAD);
  return { socket, got: () => got, ends };
}

const until = (isSo: () => boolean, what: string): Promise<boolean> =>
  notifier.until(isSo, () => `${what}; the room received ${JSON.stringify(received)}`);

async function arrives(): Promise<Client> {
  const client = comes();
  await until(() => received.endsWith("\r\n\r\n"), "the handshake");
  received = "";
  return client;
}

const cut = (some: Partial<Cut>): Cut => ({
  type: "cut",
  direction: "up",
  bytes: 0,
  how: "reset",
  notified: "both",
  which: "this",
  ...some,
});

test("carries both directions, with the endpoint's name in the handshake", async () => {
  let arrivals = 0;
  proxy.onHandshake(() => arrivals++);
  const client = comes();
  await until(() => received.endsWith("\r\n\r\n"), "the handshake");
  const { port } = room.address() as AddressInfo;
  expect(received).toBe(HEAD.replace("127.0.0.1:1", `127.0.0.1:${port}`));
  expect(arrivals).toBe(1);
  accepted[0]?.write("hello");
  await until(() => client.got() === "hello", "hello");
  client.socket.end("bye");
  await until(() => received.endsWith("bye") && roomEnds.length === 1, "the end");
  expect(roomEnds).toEqual(["end"]);
});

test.each([
  ["a reset", cut({ bytes: 3 }), ["ECONNRESET"], ["ECONNRESET"]],
  ["a clean end", cut({ bytes: 3, how: "end" }), ["end"], ["end"]],
] as const)("breaks in the middle with %s", async (_case, how, clientEnds, ends) => {
  const client = await arrives();
  proxy.cut(how);
  client.socket.write("abcdef");
  await until(() => client.ends.length === 1 && roomEnds.length === 1, "both ends");
  expect(received).toBe("abc");
  expect(client.ends).toEqual(clientEnds);
  expect(roomEnds).toEqual(ends);
});

test("breaks within the handshake of the next connection", async () => {
  proxy.cut(cut({ bytes: 20, which: "next" }));
  const client = comes();
  await until(() => client.ends.length === 1, "the client's end");
  expect(received).toBe(HEAD.slice(0, 20));
});

test("breaks one side only, and the other carries nothing until the proxy heals", async () => {
  const client = await arrives();
  proxy.cut(cut({ notified: "client" }));
  await until(() => client.ends.length === 1, "the client's end");
  expect(roomEnds).toEqual([]);
  expect(proxy.isInUse).toBe(false);
  proxy.heal();
  await until(() => roomEnds.length === 1, "the room's end");
});

test("a blackhole blocks one direction, and queued bytes arrive in order when it ends", async () => {
  const client = await arrives();
  proxy.block(["up"]);
  client.socket.write("one ");
  accepted[0]?.write("down");
  await until(() => client.got() === "down", "the other direction");
  client.socket.write("two");
  expect(received).toBe("");
  proxy.unblock();
  await until(() => received === "one two", "the queued bytes");
});

test("a held handshake is overtaken and arrives late, from a dead client", async () => {
  proxy.holdNextHandshake(60_000);
  const first = comes();
  // The second connection must not start before the proxy has accepted the first.
  await once(first.socket, "connect");
  await until(() => proxy.isInUse, "the first");
  const second = await arrives();
  second.socket.write("second");
  await until(() => received === "second", "the second");
  proxy.abandonClient();
  await until(() => first.ends.length === 1 && second.ends.length === 1, "the ends of both");
  expect(roomEnds).toEqual([]);
  proxy.unblock();
  await until(() => received.endsWith("\r\n\r\n"), "the first handshake");
  const late = comes();
  await until(() => late.ends.length === 1, "a refused connection");
});

test("latency keeps the order", async () => {
  const client = await arrives();
  proxy.setLatency(60);
  client.socket.write("slow ");
  await until(() => proxy.isInUse, "the connection");
  proxy.setLatency(0);
  client.socket.write("fast");
  await until(() => received === "slow fast", "both");
});

test("refuses every connection until it accepts again", async () => {
  const first = await arrives();
  proxy.refuse();
  await until(() => first.ends.length === 1 && roomEnds.length === 1, "both ends");
  const second = comes();
  await until(() => second.ends.length === 1, "a refused connection");
  expect([first.ends, second.ends]).toEqual([["ECONNRESET"], ["ECONNRESET"]]);
  proxy.accept();
  await arrives();
  expect(proxy.accepted).toBe(2);
});
