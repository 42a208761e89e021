/**
 * Names and keys: what can be smuggled in them, who owns them, and how an attacker tries to take one from its owner.
 */
import { exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { TestRoom } from "../../support/harness/workerd.ts";

const ANOTHER = "this name belongs to another key: join with that key, or choose another name";

/** The status of a handshake for this room and name, both percent-encoded as given. */
async function connect(room: string, name: string, headers: Record<string, string> = {}) {
  const url = `http://localhost/rooms/${room}?name=${name}`;
  const response = await exports.default.fetch(url, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "chat.v1", ...headers },
  });
  const { webSocket } = response;
  if (webSocket === null) return { status: response.status };
  const code = await new Promise<number | undefined>((resolve) => {
    webSocket.addEventListener("close", ({ code }) => resolve(code));
    webSocket.addEventListener("message", () => resolve(undefined));
    webSocket.accept();
  });
  if (code === undefined) webSocket.close(1000);
  return { status: 101, code };
}

describe("what can be smuggled in a name", () => {
  test.each([
    ["a line break and a header", "alice\r\nX-Evil: 1"],
    ["a line feed", "alice\nbob"],
    ["a NUL", "alice\0"],
    ["an escape", "alice\u001b[2J"],
    ["a C1 control", "alice\u009b2J"],
    ["a DEL", "alice\u007f"],
    ["a slash", "alice/bob"],
    ["a backslash", "alice\\bob"],
    ["a dot first", ".alice"],
    ["a colon, which ends names in chat.line", "alice: hi"],
    ["a comma, which separates names", "alice,bob"],
    ["a star, which means everyone", "*"],
    ["a percent sign", "alice%00"],
    ["a quotation mark", 'alice"'],
    ["a bracket", "<img src=x>"],
    ["SQL", "alice'--"],
    ["a zero-width space", "ali\u200bce"],
    ["a zero-width joiner", "ali\u200dce"],
    ["a zero-width non-joiner", "ali\u200cce"],
    ["a word joiner", "ali\u2060ce"],
    ["a byte order mark", "\ufeffalice"],
    ["a soft hyphen", "ali\u00adce"],
    ["an override of the direction", "\u202ealice"],
    ["an isolate of the direction", "ali\u2066ce"],
    ["a mark of the direction", "alice\u200f"],
    ["a tag character", "alice\u{e0041}"],
    ["a line separator", "alice\u2028"],
    ["a no-break space", "ali\u00a0ce"],
    ["a Greek question mark, which NFC makes a semicolon", "alice\u037e"],
    ["a private character", "alice\ue000"],
    ["an unassigned character", "alice\ufffe"],
    ["`__proto__`", "__proto__"],
    ["33 characters", "a".repeat(33)],
  ])("%s is rejected, in names and in rooms", async (_case, text) => {
    const room = new TestRoom();
    const encoded = encodeURIComponent(text);
    expect(await connect(room.name, encoded)).toEqual({ status: 101, code: 4000 });
    expect(await connect(encoded, "alice")).toEqual({ status: 101, code: 4000 });
  });

  test("dot segments lead to no room, and wake nothing", async () => {
    for (const dots of ["..", "%2e%2e", ".%2E"]) {
      const response = await exports.default.fetch(`http://localhost/rooms/${dots}?name=alice`, {
        headers: { Upgrade: "websocket" },
      });
      const { webSocket } = response;
      const closed = new Promise((resolve) => {
        webSocket?.addEventListener("close", ({ code }) => resolve(code));
      });
      webSocket?.accept();
      expect(await closed).toBe(4000);
    }
  });

  test.each([
    ["bad UTF-8", "alice%ff"],
    ["overlong UTF-8", "alice%c0%af"],
    ["half a character", "alice%ed%a0%80"],
    ["a slash encoded twice", "alice%252f"],
    ["an invalid encoding", "alice%zz"],
  ])("%s is rejected, in names and in rooms", async (_case, encoded) => {
    expect(await connect(new TestRoom().name, encoded)).toEqual({ status: 101, code: 4000 });
    expect(await connect(encoded, "alice")).toEqual({ status: 101, code: 4000 });
  });

  test.each(["constructor", "toString", "valueOf", "hasOwnProperty", "prototype", "null"])(
    "%s is an ordinary name, room and id, and nothing of JavaScript",
    async (name) => {
      const room = new TestRoom();
      const bob = await room.joins("bob");
      const peer = await room.joins(name);
      await peer.isReady();
      peer.says("hi", ["bob", name], name);
      await bob.hears("hi");
      await peer.hears("hi");
      peer.tells({ type: "signal", data: { __proto__: 1, [name]: 1 }, to: ["bob"] });
      expect((await bob.hearsKind("signal")).from).toBe(name);
      peer.tells({ type: "send", id: "2", text: "to nobody", to: [`${name}2`] });
      expect((await peer.hearsKind("error")).code).toBe("unknown-peer");
      expect(await connect(name, name)).toEqual({ status: 101, code: undefined });
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );

  test("the longest names, session and history of a connection survive hibernation", async () => {
    const room = new TestRoom();
    const name = "𝒳".repeat(32);
    const query = { session: "s".repeat(64), attempt: Number.MAX_SAFE_INTEGER };
    const peer = await room.joins(name, { query, key: "k" });
    await peer.isReady();
    await room.settles();
    await room.sleeps();
    peer.says("still me", [name]);
    await peer.hears("still me");
  });

  test("by design: look-alikes are other names, invisible ones too", async () => {
    const room = new TestRoom();
    // Latin, Cyrillic, full width, with a variation selector, an invisible Hangul filler.
    const names = ["alice", "аlice", "ａｌｉｃｅ", "alice\ufe0f", "\u3164"];
    for (const name of names) {
      const peer = await room.joins(name, { key: `key${names.indexOf(name)}` });
      expect((await peer.hearsKind("welcome")).name).toBe(name);
    }
  });
});

describe("a name that belongs to a key", () => {
  const session = { session: "hers", attempt: 10 };

  test.each([
    ["without a key", {}],
    ["with another key", { key: "guess" }],
    ["with the hash of the key as key", { key: "9".repeat(64) }],
    ["with its session, and a higher attempt", { query: { ...session, attempt: 11 } }],
    ["with its session, and the same attempt", { query: session }],
    ["in the other dialect", { dialect: "chat.line" as const }],
  ])("is not taken over %s, and its owner does not notice", async (_case, joining) => {
    const room = new TestRoom();
    const alice = await room.joins("alice", { key: "hers", query: session });
    await alice.isReady();
    const received = alice.frames.length;
    const mallory = await room.joins("alice", joining);
    expect(await mallory.isClosed()).toEqual({ code: 4003, reason: ANOTHER });
    expect(mallory.frames).toEqual([]);
    alice.says("still here", ["alice"]);
    await alice.hears("still here");
    expect(alice.frames.slice(received, -1).filter((frame) => !frame.includes("presence"))).toEqual(
      [],
    );
  });

  test("an old tab of its owner does not replace the new one, and a newer one does", async () => {
    const room = new TestRoom();
    const current = await room.joins("alice", { key: "hers", query: session });
    await current.isReady();
    const older = await room.joins("alice", { key: "hers", query: { ...session, attempt: 9 } });
    expect((await older.isClosed()).code).toBe(4201);
    expect(current.closed).toBeUndefined();
    await room.joins("alice", { key: "hers", query: { session: "another", attempt: 1 } });
    expect((await current.isClosed()).code).toBe(4001);
  });

  test("a replaced connection's messages are not accepted, though its socket lingers", async () => {
    const room = new TestRoom();
    const replaced = await room.joins("alice", { key: "hers", halfOpen: true });
    await replaced.isReady();
    const alice = await room.joins("alice", { key: "hers" });
    await alice.isReady();
    const bob = await room.joins("bob");
    await bob.isReady();
    await replaced.isClosed();
    replaced.says("from the grave", ["bob"]);
    replaced.tells("/quit");
    alice.says("alive", ["bob"]);
    await bob.hears("alive");
  });

  test("by design: a name without a key is anyone's, and its user is notified", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    alice.says("to myself", ["alice"]);
    await alice.hears("to myself");
    alice.closes(1000);
    await alice.isClosed();
    const mallory = await room.joins("alice", { query: { since: 0 } });
    await mallory.hears("to myself");
    const back = await room.joins("alice");
    await back.isReady();
    expect((await mallory.isClosed()).code).toBe(4001);
  });
});

describe("what travels from the Worker to the room", () => {
  test("a join sent from outside is not accepted", async () => {
    const room = new TestRoom();
    const join = { room: room.name, name: "alice", owner: "", dialect: "chat.v1" };
    const forged = encodeURIComponent(JSON.stringify(join));
    const alice = await room.joins("alice", { key: "hers" });
    await alice.isReady();
    expect(await connect(room.name, "mallory", { "x-chat-join": forged })).toEqual({ status: 101 });
    expect(await connect(room.name, "alice", { "x-chat-join": forged })).toMatchObject({
      code: 4003,
    });
    expect(alice.closed).toBeUndefined();
  });

  test("keys are in no frame, no close, no log line and no row", async () => {
    const logged = [
      vi.spyOn(console, "log"),
      vi.spyOn(console, "warn"),
      vi.spyOn(console, "error"),
    ];
    const room = new TestRoom();
    const key = "s3cret-of-alice";
    const sent = btoa(key).replaceAll("=", "");
    const alice = await room.joins("alice", { key });
    const bob = await room.joins("bob", { subprotocols: [`key.${sent}`] });
    await bob.isReady();
    bob.says("hi", ["alice"]);
    await alice.hears("hi");
    const wrong = await room.joins("alice", { subprotocols: [`key.${sent}x`] });
    await wrong.isClosed();
    alice.tells("no JSON");
    await alice.hearsKind("error");
    const rows = await room.inside((_object, state) => {
      const { sql } = state.storage;
      const tables = ["meta", "peers", "segments", "checkpoint"];
      const attached = state.getWebSockets().map((ws) => ws.deserializeAttachment() as unknown);
      return JSON.stringify([
        tables.map((table) => sql.exec(`SELECT * FROM ${table}`).toArray()),
        attached,
      ]);
    });
    const printed = JSON.stringify(logged.flatMap(({ mock }) => mock.calls));
    for (const spy of logged) spy.mockRestore();
    const all = [alice, bob, wrong].map(({ frames, closed }) => [frames, closed]);
    for (const text of [JSON.stringify(all), rows, printed]) {
      expect(text).not.toContain(key);
      expect(text).not.toContain(sent);
    }
    expect(rows).toContain('"hi');
  });
});
