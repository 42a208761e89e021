/**
 * R7, in time: no frame, line, query or body costs much more than a plain one of its size.
 *
 * A frame is parsed as far as the broker would parse it: to the end of the sender's burst. The tests compare CPU time,
 * not wall time, and take the best of several tries, so that a busy machine does not make them fail.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../src/config/limits.ts";
import { parsePeerName, parseRoomName } from "../../../src/protocol/ids.ts";
import { readFrame } from "../../../src/codec/json.ts";
import { readLines } from "../../../src/codec/line.ts";
import { fuzz } from "../../support/arbitraries.ts";

const limits = defaultLimits();
/** The highest cost of a frame, as a multiple of a plain one of its size. */
const RATIO = 20;
/** CPU ms below which a frame counts as cheap in any comparison, because the clock is no finer. */
const FLOOR_MS = 4;
const TRIES = 5;

type Reader = typeof readFrame | typeof readLines;

/** Parses a frame as the broker does: until the burst is spent, which ends the connection. */
function take(read: Reader, text: string): void {
  let items = 0;
  for (const command of read(text, limits)) {
    expect(command.type).toBeTypeOf("string");
    if (++items > limits.burst) return;
  }
}

/** @returns the least CPU ms of several tries */
function cpuMs(work: () => void): number {
  let least = Infinity;
  for (let count = 0; count < TRIES; count++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

/** Repeats `part` until a frame is full, in UTF-8. */
const filled = (part: string, around: (body: string) => string = (body) => body): string => {
  const bytes = (text: string): number => new TextEncoder().encode(text).length;
  const room = limits.frame - bytes(around(""));
  return around(part.repeat(Math.floor(room / bytes(part))));
};

const plainFrame = filled(
  '{"type":"send","id":"a1","text":"hello, bob","to":["bob"]},',
  (body) => `[${body.slice(0, -1)}]`,
);
const plainLines = filled("bob: hello, how are you today?\n");

const boundOf = (read: Reader, plain: string): number => {
  for (let count = 0; count < 20; count++) take(read, plain);
  return Math.max(FLOOR_MS, RATIO * cpuMs(() => take(read, plain)));
};

/** Parts that are costly somewhere: marks that are sorted, escapes, surrogates, digits, brackets, names. */
const PARTS = [
  "\u0301",
  "\u0301\u0327\u0323",
  "\u{1d165}\u{1d16e}",
  "\u0958",
  "\u1f82",
  "\ufdfa",
  "가",
  "ᄀ",
  "a",
  "a,",
  "a ",
  "\\",
  "\\u0301",
  '"',
  "9",
  "[",
  "{",
  ":",
  "，",
  "/who ",
  "\t",
  "\u0085",
  "𝒜",
  "😀",
  "é",
] as const;

/** Every parsed field, by the types that have it. */
const FIELDS = [
  ["send", "id"],
  ["send", "text"],
  ["send", "to"],
  ["ack", "seq"],
  ["signal", "data"],
  ["signal", "to"],
  ["history", "id"],
  ["history", "before"],
  ["history", "limit"],
  ["who", "after"],
  ["who", "type"],
] as const;
const SHAPES = ["text", "list", "one name", "nested", "object", "items"] as const;

const json = (value: unknown): string => JSON.stringify(value);

/** A frame of one type in which one field is as large as a frame may be. */
function hostileFrame(
  [type, field]: (typeof FIELDS)[number],
  part: (typeof PARTS)[number],
  shape: (typeof SHAPES)[number],
): string {
  const whole = { type, id: "a1", text: "hi", to: ["bob"], seq: 1, data: 1 };
  const put = (value: unknown): string => json({ ...whole, [field]: value });
  switch (shape) {
    case "text":
      return filled(json(part).slice(1, -1), (body) => put("@").replace("@", `a${body}`));
    case "one name":
      return filled(json(part).slice(1, -1), (body) => put(["@"]).replace("@", `a${body}`));
    case "list":
      return filled(`${json(part)},`, (body) => put(["@"]).replace('"@"', body + json("z")));
    case "nested":
      return put(0).replace(/:0([,}])/, `:${"[".repeat(20_000)}${"]".repeat(20_000)}$1`);
    case "object":
      return filled(`${json(part)}:1,`, (body) => put({ z: 1 }).replace('"z":1', `${body}"z":1`));
    default:
      return filled(`${put(part)},`, (body) => `[${body.slice(0, -1)}]`);
  }
}

const hostileLines = fc
  .record({
    begin: fc.constantFrom("", "a", "a: ", "*: ", "/who ", "/history ", "/", ":"),
    part: fc.constantFrom(...PARTS, "a\n", "\n", "a,b:c\n", "a: b\n", "/who\n", "\r"),
    end: fc.constantFrom("", ": hi", "：hi"),
  })
  .map(({ begin, part, end }) => filled(part, (body) => begin + body + end));

describe("R7 no frame costs more than its length justifies", () => {
  test("chat.v1", () => {
    const bound = boundOf(readFrame, plainFrame);
    const isCheap = (frame: string): void => {
      expect(cpuMs(() => take(readFrame, frame))).toBeLessThan(bound);
    };
    // Runs of marks cost the most: each field, in each shape.
    for (const field of FIELDS) {
      for (const shape of SHAPES) isCheap(hostileFrame(field, "\u0301\u0327\u0323", shape));
    }
    const any = fc.tuple(
      fc.constantFrom(...FIELDS),
      fc.constantFrom(...PARTS),
      fc.constantFrom(...SHAPES),
    );
    fc.assert(
      fc.property(any, ([field, part, shape]) => {
        isCheap(hostileFrame(field, part, shape));
      }),
      fuzz(400),
    );
  });

  test("chat.line", () => {
    const bound = boundOf(readLines, plainLines);
    fc.assert(
      fc.property(hostileLines, (frame) => {
        expect(cpuMs(() => take(readLines, frame))).toBeLessThan(bound);
      }),
      fuzz(400),
    );
  });

  test("32,000 names in one line", () => {
    const bound = boundOf(readLines, plainLines);
    const lines = ["a,", "ab，"].map((part) => filled(part, (body) => `${body}a: hi`));
    const distinct = Array.from({ length: 10_000 }, (_, index) => index.toString(36)).join(",");
    for (const line of [...lines, `${distinct}: hi`]) {
      expect(cpuMs(() => take(readLines, line))).toBeLessThan(bound);
    }
  });

  test("names that a path, a query or a token may hold", () => {
    const marks = `a${"\u0301\u0327".repeat(30_000)}`;
    expect(cpuMs(() => expect(parsePeerName(marks)).toBeUndefined())).toBeLessThan(FLOOR_MS);
    expect(cpuMs(() => expect(parseRoomName(marks)).toBeUndefined())).toBeLessThan(FLOOR_MS);
  });
});

describe("the bound before normalising rejects no valid name", () => {
  test.each([
    ["a letter with three marks, each composed", "\u1f82"],
    ["the same, decomposed", "\u1f82".normalize("NFD")],
    ["a syllable in three parts", "각".normalize("NFD")],
    ["an astral letter", "𝒜"],
    ["a sign that NFC makes another letter", "\u212b"],
  ])("32 of %s", (_case, character) => {
    const name = character.repeat(32);
    expect(parsePeerName(name)).toBe(name.normalize("NFC"));
    expect(readFrame(json({ type: "send", id: "a", text: "hi", to: [name] }), limits)).toEqual([
      { type: "Message", id: "a", text: "hi", to: [name.normalize("NFC")] },
    ]);
  });
});
