/** The Worker's checks before it wakes a room: origins, the rate of upgrades, tokens. */
import { env } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { Join } from "../../src/core/event.ts";
import { rateLimitKey } from "../../src/http/rate-limit.ts";
import { isOriginAllowed, originRefused } from "../../src/http/origin.ts";
import { decodeJoin } from "../../src/durable-object/join-request.ts";
import worker from "../../src/worker.ts";
import { AUDIENCE, claimsOf, ISSUER, nowS, part, SECRET, tokenOf } from "../support/tokens.ts";
import type { Env } from "../../src/durable-object/env.ts";

/** The answer of a room's stand-in to an accepted handshake. */
const WOKEN = { code: 4999, reason: "woken" };

interface Attempt {
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly vars?: Partial<Env>;
  readonly url?: string;
}

/** A handshake with the Worker, whose rooms are stand-ins that record which one was woken. */
async function connect({ query = "name=alice", headers = {}, vars = {}, url }: Attempt) {
  const woken: Join[] = [];
  const rooms = {
    getByName: () => ({
      fetch: (request: Request) => {
        woken.push(decodeJoin(request));
        return Promise.resolve(Response.json(WOKEN, { status: 409 }));
      },
    }),
  } as unknown as Env["CHAT_ROOM"];
  const request = new Request(url ?? `https://chat.example.com/rooms/lobby?${query}`, {
    headers: { Upgrade: "websocket", ...headers },
  });
  const answer = await worker.fetch(request, { ...vars, CHAT_ROOM: rooms });
  const { webSocket } = answer;
  if (webSocket === null) return { answer, woken, closed: undefined };
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    webSocket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  webSocket.accept();
  return { answer, woken, closed: await closed };
}

const subprotocolOf = (key: string): string =>
  `key.${btoa(key).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;

describe("tokens", () => {
  const vars = { JWT_SECRET: SECRET, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE };
  const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
  const good = (other: Record<string, unknown> = {}): Promise<string> => tokenOf(claimsOf(other));

  test("a good one wakes the room, which gets its owner and its end, and nothing else of it", async () => {
    const exp = nowS() + 60;
    const token = await good({ exp });
    const { woken, closed } = await connect({ headers: bearer(token), vars });
    expect(closed).toEqual(WOKEN);
    expect(woken).toEqual([
      {
        room: "lobby",
        name: "alice",
        dialect: "chat.line",
        owner: expect.stringMatching(/^[0-9a-f]{64}$/),
        expiresAt: (exp + 10) * 1_000,
      },
    ]);
  });

  test.each<[string, () => Promise<Record<string, string>>]>([
    ["the header", async () => bearer(await good())],
    [
      "the subprotocol",
      async () => ({ "Sec-WebSocket-Protocol": `chat.v1, ${subprotocolOf(await good())}` }),
    ],
    [
      "the header, which wins over a bad one as subprotocol",
      async () => ({ ...bearer(await good()), "Sec-WebSocket-Protocol": "chat.v1, key.YQ" }),
    ],
  ])("it comes by %s", async (_case, headers) => {
    const { woken } = await connect({ headers: await headers(), vars });
    expect(woken).toHaveLength(1);
  });

  test.each<[string, number, () => Promise<Record<string, string>>]>([
    ["no key", 4003, async () => ({})],
    ["an empty key", 4003, async () => ({ "Sec-WebSocket-Protocol": "chat.v1, key." })],
    ["a key that is no token", 4003, async () => bearer("sesame")],
    ["another scheme", 4003, async () => ({ Authorization: `Basic ${await good()}` })],
    ["another client's token", 4003, async () => bearer(await good({ sub: "bob" }))],
    ["a token for another room", 4003, async () => bearer(await good({ rooms: ["attic"] }))],
    ["an expired token", 4104, async () => bearer(await good({ exp: 1 }))],
    ["no signature", 4003, async () => bearer(`${part({ alg: "none" })}.${part(claimsOf())}.`)],
    [
      "a bad one in the header, which wins over a good one as subprotocol",
      4003,
      async () => ({
        ...bearer("sesame"),
        "Sec-WebSocket-Protocol": `chat.v1, ${subprotocolOf(await good())}`,
      }),
    ],
  ])("wakes no room: %s", async (_case, code, headers) => {
    const { woken, closed } = await connect({ headers: await headers(), vars });
    expect(closed?.code).toBe(code);
    expect(woken).toEqual([]);
  });

  test("4000 comes before 4003 and 4104", async () => {
    for (const token of ["sesame", await good({ exp: 1 })]) {
      const { closed } = await connect({
        query: "name=alice&since=1",
        headers: bearer(token),
        vars,
      });
      expect(closed?.code).toBe(4000);
    }
  });

  const ownerOf = async (headers: Record<string, string>, others: Partial<Env> = vars) =>
    (await connect({ headers, vars: others })).woken[0]?.owner;

  test("a renewed token has the same owner; another subject or issuer has another", async () => {
    const owner = await ownerOf(bearer(await good()));
    expect(owner).toBeDefined();
    const renewed = await good({ exp: nowS() + 7_200, jti: "2", rooms: ["lobby"] });
    expect(await ownerOf(bearer(renewed))).toBe(owner);
    const namesake = await good({ sub: "alice-2", name: "alice" });
    expect(await ownerOf(bearer(namesake))).not.toBe(owner);
    const iss = "https://other.example.com/";
    const elsewhere = bearer(await good({ iss }));
    expect(await ownerOf(elsewhere, { ...vars, JWT_ISSUER: iss })).not.toBe(owner);
  });

  test("iss and sub are kept apart", async () => {
    const owners = new Set<string | undefined>();
    for (const [iss, sub] of [
      ["a", "bc"],
      ["ab", "c"],
      ['a","b', "c"],
      ["a", 'b","c'],
    ]) {
      const token = await tokenOf(claimsOf({ iss, sub, name: "alice" }));
      owners.add(await ownerOf(bearer(token), { ...vars, JWT_ISSUER: iss }));
    }
    expect(owners.size).toBe(4);
  });

  test("no key that a client could choose equals the owner that a token names", async () => {
    const owner = await ownerOf(bearer(await good()));
    const rest = JSON.stringify(["lobby", "alice", ISSUER, "alice"]).slice(
      '["lobby","alice"'.length,
    );
    for (const key of [rest, rest.slice(1), `${ISSUER}alice`, JSON.stringify([ISSUER, "alice"])]) {
      expect(await ownerOf(bearer(key), {})).not.toBe(owner);
    }
  });
});

describe("origins", () => {
  const HOME = "https://chat.example.com/rooms/lobby?name=alice";

  test.each<[string, string, string, boolean]>([
    ["its own", HOME, "https://chat.example.com", true],
    ["its own, the port written out", HOME, "https://chat.example.com:443", true],
    ["its own host without encryption", HOME, "http://chat.example.com", false],
    ["another port", HOME, "https://chat.example.com:8443", false],
    ["another host", HOME, "https://evil.example", false],
    ["a host above", HOME, "https://example.com", false],
    ["a host below", HOME, "https://a.chat.example.com", false],
    ["a host that ends the same", HOME, "https://evilchat.example.com", false],
    ["a host that begins the same", HOME, "https://chat.example.com.evil.example", false],
    ["a user that looks like the host", HOME, "https://chat.example.com@evil.example", false],
    ["null: a sandboxed frame, or a file", HOME, "null", false],
    ["nothing", HOME, "", false],
    ["a word instead of an origin", HOME, "chat.example.com", false],
    ["another scheme", HOME, "ftp://chat.example.com", false],
    ["an extension", HOME, "chrome-extension://abcdef", false],
    ["two", HOME, "https://chat.example.com https://evil.example", false],
    ["an allowed origin", HOME, "https://friend.example", true],
    ["an allowed origin without encryption", HOME, "http://friend.example", false],
    ["another port of an allowed origin", HOME, "https://friend.example:8443", false],
    [
      "an allowed origin in capitals, which no browser sends",
      HOME,
      "https://Friend.example",
      false,
    ],
    ["on this computer", "http://localhost:8787/", "http://localhost:8787", true],
    ["another port of this computer", "http://localhost:8787/", "http://localhost:3000", false],
    ["this computer by another name", "http://localhost:8787/", "http://127.0.0.1:8787", false],
    ["behind a proxy where TLS ends", "http://chat.example.com/", "https://chat.example.com", true],
    ["behind such a proxy on its port", "http://chat.test:8443/", "https://chat.test:8443", true],
  ])("%s", (_case, url, origin, may) => {
    expect(isOriginAllowed(origin, new URL(url), new Set(["https://friend.example"]))).toBe(may);
  });

  test("no origin at all is fine: programs send none", () => {
    expect(isOriginAllowed(null, new URL(HOME), new Set())).toBe(true);
  });

  const ADD_IT = "may not connect: add it to the server's ALLOWED_ORIGINS";

  test("a page of another origin is rejected by a close, and wakes no room, whatever its key", async () => {
    const headers = { Origin: "https://evil.example", Authorization: "Bearer k" };
    const { answer, woken, closed } = await connect({ headers });
    const reason = `pages of https://evil.example ${ADD_IT}`;
    expect([answer.status, closed, woken]).toEqual([101, { code: 4003, reason }, []]);
  });

  const KEY = subprotocolOf("s3cret");
  test.each<[string, string | undefined, string | null]>([
    ["nothing was offered", undefined, null],
    ["a dialect", "soap, chat.line", "chat.line"],
    ["the first that is no key", `${KEY}, soap, chat.v2`, "soap"],
    ["a key alone is not named", KEY, null],
    ["nor one in capitals", KEY.toUpperCase(), null],
    ["nor what may not stand in a header", "so/ap, s:", null],
  ])("a rejection names a subprotocol of the offer: %s", async (_case, offer, named) => {
    const offered = offer !== undefined && { "Sec-WebSocket-Protocol": offer };
    const { answer, closed } = await connect({ headers: { Origin: "null", ...offered } });
    expect(answer.headers.get("Sec-WebSocket-Protocol")).toBe(named);
    expect(closed?.code).toBe(4003);
  });

  test.each<[string, string, string]>([
    ["an origin that just fits, whole", `https://${"a".repeat(50)}`, `https://${"a".repeat(50)}`],
    [
      "a longer one, cut inside",
      `https://begin${"a".repeat(900)}end.example`,
      `https://begin${"a".repeat(14)}…${"a".repeat(16)}end.example`,
    ],
    ["two, which a program sent", "https://a.example, https://b.example", "this origin"],
    ["a control character", "https://a\u001b[2J.example", "this origin"],
    ["letters beyond ASCII", "https://ä.example", "this origin"],
    ["nothing", "", "this origin"],
  ])("the reason names %s, and fits into a close", (_case, origin, named) => {
    const { code, reason } = originRefused(origin);
    expect([code, reason]).toEqual([4003, `pages of ${named} ${ADD_IT}`]);
    expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
  });

  test("a file, whose origin is null, learns that no var can name it", () => {
    const { reason } = originRefused("null");
    expect(reason).toMatch(
      /^pages of the origin null \(files, sandboxed frames\) .*ALLOWED_ORIGINS/,
    );
    expect(reason.length).toBeLessThanOrEqual(123);
  });
});

describe("upgrades of one address", () => {
  /** A limiter that allows each key `limit` times. */
  function limiter(limit: number): { keys: string[]; UPGRADES: RateLimit } {
    const keys: string[] = [];
    const UPGRADES: RateLimit = {
      limit: ({ key }) => {
        keys.push(key);
        const success = keys.filter((one) => one === key).length <= limit;
        return Promise.resolve({ success });
      },
    };
    return { keys, UPGRADES };
  }
  const from = (address: string, other: Record<string, string> = {}): Record<string, string> => ({
    "CF-Connecting-IP": address,
    ...other,
  });

  test("too many are answered 429, with the time to wait, and wake no room", async () => {
    const { UPGRADES } = limiter(2);
    const connectFrom = async (address: string) =>
      connect({ headers: from(address), vars: { UPGRADES } });
    for (let count = 0; count < 2; count++) {
      expect((await connectFrom("203.0.113.7")).woken).toHaveLength(1);
    }
    const { answer, woken } = await connectFrom("203.0.113.7");
    expect(woken).toEqual([]);
    expect(answer.status).toBe(429);
    expect(answer.headers.get("Retry-After")).toBe("60");
    expect(answer.headers.get("Content-Type")).toBe("application/json");
    const message = "too many upgrades from your address: come back in 60 seconds";
    expect(await answer.text()).toBe(
      `${JSON.stringify({ error: { code: "too-many", message } })}\n`,
    );
    // Another address is not affected.
    expect((await connectFrom("203.0.113.8")).woken).toHaveLength(1);
  });

  test("requests that are no handshake: 404 and 405 are not counted; 426 is, so that 429 can be read", async () => {
    const { keys, UPGRADES } = limiter(1);
    const ask = async (method: string, path: string): Promise<Response> => {
      const headers = from("203.0.113.7");
      const request = new Request(`https://chat.example.com${path}`, { method, headers });
      return worker.fetch(request, { UPGRADES } as unknown as Env);
    };
    expect((await ask("GET", "/nowhere")).status).toBe(404);
    expect((await ask("POST", "/rooms/lobby")).status).toBe(405);
    expect(keys).toEqual([]);
    expect((await ask("GET", "/rooms/lobby")).status).toBe(426);
    const { status, headers } = await ask("GET", "/rooms/lobby");
    expect([status, headers.get("Retry-After")]).toEqual([429, "60"]);
  });

  test("a handshake is counted before it is rejected, for whatever reason", async () => {
    const { keys, UPGRADES } = limiter(1);
    const vars = { UPGRADES, JWT_SECRET: SECRET };
    const bad: [code: number, headers: Record<string, string>, url: string][] = [
      [4000, {}, "https://chat.example.com/nowhere"],
      [4000, {}, "https://chat.example.com/rooms/-x"],
      [4003, { Origin: "null" }, "https://chat.example.com/rooms/lobby"],
      [4000, { "Sec-WebSocket-Protocol": "soap" }, "https://chat.example.com/rooms/lobby"],
      [4000, {}, "https://chat.example.com/rooms/lobby?name="],
      [4003, {}, "https://chat.example.com/rooms/lobby?name=alice"],
    ];
    for (const [index, [code, headers, url]] of bad.entries()) {
      const attempt = () => connect({ headers: from(`203.0.113.${index}`, headers), vars, url });
      expect((await attempt()).closed?.code).toBe(code);
      const { answer, woken } = await attempt();
      expect([answer.status, woken]).toEqual([429, []]);
    }
    expect(keys).toHaveLength(2 * bad.length);
  });

  test.each<[string, RateLimit | undefined]>([
    ["is not bound", undefined],
    ["throws", { limit: () => Promise.reject(new Error("out of order")) }],
    [
      "throws at once",
      {
        limit: () => {
          throw new Error("out of order");
        },
      },
    ],
  ])("the room works on when the limiter %s", async (_case, UPGRADES) => {
    const vars = UPGRADES === undefined ? {} : { UPGRADES };
    const { woken } = await connect({ headers: from("203.0.113.7"), vars });
    expect(woken).toHaveLength(1);
  });

  test("the bound limiter allows 1,000 in a minute, and does not count this computer", async () => {
    const statusOf = async (address: string): Promise<number> =>
      (await connect({ headers: from(address), vars: { UPGRADES: env.UPGRADES } })).answer.status;
    const minute = (): number => Math.floor(Date.now() / 60_000);
    for (let address = 7; ; address++) {
      const [began, key] = [minute(), `203.0.113.${address}`];
      const others = Array.from({ length: 999 }, () => env.UPGRADES.limit({ key }));
      await Promise.all(others);
      const statuses = [await statusOf(key), await statusOf(key), await statusOf("127.0.0.1")];
      // Each minute starts a new count.
      if (minute() !== began) continue;
      expect(statuses).toEqual([101, 429, 101]);
      break;
    }
  }, 30_000);

  test.each<[string, string, string | undefined]>([
    ["an IPv4 address", "203.0.113.7", "203.0.113.7"],
    ["the same within IPv6", "::ffff:203.0.113.7", "203.0.113.7"],
    ["an IPv6 address: its /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["another of the same /64", "2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["one of the next /64", "2001:db8:1:3::1", "2001:db8:1:3::/64"],
    ["zeros left out", "2001:db8::1", "2001:db8:0:0::/64"],
    ["zeros left out further in front", "2001::5:6:7:8:9", "2001:0:0:5::/64"],
    ["zeros left out at the end", "2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["zeros and capitals", "2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["this computer", "127.0.0.1", undefined],
    ["this computer in IPv6", "::1", undefined],
    ["this computer within IPv6", "::ffff:127.0.0.1", undefined],
  ])("counts %s", (_case, address, key) => {
    expect(rateLimitKey(address)).toBe(key);
  });

  test("requests from this computer are not counted, as under wrangler dev", async () => {
    const { keys, UPGRADES } = limiter(0);
    for (const headers of [from("127.0.0.1"), from("::1"), {}]) {
      const { woken } = await connect({ headers, vars: { UPGRADES } });
      expect(woken).toHaveLength(1);
    }
    expect(keys).toEqual([]);
  });
});
