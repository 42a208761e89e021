/** The operator's API under attack: guessed keys, pages of other origins, malformed paths. */
import { env } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import worker from "../../../src/worker.ts";
import { TestRoom } from "../../support/harness/workerd.ts";

const ADMIN_KEY = "an-operators-key-of-forty-characters-or-so";

const asks = (path: string, init: RequestInit = {}): Promise<Response> =>
  worker.fetch(new Request(`https://chat.example.com${path}`, init), { ...env, ADMIN_KEY });

const bearer = (key: string): { headers: Record<string, string> } => ({
  headers: { Authorization: `Bearer ${key}` },
});

/** A room with a secret in its log. */
async function roomWithSecret(): Promise<TestRoom> {
  const room = new TestRoom();
  const alice = await room.joins("alice", { key: "hers" });
  await alice.isReady();
  alice.says("a secret between us", ["alice"]);
  await alice.hears("a secret between us");
  return room;
}

describe("a guessed key", () => {
  test.each([
    ["none", {}],
    ["an empty one", bearer("")],
    ["another", bearer("guess")],
    ["its beginning", bearer(ADMIN_KEY.slice(0, -1))],
    ["the key and more", bearer(`${ADMIN_KEY}x`)],
    ["it in capitals", bearer(ADMIN_KEY.toUpperCase())],
    ["it twice", bearer(`${ADMIN_KEY} ${ADMIN_KEY}`)],
    ["it in another scheme", { headers: { Authorization: `Basic ${btoa(`:${ADMIN_KEY}`)}` } }],
    ["it without a scheme", { headers: { Authorization: ADMIN_KEY } }],
    ["it as a subprotocol", { headers: { "Sec-WebSocket-Protocol": `key.${btoa(ADMIN_KEY)}` } }],
    ["it in a cookie", { headers: { Cookie: `key=${ADMIN_KEY}` } }],
    ["the key of a peer", bearer("hers")],
  ])("opens nothing, and is printed nowhere: %s", async (_case, init) => {
    const room = await roomWithSecret();
    const printed = [vi.spyOn(console, "log"), vi.spyOn(console, "error")];
    for (const spy of printed) spy.mockImplementation(() => {});
    for (const [method, path] of [
      ["GET", "/messages"],
      ["POST", "/messages"],
      ["DELETE", "/messages/1"],
      ["GET", "/peers"],
      ["DELETE", "/peers/alice"],
      ["GET", "/stats"],
      ["GET", "/export"],
      ["HEAD", "/export"],
      ["DELETE", ""],
    ] as const) {
      const answer = await asks(`/rooms/${room.name}${path}`, { ...init, method });
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      expect(await answer.text()).not.toMatch(/secret between|an-operators/);
    }
    const lines = JSON.stringify(printed.flatMap(({ mock }) => mock.calls));
    for (const spy of printed) spy.mockRestore();
    expect(lines).not.toContain(ADMIN_KEY);
    const alice = await room.joins("alice", { key: "hers", query: { since: 0 } });
    await alice.hears("a secret between us");
  });

  test("a key in an address is no key, and wakes no fresh room", async () => {
    const room = new TestRoom();
    const answer = await asks(`/rooms/${room.name}/stats?key=${ADMIN_KEY}&ADMIN_KEY=${ADMIN_KEY}`);
    expect(answer.status).toBe(401);
    expect((await room.counters()).rowsWritten).toBe(0);
  });

  test("the right one creates no fresh room either", async () => {
    const room = new TestRoom();
    for (const method of ["GET", "DELETE"]) {
      await (await asks(`/rooms/${room.name}/stats`, { ...bearer(ADMIN_KEY), method })).text();
      await (await asks(`/rooms/${room.name}`, { ...bearer(ADMIN_KEY), method })).text();
    }
    expect((await room.counters()).rowsWritten).toBe(0);
  });
});

describe("from a page", () => {
  test.each([
    ["of elsewhere", "https://evil.example"],
    ["of no origin", "null"],
    ["of the same host without TLS", "http://chat.example.com"],
    ["whose host begins the same", "https://chat.example.com.evil.example"],
  ])("%s no request is served, even with the right key", async (_case, origin) => {
    const room = await roomWithSecret();
    const headers = { ...bearer(ADMIN_KEY).headers, Origin: origin };
    const answer = await asks(`/rooms/${room.name}/messages`, { headers });
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain("secret between");
  });

  test("no answer has a CORS header, and a preflight is refused", async () => {
    const room = await roomWithSecret();
    const headers = {
      Origin: "https://evil.example",
      "Access-Control-Request-Method": "DELETE",
      "Access-Control-Request-Headers": "authorization",
    };
    for (const path of ["", "/messages", "/peers/alice", "/export"]) {
      const preflight = await asks(`/rooms/${room.name}${path}`, { method: "OPTIONS", headers });
      expect(preflight.status).toBe(405);
      const answer = await asks(`/rooms/${room.name}${path}`, bearer(ADMIN_KEY));
      for (const { headers: received } of [preflight, answer]) {
        expect([...received.keys()].filter((name) => name.startsWith("access-control"))).toEqual(
          [],
        );
      }
      await answer.text();
    }
  });

  test("a form cannot publish", async () => {
    const room = await roomWithSecret();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const headers = { ...bearer(ADMIN_KEY).headers, "Content-Type": type };
      const body = JSON.stringify({ from: "alice", text: "forged" });
      const answer = await asks(`/rooms/${room.name}/messages`, { method: "POST", headers, body });
      expect(answer.status).toBe(415);
    }
  });
});

describe("a malformed path", () => {
  test.each([
    ["/constructor/x"],
    ["/valueof"],
    ["/messages/"],
    ["//messages"],
    ["/MESSAGES"],
    ["/%6dessages"],
    ["%2Fmessages"],
    ["/messages%2F1"],
    ["/peers/alice/x"],
    ["/stats/1"],
    ["/export.ndjson"],
    ["/messages;a=b"],
  ])("leads nowhere, even with the right key: %s", async (path) => {
    const room = await roomWithSecret();
    const answer = await asks(`/rooms/${room.name}${path}`, {
      ...bearer(ADMIN_KEY),
      method: "POST",
    });
    expect(answer.status).toBe(404);
  });

  test("`constructor` is no path: it answered 405, as if it were one", async () => {
    const answer = await asks("/rooms/lobby/constructor", bearer(ADMIN_KEY));
    expect(answer.status).toBe(404);
  });

  test("a name with dot segments in an item is a bad name", async () => {
    const room = await roomWithSecret();
    for (const item of ["..%2F..%2Fexport", "alice%2F..", "%00", "%ff"]) {
      const answer = await asks(`/rooms/${room.name}/peers/${item}`, {
        ...bearer(ADMIN_KEY),
        method: "DELETE",
      });
      expect(answer.status).toBe(400);
    }
    const alice = await room.joins("alice", { key: "hers", query: { since: 0 } });
    await alice.hears("a secret between us");
  });
});
