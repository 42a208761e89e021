/** Tokens as people use them: made by `npm run token` or by an issuer, renewed, expired, and refused. */
import { spawnSync } from "node:child_process";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ChatClient, type ChatClientOptions, type ClientState } from "../../src/client/index.ts";
import { newHome } from "./terminal/support/programs.ts";
import { bearer } from "../support/clients/client.ts";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";
import { Notifier } from "../support/wait-for.ts";
import { AUDIENCE, claimsOf, ISSUER, nowS, SECRET, secretKey, tokenOf } from "../support/tokens.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** The clock difference that the room tolerates. */
const TOLERANCE_S = 10;

let server: Server;
let rooms = 0;
const newRoom = (): TestRoom => new TestRoom(server, `token-${++rooms}`);

/** A client, its entries and states, and a way to wait for them. */
function joins(options: Omit<ChatClientOptions, "url">) {
  const client = new ChatClient({ url: server.url, ...options });
  const notifier = new Notifier();
  const texts: string[] = [];
  const states: ClientState[] = [];
  client.on("entry", ({ text }) => {
    texts.push(text);
    notifier.notify();
  });
  client.on("state", (state) => {
    states.push(state);
    notifier.notify();
  });
  onTestFinished(() => client.close());
  const until = (look: () => boolean): Promise<boolean> =>
    notifier.until(
      look,
      () => `${client.name}; so far: ${JSON.stringify([states, texts])}`,
      20_000,
    );
  const isNow = (type: ClientState["type"]) => until(() => client.state.type === type);
  return { client, texts, states, until, isNow };
}

/** Runs `npm run token`, as npm does. */
function mints(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["src/apps/token/main.ts", ...args],
    {
      cwd: ROOT,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      encoding: "utf8",
    },
  );
  return { stdout, stderr, status };
}

describe("with a secret", () => {
  const own = { iss: "chat-room", aud: "chat-room" };
  const goodFor = (seconds: number, sub = "alice"): Promise<string> =>
    tokenOf(claimsOf({ ...own, sub, exp: nowS() + seconds }));

  beforeAll(async () => {
    server = await Server.starts({ JWT_SECRET: SECRET });
  });
  afterAll(() => server.stop());

  test("npm run token makes a token for that name and that room only", async () => {
    const room = newRoom();
    const args = ["alice", "--room", room.name, "--for", "5m"];
    const { stdout, status } = mints(args, { JWT_SECRET: SECRET });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^[\w.-]+\n$/);
    const key = stdout.trim();
    const alice = joins({ room: room.name, name: "alice", key });
    await alice.isNow("live");
    const refusal = { code: 4003, reason: expect.any(String) as string };
    expect(await room.rejects("name=bob", { headers: bearer(key) })).toEqual(refusal);
    expect(await newRoom().rejects("name=alice", { headers: bearer(key) })).toEqual(refusal);
    expect(await room.rejects("name=alice")).toEqual(refusal);
    expect(await room.rejects("name=alice", { headers: bearer("sesame") })).toEqual(refusal);
    expect(alice.client.state.type).toBe("live");
  });

  test.each<[string, string[], NodeJS.ProcessEnv, string]>([
    ["no name", [], {}, "give one name"],
    ["two names", ["alice", "bob"], {}, "give one name"],
    ["an invalid name", ["-x y"], {}, ""],
    ["no secret", ["alice"], { JWT_SECRET: "" }, "JWT_SECRET is empty"],
    ["a short secret", ["alice"], { JWT_SECRET: "short" }, "JWT_SECRET has 5 bytes"],
    [
      "an issuer's keys",
      ["alice"],
      { JWT_SECRET: undefined, JWKS_URL: "https://a.example/", JWT_ISSUER: "a", JWT_AUDIENCE: "b" },
      "come from the issuer",
    ],
    ["a time without a unit", ["alice", "--for", "60"], {}, "--for"],
    ["a time of 0", ["alice", "--for", "0h"], {}, "--for"],
    ["an invalid room", ["alice", "--room=-x"], {}, "--room"],
    ["an unknown option", ["alice", "--name=bob"], {}, "--name"],
  ])("npm run token rejects with a sentence: %s", (_case, args, env, what) => {
    const { stdout, stderr, status } = mints(args, { JWT_SECRET: SECRET, ...env });
    expect([stdout, status]).toEqual(["", 2]);
    expect(stderr).toContain(what);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr).not.toContain(SECRET);
  });

  test("the terminal client takes a token from CHAT_KEY", async () => {
    const room = newRoom();
    const script = ["src/apps/terminal/main.ts", "alice", room.name, "--url", server.url];
    const chats = (key: string) =>
      spawnSync(process.execPath, script, {
        cwd: ROOT,
        env: { PATH: process.env["PATH"] ?? "", CHAT_KEY: key, ...newHome() },
        input: "*: hi\n",
        encoding: "utf8",
      });
    const { status, stderr } = chats(await goodFor(60));
    expect([status, stderr]).toEqual([0, ""]);
    const refused = chats(await goodFor(-60));
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain("the key has expired: come back with a fresh one");
    const without = chats("");
    expect(without.status).toBe(4);
    expect(without.stderr).toContain("put the key into CHAT_KEY, or give it with --key");
  });

  test("a token that expires while its connection is open is renewed, and nothing is lost or doubled", async () => {
    const room = newRoom().name;
    const bob = joins({ room, name: "bob", key: await goodFor(3_600, "bob") });
    const keysGiven: number[] = [];
    const key = (): Promise<string> =>
      goodFor(keysGiven.push(Date.now()) === 1 ? 2 - TOLERANCE_S : 3_600);
    const alice = joins({ room, name: "alice", key });
    await Promise.all([alice.isNow("live"), bob.isNow("live")]);
    // Bob sends until alice has been disconnected and has reconnected.
    let sent = 0;
    while (keysGiven.length < 2) {
      await bob.client.send(String(sent++), { to: ["alice"] });
      // Below bob's rate limit.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await bob.client.send("the last", { to: ["alice"] });
    await alice.until(() => alice.texts.includes("the last"));
    const all = Array.from({ length: sent }, (_, index) => String(index));
    expect(alice.texts).toEqual([...all, "the last"]);
    expect(keysGiven).toHaveLength(2);
    const offline = alice.states.filter(({ type }) => type === "offline");
    expect(offline).toHaveLength(1);
    expect(offline[0]).toMatchObject({ why: "the key has expired: come back with a fresh one" });
  });

  test("without a new token, a client stops and reports it", async () => {
    const room = newRoom().name;
    const bob = joins({ room, name: "bob", key: await goodFor(-60, "bob") });
    await bob.isNow("closed");
    expect(bob.client.state).toMatchObject({ type: "closed", code: 4104 });
    const alice = joins({ room, name: "alice", key: () => goodFor(-60) });
    await alice.isNow("closed");
    expect(alice.client.state).toMatchObject({ type: "closed", code: 4104 });
    expect(alice.states.filter(({ type }) => type === "offline")).toHaveLength(1);
  });

  test("a renewed token takes over from the older one; another user's token does not", async () => {
    const room = newRoom();
    const key = await goodFor(60);
    const older = await room.joins("alice", { dialect: "chat.v1", key });
    const stranger = await tokenOf(claimsOf({ ...own, sub: "mallory", name: "alice" }));
    expect(await room.rejects("name=alice", { headers: bearer(stranger) })).toMatchObject({
      code: 4003,
    });
    expect(older.isCutOff).toBe(false);
    await room.joins("alice", { dialect: "chat.line", key: await goodFor(120) });
    expect((await older.goodbye()).code).toBe(4001);
  });

  test("4000, then 4003 or 4104, then 4201", async () => {
    const room = newRoom();
    const alice = await room.joins("alice", { dialect: "chat.v1", key: await goodFor(60) });
    const overtaken = `name=alice&session=${alice.session}&attempt=${alice.attempt}`;
    const codeOf = async (query: string, key: string): Promise<number> =>
      (await room.rejects(query, { headers: bearer(key) })).code;
    expect(await codeOf(`${overtaken}&since=1`, await goodFor(-60))).toBe(4000);
    expect(await codeOf(overtaken, await goodFor(-60))).toBe(4104);
    expect(await codeOf(overtaken, "sesame")).toBe(4003);
    expect(await codeOf(overtaken, await goodFor(60))).toBe(4201);
  });

  test("the server prints no token, no secret and no error", async () => {
    expect(await server.loggedErrors()).toEqual([]);
    expect(server.output).not.toMatch(/eyJ/);
    expect(server.output).not.toContain(SECRET);
  });
});

describe("with the keys of an issuer", () => {
  let issuer: HttpServer;
  let fetches = 0;
  let isWell = true;
  let jwks: object;
  let sign: (claims: Record<string, unknown>) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey: key } = await generateKeyPair("ES256", { extractable: true });
    jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "first", alg: "ES256" }] };
    sign = (claims) => tokenOf(claims, { alg: "ES256", kid: "first", key });
    issuer = createServer((_request, response) => {
      fetches++;
      response.writeHead(isWell ? 200 : 503, { "Content-Type": "application/json" });
      response.end(isWell ? JSON.stringify(jwks) : "{}");
    });
    await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
    const { port } = issuer.address() as AddressInfo;
    const JWKS_URL = `http://127.0.0.1:${port}/jwks.json`;
    server = await Server.starts({ JWKS_URL, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE });
  });
  afterAll(async () => {
    await server.stop();
    issuer.closeAllConnections();
    issuer.close();
  });

  test("while the issuer is down, the client retries, and joins once it is back", async () => {
    isWell = false;
    const room = newRoom().name;
    const alice = joins({ room, name: "alice", key: await sign(claimsOf()) });
    const sent = alice.client.send("kept meanwhile");
    await alice.isNow("offline");
    expect(alice.client.state).toMatchObject({ why: expect.stringContaining("come back later") });
    isWell = true;
    await alice.isNow("live");
    expect((await sent).seq).toBe(1);
    expect(alice.states.map(({ type }) => type)).not.toContain("closed");
  });

  test("the keys are cached across requests, also concurrent ones", async () => {
    const before = fetches;
    const room = newRoom().name;
    const names = ["bob", "carol", "dave", "erin"];
    const clients = await Promise.all(
      names.map(async (name) => joins({ room, name, key: await sign(claimsOf({ sub: name })) })),
    );
    await Promise.all(clients.map(({ isNow }) => isNow("live")));
    expect(fetches).toBe(before);
  });

  test("an unverified token is rejected, and cannot make the room query the issuer at will", async () => {
    const before = fetches;
    const room = newRoom();
    const { privateKey: key } = await generateKeyPair("ES256");
    const refusals = [
      await tokenOf(claimsOf(), { alg: "ES256", kid: "first", key }),
      await tokenOf(claimsOf(), { alg: "HS256", key: secretKey(SECRET) }),
      await sign(claimsOf({ aud: "mail" })),
    ];
    for (const token of refusals) {
      expect(await room.rejects("name=alice", { headers: bearer(token) })).toMatchObject({
        code: 4003,
      });
    }
    expect(fetches).toBe(before);
    for (let count = 0; count < 5; count++) {
      const token = await tokenOf(claimsOf(), { alg: "ES256", kid: `made-up-${count}`, key });
      const { code } = await room.rejects("name=alice", { headers: bearer(token) });
      expect(code).toBe(count === 0 ? 4003 : 4102);
    }
    expect(fetches).toBe(before + 1);
  });
});
