/** The sentences of the room and of the library as the page shows them: without fields, and with one advice. */
import { describe, expect, test } from "vitest";
import { type HandshakeFinding, plainText, refusalText } from "../../../../src/client/index.ts";
import { SendQueue } from "../../../../src/client/send-queue.ts";
import { defaultLimits } from "../../../../src/config/limits.ts";
import { bannerOf, causeOf, diagnosisText } from "../../../../src/apps/page/model/status-text.ts";
import { readFrame } from "../../../../src/codec/json.ts";

const INTERNAL =
  /(^|[\s(`"'])(frame|type|id|text|to|seq|data|before|after|limit|since|epoch|session|attempt|url|k|ref|quiet): |\bframe\b|chat\.v1|memoryStorage|welcome\.|UTF-/;

/** The errors of a room for these frames. */
function refusals(...frames: readonly unknown[]): { code: string; message: string }[] {
  return frames.flatMap((frame) =>
    [...readFrame(JSON.stringify(frame), defaultLimits())].flatMap((command) =>
      command.type === "Invalid" ? [command.refusal] : [],
    ),
  );
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);

describe("the text of an error", () => {
  const errors = refusals(
    {},
    [1],
    { type: "shout" },
    { type: "send", id: "a", text: "" },
    { type: "send", id: "a", text: "\ud800" },
    { type: "send", id: "a", text: "x".repeat(9_000) },
    { type: "send", id: "a", text: "x", to: [] },
    { type: "send", id: "a", text: "x", to: ["b b"] },
    { type: "send", id: "a", text: "x", to: names(65) },
    { type: "send", id: "", text: "x" },
    { type: "ack", seq: -1 },
    { type: "history", id: "a", limit: 0 },
    { type: "history", id: "a", before: -1 },
    { type: "signal", data: "x".repeat(2_000) },
    { type: "send", id: "a", text: "x", ref: 0 },
    { type: "send", id: "a", text: "x", data: [] },
    { type: "send", id: "a", text: "x", data: { x: "x".repeat(5_000) } },
    { type: "send", id: "a", text: "x", quiet: 1 },
    { type: "patch", id: "a", ref: "x", text: "x" },
    { type: "patch", id: "a", ref: 1 },
  );

  test("no field is named, and no term of the protocol", () => {
    expect(errors).toHaveLength(20);
    for (const refusal of errors) {
      const words = refusalText(refusal);
      expect(words, JSON.stringify(refusal)).not.toMatch(INTERNAL);
      expect(words.length).toBeGreaterThan(10);
    }
  });

  test("the library's own errors: a text, its recipients, both together", () => {
    const outgoing = new SendQueue();
    const limits = { text: 100, data: 0, patchHours: 0, frame: 300, recipients: 4 };
    outgoing.setLimits({ ...limits, rate: 1, burst: 1, spread: 0, window: 1, windowBytes: 1 }, 0);
    const why = (text: string, to?: string[]): string =>
      refusalText({
        code: "too-large",
        message: outgoing.refusal({ id: "a", text, ...(to && { to }), sent: false }) ?? "",
      });
    const texts = [
      why("x".repeat(101)),
      why("x", names(5)),
      why(
        "x".repeat(100),
        names(4).map((name) => name.padEnd(70, "x")),
      ),
    ];
    expect(texts).toEqual([
      "it is too long: at most 100 bytes go into one message; send it in parts",
      "it is for too many people: at most 4 may be named; send it in turns, or to everyone",
      "it is too long together with its recipients: send it in parts, or to fewer people",
    ]);
  });

  test.each([
    ["forbidden", "ref: 41 is erased, and stays so", "the message is erased, and stays so"],
    [
      "unknown-ref",
      "ref: 41 is no entry that you can read, or it is no longer kept",
      "there is no such message that you can read, or it is no longer kept",
    ],
    ["unknown-ref", "ref: the room was made again", "the room was made again"],
    [
      "bad-frame",
      "ref: 99 is above the newest entry, 41; refer to an entry that you have",
      "there is no message that it could refer to",
    ],
    [
      "too-large",
      "data: this room takes none",
      "this room takes no reactions, and nothing else that is attached to a message",
    ],
    ["bad-frame", "data: at most 16 levels", "the room cannot store what is attached to it"],
    [
      "too-large",
      "data: at most 4096 bytes of JSON go into one message",
      "too much is attached to it: at most 4096 bytes of JSON go into one message",
    ],
  ])("what a person refers to or attaches, %s: %s", (code, message, text) => {
    expect(refusalText({ code, message })).toBe(text);
  });

  test("a sentence for people stays as it is, but does not say twice that nothing was sent", () => {
    const message = "nobody here is called zoe; nothing was sent: ask who is known";
    const text = "nobody here is called zoe: ask who is known";
    expect(refusalText({ code: "unknown-peer", message })).toBe(text);
    expect(plainText("the room is full: come back later")).toBe(
      "the room is full: come back later",
    );
  });
});

describe("the text of a close", () => {
  test.each([
    [4000, "since: expected a whole number from 0 on"],
    [4000, "epoch: expected welcome.epoch, at most 64 characters"],
    [4000, "session: missing; give session and attempt, or neither"],
    [
      1011,
      "the browser does not keep data for this page (x): allow site data, or use memoryStorage()",
    ],
  ])("%i: %s", (code, why) => {
    expect(bannerOf({ type: "closed", code, why }, "bob")?.text).not.toMatch(INTERNAL);
  });

  test.each([
    [
      4003,
      "this name belongs to another key: join with that key, or choose another name",
      "This name belongs to another key. If bob is yours on another device, enter the key of that device.",
    ],
    [
      4104,
      "the key has expired: come back with a fresh one",
      "The key has expired. Enter a fresh key to go on.",
    ],
  ])("%i: the advice is given once, by the page", (code, why, text) => {
    expect(bannerOf({ type: "closed", code, why }, "bob")?.text).toBe(text);
  });

  test("a reason without advice is the cause as it stands", () => {
    expect(causeOf("the key must be a token here, and this is none")).toBe(
      "the key must be a token here, and this is none",
    );
  });
});

const other = (status: number, message?: string): HandshakeFinding => ({
  type: "other",
  status,
  headers: new Headers(),
  message,
});

describe("the text of a failed handshake", () => {
  test.each<[string, HandshakeFinding, string | undefined]>([
    ["a room", { type: "room" }, undefined],
    ["no server", { type: "unreachable", error: new TypeError("x") }, undefined],
    ["a blocked WebSocket", { type: "blocked" }, "WebSockets do not get through"],
    ["an error of the room", other(429, "room: too many"), "The server says: too many"],
    ["a web page", other(200), "not answer like a chat room of this version (200)"],
    ["a redirect", other(0), "not answer like a chat room of this version (a redirect)"],
  ])("%s", (_case, finding, text) => {
    const shown = diagnosisText(finding);
    if (text === undefined) expect(shown).toBeUndefined();
    else expect(shown).toContain(text);
  });
});
