/** Names, positions and connection ids: what their parsers accept, and what they guarantee. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConnectionId,
  maxSeq,
  nextConnectionId,
  parsePeerName,
  parseRoomName,
  parseSeq,
  addSeq,
  SEQ_ZERO,
  utf8Length,
} from "../../../src/protocol/ids.ts";
import { anyName, anyText, fuzz, seq } from "../../support/arbitraries.ts";

describe.each([
  ["room", parseRoomName],
  ["peer", parsePeerName],
])("the grammar of %s names", (_what, parse) => {
  test.each([
    ["a letter", "a"],
    ["a digit", "7"],
    ["a capital", "Alice"],
    ["an accent", "Zoë"],
    ["Chinese", "你好"],
    ["Arabic digits", "٣٤"],
    ["a Roman numeral, which is a number", "Ⅷ"],
    ["an astral letter", "𝒜lice"],
    ["a mark after a letter", "q\u0303"],
    ["`_`, `-` and `.` within", "a_b-c.d"],
    ["`.` last", "a."],
    ["a property of every JavaScript object", "constructor"],
    ["32 letters", "x".repeat(32)],
    ["32 astral letters, 128 bytes", "𝒜".repeat(32)],
  ])("accepts %s", (_case, name) => expect(parse(name)).toBe(name));

  test.each([
    ["nothing", ""],
    ["a space", " "],
    ["a space within", "al ice"],
    ["a space before", " alice"],
    ["a space after", "alice "],
    ["a line feed after", "alice\n"],
    ["`_` first", "_alice"],
    ["`-` first", "-alice"],
    ["`.` first", ".alice"],
    ["two dots", ".."],
    ["a mark first", "\u0301a"],
    ["a star", "*"],
    ["a comma", "a,b"],
    ["a colon", "a:b"],
    ["a slash", "a/b"],
    ["an at sign", "@alice"],
    ["a percent sign", "%61"],
    ["a quote", 'a"b'],
    ["an emoji", "😀"],
    ["a NUL", "a\0"],
    ["a zero-width space", "a\u200bb"],
    ["a zero-width joiner", "a\u200db"],
    ["a right-to-left override", "a\u202eb"],
    ["a soft hyphen", "a\u00adb"],
    ["half a character", "a\ud835"],
    ["33 letters", "x".repeat(33)],
    ["33 astral letters", "𝒜".repeat(33)],
    ["17 that NFC makes 34", "\u0958".repeat(17)],
    ["a megabyte", "x".repeat(1_048_576)],
  ])("rejects %s", (_case, name) => expect(parse(name)).toBeUndefined());

  test.each([
    ["a letter and its accent", "Zoe\u0308", "Zo\u00eb"],
    ["accents in another order", "a\u0323\u0302", "\u1ead"],
    ["the Ångström sign", "\u212b", "\u00c5"],
    ["Hangul in parts", "\u1112\u1161\u11ab", "\ud55c"],
    ["33 that NFC makes 32", `${"x".repeat(31)}e\u0301`, `${"x".repeat(31)}\u00e9`],
    ["16 that NFC makes 32", "\u0958".repeat(16), "\u0915\u093c".repeat(16)],
  ])("normalises %s", (_case, name, normal) => expect(parse(name)).toBe(normal));

  test.each([
    ["case", "alice", "Alice"],
    ["look-alikes", "alice", "аlice"],
    ["width", "a1", "a１"],
    ["ligatures", "fi", "ﬁ"],
  ])("keeps %s apart", (_case, one, other) => expect(parse(one)).not.toBe(parse(other)));

  test("a parsed name parses to itself", () => {
    fc.assert(
      fc.property(fc.oneof(anyName, anyText), (text) => {
        const name = parse(text);
        if (name === undefined) return;
        expect(parse(name)).toBe(name);
        expect(name.isWellFormed()).toBe(true);
        expect(Array.from(name).length).toBeLessThanOrEqual(32);
      }),
      fuzz(2_000),
    );
  });
});

describe("positions", () => {
  test.each([
    ["the start", 0],
    ["the first", 1],
    ["the last possible", Number.MAX_SAFE_INTEGER],
  ])("%s is valid", (_case, value) => expect(parseSeq(value)).toBe(value));

  test.each([
    ["a negative number", -1],
    ["a fraction", 0.5],
    ["2^53", 2 ** 53],
    ["Infinity", Infinity],
    ["NaN", NaN],
    ["a string", "1"],
    ["null", null],
    ["nothing", undefined],
    ["an object", { valueOf: (): number => 1 }],
    ["a big integer", 1n],
  ])("%s is not valid", (_case, value) => expect(parseSeq(value)).toBeUndefined());

  test.each([
    ["forward", 5, 3, 8],
    ["back", 5, -3, 2],
    ["back to the start", 5, -5, 0],
    ["never before the start", 5, -6, 0],
    ["by zero", 5, 0, 5],
  ])("shift %s", (_case, from, by, to) => expect(addSeq(seq(from), by)).toBe(to));

  test("the later of two is the higher, in either order", () => {
    expect(maxSeq(seq(3), seq(4))).toBe(4);
    expect(maxSeq(seq(4), seq(3))).toBe(4);
    expect(maxSeq(SEQ_ZERO, SEQ_ZERO)).toBe(0);
  });
});

describe("R2 connection ids", () => {
  const chance = fc.oneof(fc.constant(0), fc.integer(), fc.nat(0xffff_ffff));
  const now = fc.nat({ max: 253_402_300_799_999 });

  test("a later connection has a greater id, whatever the clock does", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(now, chance), { minLength: 2 }), (connects) => {
        let newest: ConnectionId | undefined;
        for (const [now, chance] of connects) {
          const id = nextConnectionId(newest, now, chance);
          if (newest !== undefined) expect(id > newest).toBe(true);
          newest = id;
        }
      }),
      fuzz(500),
    );
  });

  test("two that a wake gave the same position differ by random bits", () => {
    const newest = nextConnectionId(undefined, 1_000, 1);
    const [one, two] = [nextConnectionId(newest, 900, 2), nextConnectionId(newest, 900, 3)];
    expect(one).not.toBe(two);
    expect(one > newest && two > newest).toBe(true);
  });

  test.each([
    ["the clock, if it is ahead", undefined, 1_700_000_000_000, "001700000000000-000000ff"],
    ["one more than the highest, if the clock stands", 1_000, 1_000, "000000000001001-000000ff"],
    ["one more than the highest, if the clock went back", 1_000, 10, "000000000001001-000000ff"],
    ["the clock, if it advanced", 1_000, 1_002, "000000000001002-000000ff"],
  ])("begins with %s", (_case, last, now, id) => {
    const newest = last === undefined ? undefined : nextConnectionId(undefined, last, 7);
    expect(nextConnectionId(newest, now, 255)).toBe(id);
  });

  test("all 32 random bits are used, negative values too", () => {
    expect(nextConnectionId(undefined, 0, -1)).toBe("000000000000000-ffffffff");
    expect(nextConnectionId(undefined, 0, 0x8000_0000)).toBe("000000000000000-80000000");
  });
});

describe("utf8Length", () => {
  test.each([
    ["nothing", "", 0],
    ["the last of one byte", "\u007f", 1],
    ["the first of two", "\u0080", 2],
    ["the last of two", "\u07ff", 2],
    ["the first of three", "\u0800", 3],
    ["the last of three", "\uffff", 3],
    ["the first of four", "\u{10000}", 4],
    ["the last of four", "\u{10ffff}", 4],
    ["half a character, as U+FFFD", "\ud800", 3],
    ["the other half", "\udc00", 3],
    ["halves in the wrong order", "\udc00\ud800", 6],
    ["a half before a whole", "\ud800\ud83d\ude00", 7],
  ])("counts %s", (_case, text, bytes) => expect(utf8Length(text)).toBe(bytes));

  test("counts a text longer than its chunk, wherever that is cut", () => {
    for (let before = 16_380; before < 16_390; before++) {
      const text = `${"x".repeat(before)}${"\u{10000}".repeat(5_000)}\ud800`;
      expect(utf8Length(text)).toBe(before + 20_000 + 3);
    }
  });

  test("equals the length that an encoder gives, for any text", () => {
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: "binary" })), (text) => {
        expect(utf8Length(text)).toBe(encoder.encode(text).length);
        const whole = text.toWellFormed();
        expect(utf8Length(whole)).toBe(Buffer.byteLength(whole));
      }),
      fuzz(2_000),
    );
  });
});
