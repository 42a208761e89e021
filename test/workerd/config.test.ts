/** The operator's vars besides the limits. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { ChatRoom } from "../../src/durable-object/chat-room.ts";
import { readConfig, type Vars } from "../../src/config/config.ts";
import type { Join } from "../../src/core/event.ts";
import {
  parsePeerName,
  parseRoomName,
  type PeerName,
  type RoomName,
} from "../../src/protocol/ids.ts";
import { encodeJoin } from "../../src/durable-object/join-request.ts";
import { TestRoom } from "../support/harness/workerd.ts";

const read = (vars: object) => readConfig(vars);

test("without vars, everything has its default", () => {
  expect(read({})).toMatchObject({ epoch: "1", limits: { window: 256 } });
});

test.each([
  ["an origin", "https://a.example", ["https://a.example"]],
  [
    "several, by spaces and commas",
    " https://a.example, http://b.example:8080 ",
    ["https://a.example", "http://b.example:8080"],
  ],
  ["none", "", []],
])("ALLOWED_ORIGINS: %s", (_case, text, origins) => {
  expect(read({ ALLOWED_ORIGINS: text })).toMatchObject({ origins: new Set(origins) });
});

test.each([
  ["a path behind an origin", { ALLOWED_ORIGINS: "https://a.example/" }, "ALLOWED_ORIGINS"],
  ["a host alone", { ALLOWED_ORIGINS: "a.example" }, "ALLOWED_ORIGINS"],
  ["null", { ALLOWED_ORIGINS: "null" }, "ALLOWED_ORIGINS"],
  ["another scheme", { ALLOWED_ORIGINS: "ftp://a.example" }, "ALLOWED_ORIGINS"],
  ["a scheme of an app", { ALLOWED_ORIGINS: "tauri://localhost" }, "ALLOWED_ORIGINS"],
  ["a wildcard", { ALLOWED_ORIGINS: "*" }, "ALLOWED_ORIGINS"],
  ["a wildcard for a host", { ALLOWED_ORIGINS: "*.a.example" }, "ALLOWED_ORIGINS"],
  ["a wildcard within an origin", { ALLOWED_ORIGINS: "https://*.a.example" }, "ALLOWED_ORIGINS"],
  ["one bad one among good", { ALLOWED_ORIGINS: "https://a.example b" }, "ALLOWED_ORIGINS: b"],
  ["a list in brackets", { ALLOWED_ORIGINS: ["https://a.example"] }, "ALLOWED_ORIGINS"],
  ["an epoch with a space", { EPOCH: "a b" }, "EPOCH"],
  ["an empty epoch", { EPOCH: "" }, "EPOCH"],
  ["a limit that is no number", { RATE: "fast" }, "RATE"],
  ["a text longer than a frame", { TEXT_BYTES: 2_000, FRAME_BYTES: 1_000 }, "TEXT_BYTES"],
])("%s is one sentence that names the var", (_case, vars, name) => {
  const sentence = read(vars);
  expect(sentence).toBeTypeOf("string");
  expect(sentence).toContain(name);
});

test.each([
  ["capitals", "https://A.example", "https://a.example"],
  ["a slash at the end", "https://a.example/", "https://a.example"],
  ["the port of the scheme", "https://a.example:443", "https://a.example"],
  ["a path", "https://a.example/chat", "https://a.example"],
  [
    "letters outside the host's ASCII form",
    "https://höhle.example",
    "https://xn--hhle-5qa.example",
  ],
])("an origin with %s is reported with its right spelling", (_case, text, right) => {
  expect(read({ ALLOWED_ORIGINS: text })).toMatch(new RegExp(`write it as ${right}$`));
  expect(read({ ALLOWED_ORIGINS: right })).toMatchObject({ origins: new Set([right]) });
});

test("an epoch may be a number, as wrangler.toml would have it", () => {
  expect(read({ EPOCH: 7 })).toMatchObject({ epoch: "7" });
});

describe("tokens", () => {
  const SECRET = "0123456789abcdef0123456789abcdef";
  const JWKS_URL = "https://login.example.com/jwks.json";
  const JWT_ISSUER = "https://login.example.com/";

  test("there are none unless one of their vars is set", () => {
    expect(read({})).not.toHaveProperty("tokens");
  });

  test("a secret suffices: issuer and audience are then the room's own", () => {
    const keys = new TextEncoder().encode(SECRET);
    expect(read({ JWT_SECRET: SECRET })).toMatchObject({
      tokens: { keys, issuer: "chat-room", audience: "chat-room" },
    });
    expect(read({ JWT_SECRET: SECRET, JWT_ISSUER, JWT_AUDIENCE: "chat" })).toMatchObject({
      tokens: { keys, issuer: JWT_ISSUER, audience: "chat" },
    });
  });

  test.each([
    ["https", JWKS_URL],
    ["http on this computer", "http://localhost:8080/jwks.json"],
    ["http on this computer by number", "http://127.0.0.1:8080/jwks.json"],
    ["http on this computer in IPv6", "http://[::1]:8080/jwks.json"],
  ])("the keys of an issuer, by %s", (_case, url) => {
    expect(read({ JWKS_URL: url, JWT_ISSUER, JWT_AUDIENCE: "chat" })).toMatchObject({
      tokens: { keys: new URL(url), issuer: JWT_ISSUER, audience: "chat" },
    });
  });

  test("any audience is accepted only if the operator says so", () => {
    const config = read({ JWKS_URL, JWT_ISSUER, JWT_AUDIENCE: "*" });
    expect(config).toMatchObject({ tokens: { audience: undefined } });
  });

  test.each([
    ["both ways at once", { JWT_SECRET: SECRET, JWKS_URL }, "JWT_SECRET and JWKS_URL"],
    ["a secret of 31 bytes", { JWT_SECRET: SECRET.slice(1) }, "JWT_SECRET has 31 bytes"],
    ["an empty secret", { JWT_SECRET: "" }, "JWT_SECRET is empty"],
    ["a secret of spaces", { JWT_SECRET: " ".repeat(40) }, "JWT_SECRET is empty"],
    ["a secret that is a number", { JWT_SECRET: 5 }, "JWT_SECRET must be a text"],
    ["an issuer alone", { JWT_ISSUER }, "JWT_ISSUER alone"],
    ["an audience alone", { JWT_AUDIENCE: "chat" }, "JWT_AUDIENCE alone"],
    ["an empty address", { JWKS_URL: "" }, "JWKS_URL is empty"],
    ["no address", { JWKS_URL: "login.example.com" }, "JWKS_URL must be"],
    ["http", { JWKS_URL: "http://login.example.com/jwks.json" }, "JWKS_URL must be"],
    [
      "a host that only looks like this computer",
      { JWKS_URL: "http://localhost.evil.example/" },
      "JWKS_URL must be",
    ],
    ["a password in it", { JWKS_URL: "https://u:p@login.example.com/" }, "JWKS_URL must be"],
    ["no issuer", { JWKS_URL, JWT_AUDIENCE: "chat" }, "JWKS_URL needs JWT_ISSUER"],
    ["no audience", { JWKS_URL, JWT_ISSUER }, "JWKS_URL needs JWT_AUDIENCE"],
    ["an empty audience", { JWKS_URL, JWT_ISSUER, JWT_AUDIENCE: "" }, "JWT_AUDIENCE is empty"],
    [
      "audiences in brackets",
      { JWKS_URL, JWT_ISSUER, JWT_AUDIENCE: ["a"] },
      "JWT_AUDIENCE must be a text",
    ],
  ])("%s is a mistake", (_case, vars, sentence) => {
    const result = read(vars);
    expect(result).toBeTypeOf("string");
    expect(result).toContain(sentence);
    expect(result).not.toContain(SECRET);
  });
});

test("an object with a wrong configuration rejects everyone: it is no laxer than the Worker", async () => {
  const join: Join = {
    room: parseRoomName("lobby") as RoomName,
    name: parsePeerName("alice") as PeerName,
    owner: "",
    dialect: "chat.line",
  };
  const answerWith = (vars: object): Promise<readonly [number, string]> =>
    runInDurableObject(new TestRoom().stub, async (_room, state) => {
      const room = new ChatRoom(state, { ...env, ...vars } as Vars);
      const answer = await room.fetch(encodeJoin(join, false));
      return [answer.status, await answer.text()];
    });
  expect(await answerWith({})).toEqual([101, ""]);
  const [status, closing] = await answerWith({ JWT_SECRET: "short" });
  expect([status, JSON.parse(closing)]).toMatchObject([409, { code: 4102 }]);
});
