/**
 * Attacks that need bytes on a real socket: the handshake by hand, compressed bombs, floods, connections that never
 * end.
 */
import { randomBytes } from "node:crypto";
import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  sendRequest,
  frameOf,
  OPCODE,
  type RawWebSocket,
  upgradeHeaders,
} from "../../support/clients/raw-websocket.ts";
import { TestRoom } from "../../support/clients/room.ts";
import { Server } from "../../support/server/server.ts";

const V1 = { dialect: "chat.v1" } as const;
const MIB = 1_048_576;

let server: Server;
let rooms = 0;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());

const freshRoom = (): TestRoom => new TestRoom(server, `attack-${++rooms}`);

/** Two who talk, whatever a third does. */
async function conversation(room: TestRoom): Promise<() => Promise<void>> {
  const alice = await room.joins("alice", V1);
  const bob = await room.joins("bob", V1);
  let said = 0;
  return async () => {
    const text = `still here ${++said}`;
    alice.says(text, { to: ["bob"] });
    await bob.hears(text);
    await alice.isDone();
    expect([alice.isCutOff, bob.isCutOff]).toEqual([false, false]);
  };
}

/** Sends the lines of a request as given. @returns the answer, up to `end` */
function tells(lines: readonly string[], end = "\r\n\r\n"): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = createConnection(Number(port), hostname, () => {
    socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  });
  let answer = "";
  socket.on("error", reject);
  socket.on("close", () => resolve(answer));
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
    if (answer.includes(end)) socket.destroy();
  });
  return promise;
}

const handshake = (...more: readonly string[]): string[] => [
  "GET /rooms/by-hand?name=alice HTTP/1.1",
  `Host: ${new URL(server.url).host}`,
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ...more,
];

describe("a handshake by hand", () => {
  const own = (): string => `Origin: http://${new URL(server.url).host}`;
  const evil = "Origin: http://evil.example";
  const dialects = ["Sec-WebSocket-Protocol: soap", "Sec-WebSocket-Protocol: chat.v1"];

  test.each([
    ["a dialect in the second of two headers", () => handshake(...dialects), 101],
    ["an older WebSocket", () => handshake().map((line) => line.replace(": 13", ": 8")), 400],
  ])("%s", async (_case, lines, status) => {
    const answer = await tells(lines());
    expect(answer.split(" ")[1]).toBe(`${status}`);
    expect(answer).not.toMatch(/access-control|set-cookie/i);
  });

  test.each([
    ["two origins, the good one first", () => handshake(own(), evil)],
    ["two origins, the good one last", () => handshake(evil, own())],
    ["an origin that begins like the room's own", () => handshake(`${own()}.evil.example`)],
  ])("%s: accepted only to be closed with 4003", async (_case, lines) => {
    const answer = await tells(lines(), "ALLOWED_ORIGINS");
    const [head = "", frames = ""] = answer.split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).not.toMatch(/access-control|set-cookie/i);
    // A Close frame first: its code, then the reason.
    const bytes = Buffer.from(frames, "latin1");
    expect([bytes[0], bytes.readUInt16BE(2)]).toEqual([0x88, 4003]);
  });

  test.each([
    ["a thousand subprotocols", 1_000, 101],
    ["more than a header may hold", 20_000, 431],
  ])("%s", async (_case, count, status) => {
    const protocols = [...Array.from({ length: count }, (_, i) => `p${i}`), "chat.v1"];
    const headers = upgradeHeaders(protocols);
    const answer = await sendRequest(server.url, `${freshRoom().path}?name=alice`, { headers });
    answer.webSocket?.vanishes();
    expect(answer.status).toBe(status);
    expect(answer.headers["sec-websocket-protocol"]).toBe(status === 101 ? "chat.v1" : undefined);
  });

  // Not ASCII, too: the runtime logs unusual headers that a program sets.
  test.each(["s3cret-of-alice", "schlüssel-der-alice"])(
    "the key %s is echoed nowhere, and printed nowhere",
    async (key) => {
      const room = freshRoom();
      const encoded = Buffer.from(key).toString("base64url");
      const bytes = Buffer.from(key).toString("latin1");
      const attempts = [
        { protocols: ["chat.v1", `key.${encoded}`] },
        { protocols: ["chat.v1"], headers: { Authorization: `Bearer ${bytes}` } },
        { protocols: ["chat.v1"], headers: { Authorization: `Bearer wrong-${bytes}` } },
        { protocols: ["chat.v1"], headers: { Authorization: `Basic ${encoded}` } },
        { protocols: ["chat.v1", `key.${encoded}`, `key.${encoded}`] },
        { protocols: [`key.${encoded}`] },
      ];
      for (const attempt of attempts) {
        const { headers, body, webSocket } = await room.handshake("name=alice", attempt);
        const first = webSocket
          ?.hears((texts) => texts.length > 0)
          .catch(() => webSocket.goodbye());
        const output = JSON.stringify([headers, body, await first, webSocket?.texts]);
        webSocket?.vanishes();
        for (const secret of [key, encoded, bytes]) expect(output).not.toContain(secret);
      }
      const printed = await server.allPrinted();
      for (const secret of [key, encoded, bytes]) expect(printed).not.toContain(secret);
    },
  );
});

describe("bombs and floods, while others talk", () => {
  // Beyond 32 MiB the runtime ends the connection itself, with 1009 as well.
  test("a compressed frame of 30 MiB, 30 kB on the wire, ends its connection with 1009", async () => {
    const room = freshRoom();
    const talk = await conversation(room);
    const socket = new WebSocket(`${room.url}?name=mallory`, ["chat.v1"], {
      perMessageDeflate: { threshold: 0 },
    });
    const { promise: ended, resolve } = Promise.withResolvers<readonly [number, string]>();
    socket.on("error", () => {});
    socket.on("close", (code, why) => resolve([code, why.toString()]));
    await new Promise((opened) => socket.on("open", opened));
    expect(socket.extensions).toBe("permessage-deflate");
    socket.send(Buffer.alloc(30 * MIB, "x"), { binary: false });
    expect(await ended).toEqual([1009, "a frame may have 65536 bytes at most: send less at once"]);
    await talk();
  });

  test("the runtime answers a flood of pings of both kinds", async () => {
    const room = freshRoom();
    const talk = await conversation(room);
    const mallory = await room.connectsRaw("mallory");
    await mallory.hears((texts) => texts.length > 0);
    const both = [frameOf(OPCODE.ping, "x".repeat(125)), frameOf(OPCODE.text, "ping")];
    mallory.sends(...Array.from({ length: 2_000 }, () => both).flat());
    await talk();
    await mallory.hears((texts) => texts.filter((text) => text === "pong").length === 2_000);
    // None of it counted against the rate limit.
    mallory.says('{"type":"who","id":"last"}');
    await mallory.hears((texts) => texts.some((text) => text.includes('"last"')));
    mallory.vanishes();
  });

  test("ended connections whose sockets stay open delay neither their name nor any other peer", async () => {
    const room = freshRoom();
    const talk = await conversation(room);
    const replaced: RawWebSocket[] = [];
    for (let i = 0; i < 50; i++) replaced.push(await room.connectsRaw("mallory"));
    const last = replaced.pop();
    for (const one of replaced) {
      expect((await one.goodbye()).code).toBe(4001);
      one.says('{"type":"send","id":"x","text":"boo"}');
    }
    await talk();
    last?.says('{"type":"history","id":"h"}');
    await last?.hears((texts) => texts.some((text) => text.includes('"messages":[]')));
    for (const one of replaced) one.vanishes();
    last?.vanishes();
  });

  test("many clients that connect and read nothing", async () => {
    const room = freshRoom();
    const talk = await conversation(room);
    const names = Array.from({ length: 60 }, (_, i) => `silent${i}`);
    const silent = await Promise.all(names.map((name) => room.connectsRaw(name)));
    for (const link of silent) link.stopsReading();
    for (let i = 0; i < 5; i++) await talk();
    for (const link of silent) link.vanishes();
    await talk();
  });
});
