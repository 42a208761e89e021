/** The answers to a handshake: by HTTP, by a close, or by a welcome. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { bearer } from "../support/clients/client.ts";
import {
  sendRequest,
  type RawWebSocket,
  upgradeHeaders,
} from "../support/clients/raw-websocket.ts";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";

const V1 = { dialect: "chat.v1" } as const;
const LINE = { dialect: "chat.line" } as const;
const ALLOWED = "https://chat.example.com";

let server: Server;
let rooms = 0;
beforeAll(async () => {
  server = await Server.starts({ MAX_ONLINE: 2, ALLOWED_ORIGINS: `${ALLOWED} http://localhost:1` });
});
afterAll(() => server.stop());

const freshRoom = (): TestRoom => new TestRoom(server, `handshake-${++rooms}`);
const host = (): string => new URL(server.url).host;
const isWelcomed = ([first]: readonly string[]): boolean =>
  first?.startsWith("* welcome to ") === true;
const subprotocolOf = (key: string): string => `key.${Buffer.from(key).toString("base64url")}`;

describe("requests that are no handshake", () => {
  test("healthz reports that the server is well", async () => {
    const { status, headers, body } = await sendRequest(server.url, "/healthz");
    expect([status, headers["cache-control"], body]).toEqual([200, "no-store", '{"status":"ok"}']);
    expect((await sendRequest(server.url, "/healthz", { method: "HEAD" })).status).toBe(200);
    expect((await sendRequest(server.url, "/healthz", { method: "POST" })).status).toBe(405);
  });

  test("a plain GET of a room returns how to connect, in one line of JSON", async () => {
    const { status, headers, body } = await sendRequest(server.url, "/rooms/lobby?name=alice");
    expect(status).toBe(426);
    expect(headers["content-type"]).toBe("application/json");
    const message = `connect with a WebSocket client: wscat -c 'ws://${host()}/rooms/lobby?name=alice'`;
    expect(body).toBe(`${JSON.stringify({ error: { code: "upgrade-required", message } })}\n`);
  });

  test("its instructions for connecting work", async () => {
    const { body } = await sendRequest(server.url, "/rooms/h%C3%B6hle?name=alice");
    const address = /wscat -c '([^']+)'/.exec(body)?.[1] ?? "";
    const socket = new WebSocket(address);
    const [first] = await new Promise<string[]>((resolve, reject) => {
      socket.on("message", (data: Buffer) => resolve(data.toString().split("\n")));
      socket.on("error", reject);
    });
    socket.terminate();
    expect(first).toBe("* welcome to höhle, alice; nobody else is here");
  });
});

describe("requests that are no handshake are rejected by HTTP, in the order of the protocol", () => {
  const badOrigin = { Origin: "https://evil.example" };

  // Each but the last breaks the rules of all that follow, too.
  test.each([
    ["404, whatever the method", "/nowhere?name=", "POST", badOrigin, 404, "not-found"],
    ["404 for an invalid room name", "/rooms/-x?name=", "POST", badOrigin, 404, "not-found"],
    ["404 for a room without a name", "/rooms/?name=", "GET", {}, 404, "not-found"],
    ["405 for POST", "/rooms/lobby?name=", "POST", badOrigin, 405, "method-not-allowed"],
    ["405 for PUT", "/rooms/lobby?name=", "PUT", badOrigin, 405, "method-not-allowed"],
    [
      "426 without Upgrade",
      "/rooms/lobby?name=",
      "GET",
      { ...badOrigin, "Sec-WebSocket-Protocol": "soap" },
      426,
      "upgrade-required",
    ],
    [
      "426 for another Upgrade",
      "/rooms/lobby?name=",
      "GET",
      { ...badOrigin, Connection: "Upgrade", Upgrade: "h2c" },
      426,
      "upgrade-required",
    ],
  ])("%s", async (_case, path, method, headers, status, code) => {
    const answer = await sendRequest(server.url, path, { method, headers });
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["sec-websocket-protocol"]).toBeUndefined();
    const [line = "", ...rest] = answer.body.split("\n");
    expect(rest).toEqual([""]);
    const message = expect.stringMatching(/^.{10,}$/) as string;
    expect(JSON.parse(line)).toEqual({ error: { code, message } });
  });

  test("405 lists the allowed methods, and HEAD of a room is not one", async () => {
    const answer = await sendRequest(server.url, "/rooms/lobby?name=alice", { method: "HEAD" });
    expect([answer.status, answer.headers["allow"], answer.body]).toEqual([405, "GET", ""]);
  });

  test.each([
    ["the server's own", () => `http://${host()}`],
    ["one that the operator allowed", () => ALLOWED],
    ["the second that the operator allowed", () => "http://localhost:1"],
  ])("a page of this origin may connect: %s", async (_case, origin) => {
    const { status, webSocket } = await freshRoom().handshake("name=alice", {
      headers: { Origin: origin() },
    });
    webSocket?.vanishes();
    expect(status).toBe(101);
  });
});

describe("errors that no page could read as HTTP are sent as a close, in the order of the protocol", () => {
  const ROOM = /^connect to \/rooms\/ROOM, where a name has 1 to 32 characters/;
  const ORIGIN = /^pages of .* may not connect: .*ALLOWED_ORIGINS/;
  const DIALECT = /^offer the subprotocol chat\.v1 or chat\.line/;
  const evil = "https://evil.example";

  // Each also breaks the rules that follow it.
  test.each([
    ["no such path", "/nowhere?name=", evil, 4000, ROOM],
    ["an invalid room name", "/rooms/-x?name=", evil, 4000, ROOM],
    ["a room without a name", "/rooms/?name=", evil, 4000, ROOM],
    ["a room within a room", "/rooms/a/b?name=", evil, 4000, ROOM],
    ["a slash that is encoded", "/rooms/a%2Fb?name=", evil, 4000, ROOM],
    ["bad encoding", "/rooms/%zz?name=", evil, 4000, ROOM],
    ["bad UTF-8", "/rooms/%ff?name=", evil, 4000, ROOM],
    ["33 characters", `/rooms/${"r".repeat(33)}?name=`, evil, 4000, ROOM],
    ["a space", "/rooms/a%20b?name=", evil, 4000, ROOM],
    ["another origin", "/rooms/lobby?name=", evil, 4003, ORIGIN],
    ["the origin null", "/rooms/lobby?name=", "null", 4003, ORIGIN],
    ["the allowed host over http", "/rooms/lobby?name=", ALLOWED.replace("s:", ":"), 4003, ORIGIN],
    ["another port of this host", "/rooms/lobby?name=", "http://127.0.0.1:1", 4003, ORIGIN],
    ["another subprotocol", "/rooms/lobby?name=", ALLOWED, 4000, DIALECT],
  ])("%s", async (_case, path, origin, code, reason) => {
    // A protocol that is offered must be named, or a browser fails the connection before it reads the close.
    const headers = { Origin: origin, ...upgradeHeaders(["soap", "chat.v2"]) };
    const answer = await sendRequest(server.url, path, { headers });
    expect([answer.status, answer.headers["sec-websocket-protocol"]]).toEqual([101, "soap"]);
    const rejection = await answer.webSocket?.refusal();
    answer.webSocket?.vanishes();
    expect(rejection?.code).toBe(code);
    expect(rejection?.reason).toMatch(reason);
    expect(Buffer.byteLength(rejection?.reason ?? "")).toBeLessThanOrEqual(123);
  });

  test.each([
    ["nothing was offered", [], undefined],
    ["a dialect", ["soap", "chat.line"], "chat.line"],
    ["the first that is no key", [subprotocolOf("s3cret"), "soap", "chat.v2"], "soap"],
    ["a key alone is not named", [subprotocolOf("s3cret")], undefined],
    ["nor one in capitals", [subprotocolOf("s3cret").toUpperCase()], undefined],
    ["nor what may not stand in a header", ["so/ap", "höap", "s:"], undefined],
  ])("the response names a subprotocol of the offer: %s", async (_case, protocols, named) => {
    const headers = { Origin: evil, ...upgradeHeaders(protocols) };
    const answer = await sendRequest(server.url, "/rooms/lobby?name=alice", { headers });
    expect([answer.status, answer.headers["sec-websocket-protocol"]]).toEqual([101, named]);
    expect((await answer.webSocket?.refusal())?.code).toBe(4003);
    answer.webSocket?.vanishes();
  });

  test("a key without a dialect is 4000", async () => {
    const rejection = await freshRoom().rejects("name=alice", { protocols: [subprotocolOf("k")] });
    expect(rejection.code).toBe(4000);
    expect(rejection.reason).toMatch(DIALECT);
  });

  test("R8: none of them wakes a room: nothing is stored", async () => {
    const before = server.stored();
    for (const [path, protocol] of [
      ["/rooms/-x?name=alice", "chat.v1"],
      ["/rooms/never-woken?name=alice", "chat.v1"],
      ["/rooms/never-woken?name=alice", "soap"],
    ] as const) {
      const headers = {
        Origin: protocol === "soap" ? ALLOWED : evil,
        ...upgradeHeaders([protocol]),
      };
      const { webSocket } = await sendRequest(server.url, path, { headers });
      await webSocket?.refusal();
      webSocket?.vanishes();
    }
    expect([...server.stored().keys()]).toEqual([...before.keys()]);
  });
});

describe("the dialect", () => {
  const LINES = expect.stringMatching(/^\* welcome to /) as string;
  const JSONS = expect.stringMatching(/^\[?\{"type":"welcome"/) as string;

  test.each([
    ["nothing offered means chat.line, and nothing is echoed", [], undefined, LINES],
    ["chat.line", ["chat.line"], "chat.line", LINES],
    ["chat.v1", ["chat.v1"], "chat.v1", JSONS],
    ["both: chat.v1 wins", ["chat.v1", "chat.line"], "chat.v1", JSONS],
    ["both, the other way round", ["chat.line", "chat.v1"], "chat.v1", JSONS],
    ["one among strangers", ["soap", "chat.line", "mqtt"], "chat.line", LINES],
    [
      "chat.v1 and a key, which is not echoed",
      [subprotocolOf("s3cret"), "chat.v1"],
      "chat.v1",
      JSONS,
    ],
    [
      "chat.line and a key, which is not echoed",
      ["chat.line", subprotocolOf("s3cret")],
      "chat.line",
      LINES,
    ],
  ])("%s", async (_case, protocols, echoed, first) => {
    const { status, headers, webSocket } = await freshRoom().handshake("name=alice", { protocols });
    expect(status).toBe(101);
    expect(headers["sec-websocket-protocol"]).toBe(echoed);
    expect(JSON.stringify(headers)).not.toContain("key.");
    await webSocket?.hears((texts) => texts.length > 0);
    expect(webSocket?.texts[0]).toEqual(first);
    webSocket?.vanishes();
  });

  test.each([
    ["nothing offered", [], undefined],
    ["chat.line", ["chat.line"], "chat.line"],
    ["chat.v1 and a key", ["chat.v1", subprotocolOf("s3cret")], "chat.v1"],
  ])("is echoed by a rejection, too: %s", async (_case, protocols, echoed) => {
    const room = freshRoom();
    const bad = await room.handshake("name=", { protocols });
    expect([bad.status, bad.headers["sec-websocket-protocol"]]).toEqual([101, echoed]);
    expect((await bad.webSocket?.goodbye())?.code).toBe(4000);
    bad.webSocket?.vanishes();

    const owner = await room.joins("alice", { ...LINE, key: "another" });
    const wrong = await room.handshake("name=alice", { protocols });
    expect([wrong.status, wrong.headers["sec-websocket-protocol"]]).toEqual([101, echoed]);
    expect((await wrong.webSocket?.goodbye())?.code).toBe(4003);
    wrong.webSocket?.vanishes();
    expect(owner.isCutOff).toBe(false);
  });

  test.each([["chat.v1"], ["chat.line"]])(
    "the runtime answers ping with pong: %s",
    async (dialect) => {
      const room = freshRoom();
      const link = await room.connectsRaw("alice", [dialect]);
      await link.hears((texts) => texts.length > 0);
      const before = link.texts.filter((text) => !text.includes('"presence"'));
      link.says("ping");
      link.says("ping");
      link.says(dialect === "chat.v1" ? '{"type":"who","id":"a"}' : "/who");
      const who =
        dialect === "chat.v1"
          ? '{"type":"who","id":"a","peers":[{"name":"alice","online":true}]}'
          : "* here: alice";
      await link.hears((texts) => texts.includes(who));
      const after = link.texts.filter((text) => !text.includes('"presence"'));
      expect(after).toEqual([...before, "pong", "pong", who]);
      link.vanishes();
    },
  );
});

describe("4000: a bad request", () => {
  test.each([
    ["no name", "", "name"],
    ["an empty name", "name=", "name"],
    ["a name that begins with a mark", "name=-alice", "name"],
    ["a name with a space", "name=al%20ice", "name"],
    ["a name with a line break", "name=alice%0Abob", "name"],
    ["a name with a comma", "name=alice,bob", "name"],
    ["a name of 33 characters", `name=${"a".repeat(33)}`, "name"],
    ["a name of bad UTF-8", "name=%ff", "name"],
    ["a name twice", "name=alice&name=alice", "name"],
    ["a name twice, the second empty", "name=alice&name", "name"],
    ["since without epoch", "name=alice&since=1", "since"],
    ["a negative since", "name=alice&since=-1&epoch=e", "since"],
    ["since with a leading zero", "name=alice&since=01&epoch=e", "since"],
    ["a fraction", "name=alice&since=1.5&epoch=e", "since"],
    ["an exponent", "name=alice&since=1e3&epoch=e", "since"],
    ["since of 17 digits", `name=alice&since=${"1".repeat(17)}&epoch=e`, "since"],
    ["an empty since", "name=alice&since=&epoch=e", "since"],
    ["since with a sign", "name=alice&since=%2B1&epoch=e", "since"],
    ["since twice", "name=alice&since=0&since=0", "since"],
    ["epoch twice", "name=alice&since=0&epoch=e&epoch=e", "epoch"],
    ["a session without attempt", "name=alice&session=s", "attempt"],
    ["an attempt without session", "name=alice&attempt=1", "session"],
    ["an empty session", "name=alice&session=&attempt=1", "session"],
    ["a session of 65 characters", `name=alice&session=${"s".repeat(65)}&attempt=1`, "session"],
    ["a session with a dot", "name=alice&session=a.b&attempt=1", "session"],
    ["a session twice", "name=alice&session=s&session=s&attempt=1", "session"],
    ["a negative attempt", "name=alice&session=s&attempt=-1", "attempt"],
    ["an attempt that is no number", "name=alice&session=s&attempt=first", "attempt"],
    ["an empty attempt", "name=alice&session=s&attempt=", "attempt"],
    ["attempt twice", "name=alice&session=s&attempt=1&attempt=2", "attempt"],
  ])("%s", async (_case, query, name) => {
    const reason = expect.stringMatching(new RegExp(`^${name}: .{10,}$`)) as string;
    const room = freshRoom();
    expect(await room.rejects(query)).toEqual({ code: 4000, reason });
    expect(await room.rejects(query, { protocols: ["chat.v1"] })).toEqual({ code: 4000, reason });
  });

  test("a rejection leaves nothing behind: the name is free, and unknown to the room", async () => {
    const room = freshRoom();
    await room.rejects("name=bob&since=1");
    const alice = await room.joins("alice", { ...V1, key: "hers" });
    expect(await alice.asksWho()).toEqual(["alice"]);
  });

  test.each([
    ["since=0 alone", "name=alice&since=0"],
    ["epoch alone, which is ignored", "name=alice&epoch=e"],
    [
      "an epoch that is another, and a since above the head",
      "name=alice&since=9999999999999999&epoch=e",
    ],
    ["unknown parameters, even twice", "name=alice&colour=red&colour=blue"],
    ["session and attempt", `name=alice&session=${"s".repeat(64)}&attempt=0`],
    ["a name of 32 letters beyond the first plane", `name=${encodeURIComponent("𝒳".repeat(32))}`],
    ["a name with marks", `name=${encodeURIComponent("ก่อน_a-b.c")}`],
    ["a name of a digit", "name=7"],
  ])("no bad request: %s", async (_case, query) => {
    const { status, webSocket } = await freshRoom().handshake(query, { protocols: ["chat.v1"] });
    expect(status).toBe(101);
    await webSocket?.hears(([first]) => first?.startsWith('[{"type":"welcome"') === true);
    webSocket?.vanishes();
  });

  test("R1: names and rooms are compared after normalising", async () => {
    const name = "Zoë";
    const composed = new TestRoom(server, `${name}-normal`.normalize("NFC"));
    const decomposed = new TestRoom(server, `${name}-normal`.normalize("NFD"));
    const older = await composed.joins(name.normalize("NFC"), V1);
    const newer = await decomposed.joins(name.normalize("NFD"), V1);
    expect((await older.goodbye()).code).toBe(4001);
    const [welcome] = newer.all("welcome");
    expect([welcome?.name, welcome?.room]).toEqual(
      [name, composed.name].map((s) => s.normalize("NFC")),
    );
  });
});

describe("4003: a name belongs to the first key that joined with it", () => {
  const ANOTHER = "this name belongs to another key: join with that key, or choose another name";
  const KEYLESS = "this name was first used without a key: join without one, or choose another";
  const key = "s3cret ~ +/=";

  test.each([
    ["a wrong key in the header", [], bearer("wrong"), ANOTHER],
    ["a wrong key as subprotocol", ["chat.v1", subprotocolOf("wrong")], {}, ANOTHER],
    ["no key", [], {}, ANOTHER],
    ["an empty key as subprotocol", ["chat.v1", "key."], {}, ANOTHER],
    [
      "a wrong key in the header, which wins over the right subprotocol",
      ["chat.v1", subprotocolOf(key)],
      bearer("wrong"),
      ANOTHER,
    ],
    ["a key that only begins the same", [], bearer(`${key}.`), ANOTHER],
    [
      "another scheme",
      [],
      { Authorization: "Basic YWxpY2U6cw==" },
      'Authorization: expected "Bearer KEY"',
    ],
    [
      "another scheme beside the right subprotocol",
      ["chat.v1", subprotocolOf(key)],
      { Authorization: "Basic YQ==" },
      'Authorization: expected "Bearer KEY"',
    ],
    [
      "a scheme without a key",
      [],
      { Authorization: "Bearer" },
      'Authorization: expected "Bearer KEY"',
    ],
    [
      "a header that is not UTF-8",
      [],
      { Authorization: "Bearer \u00ff\u00fe" },
      "Authorization: the key is not UTF-8",
    ],
    [
      "a subprotocol that is not base64url",
      ["chat.v1", "key.a!b"],
      {},
      "the subprotocol key. must go on with the base64url of the key's UTF-8",
    ],
    [
      "a subprotocol that is not UTF-8",
      ["chat.v1", "key._w"],
      {},
      "the subprotocol key. must go on with the base64url of the key's UTF-8",
    ],
    [
      "the right key twice",
      ["chat.v1", subprotocolOf(key), subprotocolOf(key)],
      {},
      "the subprotocol key. was offered twice: give one key",
    ],
  ])("rejected: %s", async (_case, protocols, headers, reason) => {
    const room = freshRoom();
    const owner = await room.joins("alice", { ...V1, key });
    expect(await room.rejects("name=alice", { protocols, headers })).toEqual({
      code: 4003,
      reason,
    });
    owner.says("still here");
    await owner.isDone();
    expect([owner.isCutOff, owner.heard]).toEqual([false, ["alice: still here"]]);
  });

  test.each([
    ["the same header", ["chat.v1"], bearer(key)],
    ["the same key as subprotocol", ["chat.v1", subprotocolOf(key)], {}],
    [
      "the same key as padded subprotocol",
      [
        "chat.line",
        `key.${Buffer.from(key).toString("base64")}`.replaceAll("+", "-").replaceAll("/", "_"),
      ],
      {},
    ],
    [
      "the right header, which wins over a wrong subprotocol",
      ["chat.v1", subprotocolOf("wrong")],
      bearer(key),
    ],
    ["a scheme in small letters", [], { Authorization: `bearer ${key}` }],
  ])("R1: the owner takes over with %s", async (_case, protocols, headers) => {
    const room = freshRoom();
    const owner = await room.joins("alice", { ...V1, key });
    const { webSocket } = await room.handshake("name=alice", { protocols, headers });
    expect((await owner.goodbye()).code).toBe(4001);
    expect(webSocket).toBeDefined();
    webSocket?.vanishes();
  });

  test.each([
    ["of Latin letters", "Schlüssel"],
    ["of letters beyond Latin", "Łódź"],
    ["of characters beyond the first plane", "🔑 𝒳"],
  ])("R1: a key %s is the same by header and by subprotocol", async (_case, own) => {
    const room = freshRoom();
    const attempts = [
      { headers: bearer(own) },
      { protocols: ["chat.line", subprotocolOf(own)] },
      { headers: bearer(own) },
    ];
    const codes: (number | undefined)[] = [];
    let current: RawWebSocket | undefined;
    for (const attempt of attempts) {
      const { webSocket } = await room.handshake("name=alice", attempt);
      await webSocket?.hears(isWelcomed);
      codes.push((await current?.goodbye())?.code);
      current = webSocket;
    }
    current?.vanishes();
    expect(codes).toEqual([undefined, 4001, 4001]);
  });

  test.each([
    ["A", "Ł"],
    ["Ł", "A"],
  ])(
    "R1: the key %s is not the key %s, which has the same last byte of a code point",
    async (owners, strangers) => {
      const room = freshRoom();
      const owner = await room.handshake("name=alice", { headers: bearer(owners) });
      await owner.webSocket?.hears(isWelcomed);
      const refusal = { code: 4003, reason: ANOTHER };
      expect(await room.rejects("name=alice", { headers: bearer(strangers) })).toEqual(refusal);
      owner.webSocket?.vanishes();
    },
  );

  test("a name that was first used without a key accepts none", async () => {
    const room = freshRoom();
    const owner = await room.joins("alice", LINE);
    const refusal = { code: 4003, reason: KEYLESS };
    expect(await room.rejects("name=alice", { headers: bearer("k") })).toEqual(refusal);
    const protocols = ["chat.v1", subprotocolOf("k")];
    expect(await room.rejects("name=alice", { protocols })).toEqual(refusal);
    expect(owner.isCutOff).toBe(false);
    // It belongs to everyone: also while its first user is away, and with an empty key.
    await owner.leaves();
    expect(await room.rejects("name=alice", { protocols })).toEqual(refusal);
    const { status, webSocket } = await room.handshake("name=alice", {
      protocols: ["chat.v1", "key."],
    });
    expect(status).toBe(101);
    await webSocket?.hears((texts) => texts.length > 0);
    webSocket?.vanishes();
  });

  test("a key owns its name in one room only, and while its owner is away, too", async () => {
    const room = freshRoom();
    const owner = await room.joins("alice", { ...V1, key: "hers" });
    await owner.leaves();
    const refusal = { code: 4003, reason: ANOTHER };
    expect(await room.rejects("name=alice", { headers: bearer("his") })).toEqual(refusal);
    await owner.returns();
    const elsewhere = await freshRoom().joins("alice", { ...V1, key: "his" });
    expect([owner.isCutOff, elsewhere.isCutOff]).toEqual([false, false]);
  });
});

describe("the closes that reject, in the order of the protocol", () => {
  const FULL = { code: 4100, reason: "the room is full, 2 are online: come back later" };

  test("R8: 4100 when the room is full; a takeover is never rejected; a leave makes room", async () => {
    const room = freshRoom();
    const alice = await room.joins("alice", V1);
    const bob = await room.joins("bob", LINE);
    expect(await room.rejects("name=carol")).toEqual(FULL);
    expect(await room.rejects("name=carol", { protocols: ["chat.v1"] })).toEqual(FULL);

    const newer = await room.joins("alice", LINE);
    expect((await alice.goodbye()).code).toBe(4001);
    expect(await room.rejects("name=carol")).toEqual(FULL);
    // A peer that may return within the grace keeps its place.
    await bob.vanishes();
    expect(await room.rejects("name=carol")).toEqual(FULL);
    await bob.returns();
    await bob.leaves();
    const carol = await room.joins("carol", V1);
    carol.says("in at last");
    await newer.hears("from carol: in at last");
    expect(await carol.asksWho()).toEqual(["alice", "bob (away)", "carol"]);
  });

  test("4000, then 4003, then 4201, then 4100", async () => {
    const room = freshRoom();
    await room.joins("bob", V1);
    const alice = await room.joins("alice", { ...V1, key: "hers" });
    const overtaken = `name=alice&session=${alice.session}&attempt=${alice.attempt}`;
    const codeOf = async (query: string, headers: Record<string, string>): Promise<number> =>
      (await room.rejects(query, { headers })).code;
    expect(await codeOf(`${overtaken}&since=1`, { Authorization: "Basic YQ==" })).toBe(4000);
    expect(await codeOf("name=carol&since=1", bearer("k"))).toBe(4000);
    expect(await codeOf(overtaken, { Authorization: "Basic YQ==" })).toBe(4003);
    expect(await codeOf(overtaken, bearer("wrong"))).toBe(4003);
    expect(await codeOf("name=carol", { Authorization: "Basic YQ==" })).toBe(4003);
    expect(await codeOf(overtaken, bearer("hers"))).toBe(4201);
    expect(await codeOf("name=carol", bearer("k"))).toBe(4100);
    expect(alice.isCutOff).toBe(false);
  });

  test.each([
    ["chat.v1", ["chat.v1"]],
    ["no dialect", []],
  ])("a browser that never sends a message learns the reason: %s", async (_case, protocols) => {
    const socket = new WebSocket(`${freshRoom().url}?name=`, protocols);
    const [code, reason] = await new Promise<[number, string]>((resolve, reject) => {
      socket.on("close", (closed, why) => resolve([closed, why.toString()]));
      socket.on("error", reject);
    });
    expect(code).toBe(4000);
    expect(reason).toMatch(/^name: /);
  });

  test("every reason fits into a Close frame and gives the remedy", async () => {
    const room = freshRoom();
    const alice = await room.joins("alice", { ...V1, key: "hers" });
    await room.joins("bob", LINE);
    const { session } = alice;
    const reasons = [
      await room.rejects("name="),
      await room.rejects("name=alice"),
      await room.rejects("name=bob", { headers: bearer("k") }),
      await room.rejects(`name=alice&session=${session}&attempt=0`, { headers: bearer("hers") }),
      await room.rejects("name=carol"),
    ];
    expect(reasons.map(({ code }) => code)).toEqual([4000, 4003, 4003, 4201, 4100]);
    for (const { reason } of reasons) {
      expect(Buffer.byteLength(reason)).toBeGreaterThan(20);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    }
  });
});

test("R7: the server logged no error", async () => {
  expect(await server.loggedErrors()).toEqual([]);
});
