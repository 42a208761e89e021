/** The diagnosis of handshakes that fail: which address is probed, and what each response means. */
import { afterEach, expect, test, vi } from "vitest";
import {
  type ClientState,
  type HandshakeFinding,
  HandshakeMonitor,
} from "../../../src/client/index.ts";

afterEach(() => vi.unstubAllGlobals());

const connecting = { type: "connecting", tries: 0 } as const;
const offline = { type: "offline", retryAt: 0, why: "the connection broke" } as const;
const replaying = { type: "replaying", since: 0, head: 0 } as const;
const live = { type: "live" } as const;

const json = (status: number, body: unknown) => (): Response =>
  Response.json(body, { status, headers: { "Content-Type": "application/json; charset=utf-8" } });
const room = json(426, {
  error: { code: "upgrade-required", message: "connect with a WebSocket" },
});

/** The findings after these states, and the addresses that were requested. */
async function finds(
  answer: () => Response | Promise<Response>,
  states: readonly ClientState[],
  url = "https://chat.example.com",
): Promise<{ found: HandshakeFinding[]; asked: string[] }> {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (address: string) => {
    asked.push(address);
    return Promise.resolve().then(answer);
  });
  const found: HandshakeFinding[] = [];
  const monitor = new HandshakeMonitor(new URL(url), "a room", (finding) => found.push(finding));
  for (const state of states) {
    monitor.onState(state);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { found, asked };
}

test.each([
  ["https://chat.example.com", "https://chat.example.com/rooms/a%20room"],
  ["wss://chat.example.com/team/", "https://chat.example.com/team/rooms/a%20room"],
  ["ws://localhost:8787/a/b", "http://localhost:8787/a/b/rooms/a%20room"],
])("%s: the probe keeps the prefix of the endpoint", async (url, address) => {
  const { asked } = await finds(room, [connecting, offline], url);
  expect(asked).toEqual([address]);
});

test.each<[string, () => Response | Promise<Response>, unknown]>([
  ["a room", room, { type: "room" }],
  ["426 of another server", json(426, {}), { type: "other", status: 426, message: undefined }],
  [
    "an error of a room",
    json(429, { error: { code: "too-many", message: "come back in 60 seconds" } }),
    { type: "other", status: 429, message: "come back in 60 seconds" },
  ],
  ["a web page", () => new Response("<h1>hi</h1>"), { type: "other", status: 200 }],
  ["no response", () => Promise.reject(new TypeError("fetch failed")), { type: "unreachable" }],
])("one failed handshake, and the probe gets %s", async (_case, answer, finding) => {
  const { found } = await finds(answer, [connecting, offline]);
  expect(found).toMatchObject([finding as object]);
});

test("two failed handshakes in a row with a room: something in between blocks WebSockets", async () => {
  const { found } = await finds(room, [connecting, offline, connecting, offline]);
  expect(found).toEqual([{ type: "room" }, { type: "blocked" }]);
});

test("a handshake that succeeds in between starts the count again", async () => {
  const { found } = await finds(room, [
    connecting,
    offline,
    connecting,
    replaying,
    live,
    offline,
    connecting,
    offline,
  ]);
  expect(found).toEqual([{ type: "room" }, { type: "room" }]);
});

test("a finding that comes after the connection is dropped", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { found } = await finds(() => promise, [connecting, offline, connecting, replaying]);
  resolve(new Response("late"));
  await new Promise((done) => setImmediate(done));
  expect(found).toEqual([]);
});
