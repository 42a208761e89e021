/** A road carries both ways, and goes wrong in just the way it is told to. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Notifier } from "../support/wait-for.ts";
import type { Cut } from "./schedule.ts";
import { FaultProxy } from "./fault-proxy.ts";

const HEAD = "GET /rooms/x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\n\r\n";

let room: Server;
let road: FaultProxy;
let notifier: Notifier;
/** What the room's side has heard, and how each of its links ended. */
let heard: string;
let accepted: Socket[];
let roomEnds: string[];

beforeEach(async () => {
  [heard, accepted, roomEnds, notifier] = ["", [], [], new Notifier()];
  const ends = roomEnds;
  room = createServer((socket) => {
    accepted.push(socket);
    // Those of the test before may end late.
    watch(socket, (end) => ends.push(end));
    socket.on("data", (bytes: Buffer) => {
      heard += bytes.toString();
      notifier.notify();
    });
  });
  room.listen(0, "127.0.0.1");
  await once(room, "listening");
  const { port } = room.address() as AddressInfo;
  road = await FaultProxy.opens(() => new URL(`http://127.0.0.1:${port}`));
});

afterEach(() => {
  road.close();
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

/** A client whose handshake has been said. */
function comes(): Client {
  const socket = connect(road.port, "127.0.0.1");
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
  notifier.until(isSo, () => `${what}; the room heard ${JSON.stringify(heard)}`);

async function arrives(): Promise<Client> {
  const client = comes();
  await until(() => heard.endsWith("\r\n\r\n"), "the handshake");
  heard = "";
  return client;
}

const cut = (some: Partial<Cut>): Cut => ({
  type: "cut",
  way: "up",
  bytes: 0,
  how: "reset",
  told: "both",
  which: "this",
  ...some,
});

test("carries both ways, with the endpoint's name in the handshake", async () => {
  let arrivals = 0;
  road.onArrival(() => arrivals++);
  const client = comes();
  await until(() => heard.endsWith("\r\n\r\n"), "the handshake");
  const { port } = room.address() as AddressInfo;
  expect(heard).toBe(HEAD.replace("127.0.0.1:1", `127.0.0.1:${port}`));
  expect(arrivals).toBe(1);
  accepted[0]?.write("hello");
  await until(() => client.got() === "hello", "hello");
  client.socket.end("bye");
  await until(() => heard.endsWith("bye") && roomEnds.length === 1, "the end");
  expect(roomEnds).toEqual(["end"]);
});

test.each([
  ["a reset", cut({ bytes: 3 }), ["ECONNRESET"], ["ECONNRESET"]],
  ["a clean end", cut({ bytes: 3, how: "end" }), ["end"], ["end"]],
] as const)("breaks in the middle with %s", async (_case, how, clientEnds, ends) => {
  const client = await arrives();
  road.cuts(how);
  client.socket.write("abcdef");
  await until(() => client.ends.length === 1 && roomEnds.length === 1, "both ends");
  expect(heard).toBe("abc");
  expect(client.ends).toEqual(clientEnds);
  expect(roomEnds).toEqual(ends);
});

test("breaks within the handshake of the next link", async () => {
  road.cuts(cut({ bytes: 20, which: "next" }));
  const client = comes();
  await until(() => client.ends.length === 1, "the client's end");
  expect(heard).toBe(HEAD.slice(0, 20));
});

test("tells one side only, and the other carries nothing any more, until it heals", async () => {
  const client = await arrives();
  road.cuts(cut({ told: "client" }));
  await until(() => client.ends.length === 1, "the client's end");
  expect(roomEnds).toEqual([]);
  expect(road.isUsed).toBe(false);
  road.heals();
  await until(() => roomEnds.length === 1, "the room's end");
});

test("a hole swallows one way, and what waits comes in order when it opens", async () => {
  const client = await arrives();
  road.shuts(["up"]);
  client.socket.write("one ");
  accepted[0]?.write("down");
  await until(() => client.got() === "down", "the other way");
  client.socket.write("two");
  expect(heard).toBe("");
  road.opens();
  await until(() => heard === "one two", "what waited");
});

test("a held handshake is overtaken, and comes late, from a client that is dead", async () => {
  road.holdsNext(60_000);
  const first = comes();
  // The second connection may only come once the first was taken.
  await once(first.socket, "connect");
  await until(() => road.isUsed, "the first");
  const second = await arrives();
  second.socket.write("second");
  await until(() => heard === "second", "the second");
  road.abandons();
  await until(() => first.ends.length === 1 && second.ends.length === 1, "the ends of both");
  expect(roomEnds).toEqual([]);
  road.opens();
  await until(() => heard.endsWith("\r\n\r\n"), "the first handshake");
  const late = comes();
  await until(() => late.ends.length === 1, "that nobody else comes this way");
});

test("lag keeps the order", async () => {
  const client = await arrives();
  road.lags(60);
  client.socket.write("slow ");
  await until(() => road.isUsed, "the link");
  road.lags(0);
  client.socket.write("fast");
  await until(() => heard === "slow fast", "both");
});
