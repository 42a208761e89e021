/** The options of a client, and its half of PROTOCOL section 1: address and subprotocols. */
import { describe, expect, test } from "vitest";
import { BadOptionError } from "../../../src/client/errors.ts";
import {
  addressOf,
  type ChatClientOptions,
  protocolsOf,
  readOptions,
} from "../../../src/client/options.ts";
import { randomToken } from "../../../src/protocol/random-token.ts";
import type { ClientRecord } from "../../../src/client/storage/storage.ts";

const good: ChatClientOptions = { url: "http://localhost:8787", room: "lobby", name: "alice" };
const record: ClientRecord = { version: 1, session: "s-1", attempt: 42, outbox: [] };

describe("bad options", () => {
  test.each<[string, object]>([
    ["url: none", { url: undefined }],
    ["url: empty", { url: "" }],
    ["url: no address", { url: "local host" }],
    ["url: another scheme", { url: "ftp://localhost" }],
    ["url: a scheme without its slashes", { url: "http:localhost" }],
    ["url: a port that is none", { url: "localhost:87870" }],
    ["url: a query, which would be dropped", { url: "https://c.d/?x=1" }],
    ["url: a hash, which would be dropped", { url: "https://c.d/chat#y" }],
    ["url: a query without a scheme", { url: "c.d/chat?x=1" }],
    ["url: mail", { url: "mailto:a@b.example" }],
    ["url: javascript", { url: "javascript:alert(1)" }],
    ["url: a user and a password, which would be sent in the clear", { url: "https://a:b@c.d" }],
    ["url: a user alone", { url: "https://a@c.d" }],
    ["room: empty", { room: "" }],
    ["room: a blank", { room: "a b" }],
    ["room: a slash", { room: "a/b" }],
    ["room: 33 characters", { room: "x".repeat(33) }],
    ["room: begins with a dot", { room: ".." }],
    ["name: empty", { name: "" }],
    ["name: a line break", { name: "a\nb" }],
    ["name: a lone surrogate", { name: "a\ud800" }],
    ["name: an emoji", { name: "👋" }],
    ["since: below 0", { since: -1 }],
    ["since: no whole number", { since: 1.5 }],
    ["since: NaN", { since: Number.NaN }],
    ["since: too large to count with", { since: 2 ** 53 }],
    ["outboxLimit: 0", { outboxLimit: 0 }],
    ["outboxLimit: no whole number", { outboxLimit: 1.5 }],
    ["outboxLimit: endless", { outboxLimit: Infinity }],
  ])("%s: refused with a sentence that names the option", (what, wrong) => {
    const [option = ""] = what.split(":");
    const options = { ...good, ...wrong } as ChatClientOptions;
    expect(() => readOptions(options)).toThrow(BadOptionError);
    expect(() => readOptions(options)).toThrow(new RegExp(`^${option}: \\S.{10,}`));
  });

  test("no error shows a key", () => {
    const options = { ...good, name: "", key: "s3cret" };
    expect(() => readOptions(options)).not.toThrow(/s3cret/);
  });
});

describe("good options", () => {
  test("an absent option has a default", async () => {
    const settings = readOptions(good);
    expect(settings).toMatchObject({ room: "lobby", name: "alice", outboxLimit: 1_000 });
    expect(settings.since).toBeUndefined();
    expect(settings.hasFreshKeys).toBe(false);
    expect(await settings.key()).toBe("");
    expect(await settings.storage.load()).toBeUndefined();
  });

  test("names are shown in NFC, as the room will", () => {
    const { name, room } = readOptions({ ...good, name: "Ame\u0301lie", room: "cafe\u0301" });
    expect([name, room]).toEqual(["Am\u00e9lie", "caf\u00e9"]);
  });

  test("a function is called for the key each time; a string is not a fresh one", async () => {
    let asked = 0;
    const settings = readOptions({ ...good, key: () => `k${++asked}` });
    expect(settings.hasFreshKeys).toBe(true);
    expect([await settings.key(), await settings.key()]).toEqual(["k1", "k2"]);
    const fixed = readOptions({ ...good, key: "k" });
    expect(fixed.hasFreshKeys).toBe(false);
    expect(await fixed.key()).toBe("k");
  });
});

describe("the address", () => {
  const where = (
    options: Partial<ChatClientOptions>,
    kept: Partial<ClientRecord> = {},
    since?: number,
  ): string => addressOf(readOptions({ ...good, ...options }), { ...record, ...kept }, since).href;

  const tail = "name=alice&session=s-1&attempt=42";
  test.each<[string, string, string]>([
    ["http", "http://localhost:8787", `ws://localhost:8787/rooms/lobby?${tail}`],
    ["https", "https://c.d", `wss://c.d/rooms/lobby?${tail}`],
    ["ws", "ws://c.d:1/", `ws://c.d:1/rooms/lobby?${tail}`],
    ["wss", "wss://c.d", `wss://c.d/rooms/lobby?${tail}`],
    ["a path is a prefix", "https://c.d/chat", `wss://c.d/chat/rooms/lobby?${tail}`],
    ["its last slash is none of it", "https://c.d/a/b/", `wss://c.d/a/b/rooms/lobby?${tail}`],
    ["this computer by name", "localhost:8787", `ws://localhost:8787/rooms/lobby?${tail}`],
    ["no port", "localhost", `ws://localhost/rooms/lobby?${tail}`],
    ["a name below it", "chat.localhost:1", `ws://chat.localhost:1/rooms/lobby?${tail}`],
    ["by number", "127.0.0.1:8787", `ws://127.0.0.1:8787/rooms/lobby?${tail}`],
    ["by number of IPv6", "[::1]:8787/chat", `ws://[::1]:8787/chat/rooms/lobby?${tail}`],
    ["another host is encrypted", "c.d", `wss://c.d/rooms/lobby?${tail}`],
    ["with port and path", "c.d:444/chat/", `wss://c.d:444/chat/rooms/lobby?${tail}`],
    ["in the own network too", "192.168.0.7:8787", `wss://192.168.0.7:8787/rooms/lobby?${tail}`],
    ["no other computer", "localhost.c.d", `wss://localhost.c.d/rooms/lobby?${tail}`],
  ])("%s", (_case, url, expected) => expect(where({ url })).toBe(expected));

  test("room and name are escaped, whatever their script", () => {
    const url = new URL(where({ room: "カフェ", name: "Zoë.1" }));
    expect(decodeURIComponent(url.pathname)).toBe("/rooms/カフェ");
    expect(url.searchParams.get("name")).toBe("Zoë.1");
  });

  const query = (kept: Partial<ClientRecord>, since?: number): Record<string, string> => {
    const { since: from, epoch } = Object.fromEntries(new URL(where({}, kept, since)).searchParams);
    return { ...(from !== undefined && { since: from }), ...(epoch !== undefined && { epoch }) };
  };
  test.each<[string, Partial<ClientRecord>, number | undefined, Record<string, string>]>([
    ["a new client asks for nothing: the room's own cursor", {}, undefined, {}],
    [
      "a kept cursor goes with its epoch",
      { cursor: 7, epoch: "e" },
      undefined,
      { since: "7", epoch: "e" },
    ],
    ["cursor 0 too", { cursor: 0, epoch: "e" }, undefined, { since: "0", epoch: "e" }],
    ["0 may stand alone", {}, 0, { since: "0" }],
    ["another without an epoch would be refused: it is not sent", {}, 5, {}],
    ["backwards", { cursor: 7, epoch: "e" }, 3, { since: "3", epoch: "e" }],
  ])("since: %s", (_case, kept, since, expected) => expect(query(kept, since)).toEqual(expected));

  test("a key is never part of it", () => {
    expect(where({ key: "s3cret" })).not.toMatch(/s3cret|key/);
  });
});

describe("the subprotocols", () => {
  test.each<[string, string, string[]]>([
    ["no key", "", ["chat.v1"]],
    ["a key", "secret", ["chat.v1", "key.c2VjcmV0"]],
    ["+, / and = are written otherwise", "\u00ff\u00fe>?", ["chat.v1", "key.w7_Dvj4_"]],
    ["padding is left out", "a", ["chat.v1", "key.YQ"]],
    ["UTF-8", "ключ🔑", ["chat.v1", "key.0LrQu9GO0Yfwn5SR"]],
  ])("%s", (_case, key, expected) => expect(protocolsOf(key)).toEqual(expected));

  test("a token of 16 KiB is accepted, and reads back", () => {
    const key = "é".repeat(8_192);
    const [, offered = ""] = protocolsOf(key);
    expect(offered).toMatch(/^key\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(offered.slice(4), "base64url").toString()).toBe(key);
  });
});

test("tokens are of the alphabet that the room takes, and no two are alike", () => {
  const tokens = Array.from({ length: 200 }, () => randomToken(96));
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(new Set(tokens).size).toBe(200);
});
