/** Entries: encoded once, joined into a segment, split again. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  concerns,
  encodeEntry,
  type Entry,
  type MessageFields,
  joinFrames,
  mayConcern,
  readEntry,
} from "../../../src/core/entry.ts";
import type { Data } from "../../../src/protocol/frames.ts";
import { DECODE_CHUNK_BYTES, splitFrames } from "../../../src/store/segment.ts";
import { anyName, fuzz, keptText, peer, seq } from "../../support/arbitraries.ts";

const [alice, bob, carol] = [peer("alice"), peer("bob"), peer("carol")];
const said = (text: string, more: Partial<MessageFields> = {}) =>
  encodeEntry({ type: "message", seq: seq(1), from: alice, text, at: 7, ...more });

test.each([
  ["to everyone", said("hi"), `{"type":"message","seq":1,"from":"alice","text":"hi","at":7}`],
  [
    "to some, with an id",
    said("hi", { to: [bob, carol], id: "m1" }),
    `{"type":"message","seq":1,"from":"alice","to":["bob","carol"],"text":"hi","id":"m1","at":7}`,
  ],
  [
    "what JSON escapes",
    said('"\\\n\0'),
    String.raw`{"type":"message","seq":1,"from":"alice","text":"\"\\\n\u0000","at":7}`,
  ],
])("is encoded as the frame that goes over the wire: %s", (_what, entry, frame) => {
  expect(entry.frame).toBe(frame);
  expect(entry.bytes).toBe(Buffer.byteLength(frame));
});

/** Texts, each of which ends about a byte before or after the end of a chunk. */
const around = (letter: string): string[] =>
  Array.from({ length: 12 }, (_, index) => {
    const bytes = DECODE_CHUNK_BYTES - said("").bytes - 8 + index;
    return letter.repeat(bytes / Buffer.byteLength(letter)) + "y".repeat(bytes % 3);
  });

/** The text of a segment, and the way back. */
const joinEntries = (entries: readonly Entry[]): string =>
  joinFrames(entries.map(({ frame }) => frame));
const splitEntries = (body: string): Entry[] => {
  const frames = splitFrames(body);
  expect(splitFrames(new TextEncoder().encode(body).buffer)).toEqual(frames);
  return frames.map(readEntry);
};

describe("a segment", () => {
  test.each([
    ["one entry", ["hi"]],
    ["several", ["one", "two", "three"]],
    ["an empty text", [""]],
    ["the separator of entries", [",\n", "},\n{", ",\n,\n", "\n"]],
    ["brackets", ["]", "[", "]},\n[{"]],
    ["quotes and backslashes", ['"', '\\"', "\\", '",\n"']],
    ["an escaped line feed, written out", [String.raw`,\n`]],
    ["line separators", ["\u2028,\u2029,\u0085"]],
    ["a frame", [`{"type":"message","seq":2}`]],
    ["bytes of every length", ["aé你😀"]],
  ])("is JSON, and splits into its entries: %s", (_what, texts) => {
    const entries = texts.map((text, index) => said(text, { seq: seq(index + 1) }));
    const body = joinEntries(entries);
    expect(JSON.parse(body)).toMatchObject(texts.map((text) => ({ text })));
    expect(splitEntries(body)).toMatchObject(entries);
  });

  test.each([
    ["texts that fill several chunks", Array.from({ length: 300 }, (_, i) => "aé你😀".repeat(i))],
    [
      "a text longer than a chunk",
      ["a", "é".repeat(DECODE_CHUNK_BYTES), "b", "你".repeat(DECODE_CHUNK_BYTES)],
    ],
    ["a text that ends about where a chunk does", around("x")],
    ["the same, in characters of three bytes", around("你")],
  ])("is split into frames, chunk by chunk: %s", (_what, texts) => {
    const entries = texts.map((text, index) => said(text, { seq: seq(index + 1) }));
    expect(splitEntries(joinEntries(entries))).toMatchObject(entries);
  });

  test("an empty segment has no entries", () => {
    expect(joinEntries([])).toBe("[]");
    expect(splitEntries("[]")).toEqual([]);
  });

  test("keeps fields unknown to an entry", () => {
    const frame = `{"type":"message","seq":1,"from":"alice","text":"","at":7,"later":true}`;
    const body = joinEntries([{ ...said(""), frame, bytes: frame.length }, said("hi")]);
    const entries = splitEntries(body);
    expect(entries.map((entry) => entry.frame)).toEqual([frame, said("hi").frame]);
    expect(joinEntries(entries)).toBe(body);
  });

  test("any text survives the round trip", () => {
    const fields = fc.record(
      {
        from: anyName,
        text: fc.oneof(keptText, fc.constantFrom(",\n", '",\n"', "[]")),
        to: fc.array(anyName, { minLength: 1, maxLength: 4 }),
        id: keptText,
      },
      { requiredKeys: ["from", "text"] },
    );
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 8 }), (said) => {
        const entries = said.map((fields, index) =>
          encodeEntry({
            type: "message",
            ...fields,
            seq: seq(index + 1),
            at: 1_700_000_000_000 + index,
          }),
        );
        const body = joinEntries(entries);
        const again = splitEntries(body);
        expect(again).toMatchObject(entries);
        expect(again.map(({ to, id }) => [to, id])).toEqual(entries.map(({ to, id }) => [to, id]));
        expect(joinEntries(again)).toBe(body);
        for (const { frame, bytes } of again) expect(bytes).toBe(Buffer.byteLength(frame));
      }),
      fuzz(500),
    );
  });
});

test.each<[string, Partial<MessageFields>]>([
  ["without an id", {}],
  ["with a short id", { id: "7" }],
  ["with an id of ten characters", { id: "0123456789" }],
  ["with a longer one", { id: "01234567890" }],
  ["with an id that JSON escapes", { id: 'a"b\\' }],
  ["with an id of other letters", { id: "é你😀" }],
  ["with an empty text", { id: "m1", text: "" }],
  ["with a text that looks like its end", { id: "m1", text: '","id":"m2","at":9}' }],
  ["with such a text alone", { text: '","id":"m2","at":9}' }],
  ["that was erased", { id: "m1", text: "", erased: true as const, by: "operator" as const }],
  ["that refers to another", { id: "m1", ref: seq(1), quiet: true as const }],
  ["that was changed", { id: "m1", patched: seq(9), patches: 2 }],
  ["with data that looks like its end", { data: { a: "", id: "m2", at: 9 } }],
  ["with an id, and data that looks like its end", { id: "m1", data: { id: "m2", at: 9 } }],
  ["with data of odd keys", { data: JSON.parse('{"__proto__":{"x":1},"toJSON":2}') as Data }],
])("an entry %s is parsed as JSON would", (_what, fields) => {
  const entry = said("hi", { to: [bob], ...fields });
  expect(readEntry(entry.frame)).toEqual(entry);
  const { frame, bytes, ...read } = readEntry(entry.frame);
  expect(JSON.parse(frame)).toEqual(JSON.parse(JSON.stringify(read)));
  expect(bytes).toBe(Buffer.byteLength(frame));
});

test.each([
  ["a hole in its text", (frame: string) => frame.replace("there", "\0")],
  ["no end of its text", (frame: string) => frame.replace('there"', "there")],
  ["no colon", (frame: string) => frame.replace('"text":', '"text"')],
  ["a line feed in its id", (frame: string) => frame.replace("m1", "m\n")],
  ["half of it", (frame: string) => frame.slice(0, -20)],
])("a damaged entry is rejected: %s", (_what, damage) => {
  const { frame } = said("hi there", { id: "m1" });
  expect(() => readEntry(damage(frame))).toThrow(SyntaxError);
});

test("an unparsed frame shows whom it cannot concern, whatever its text and its data", () => {
  const names = fc.constantFrom(alice, bob, carol, peer("to"), peer("é"));
  const fields = fc.record(
    {
      from: names,
      text: fc.oneof(keptText, fc.constantFrom('"to":[', 'x","to":["bob"', "carol", '"carol"')),
      to: fc.array(names, { maxLength: 4 }),
      data: fc.constantFrom({ to: ["x"] }, { from: "x", to: [] }, { type: "patch" }),
      by: fc.constant("operator" as const),
    },
    { requiredKeys: ["from", "text"] },
  );
  fc.assert(
    fc.property(fields, names, fc.boolean(), (given, name, isPatch) => {
      const place = { seq: seq(2), at: 7 };
      const entry = isPatch
        ? encodeEntry({ type: "patch", ref: seq(1), ...given, ...place })
        : encodeEntry({ type: "message", ...given, ...place });
      if (concerns(entry, name)) expect(mayConcern(entry.frame, name)).toBe(true);
      // A name equal to a field, to the author, or to the whole text, only costs a needless parse.
      else if (given.text !== name && name !== "to" && name !== given.from)
        expect(mayConcern(entry.frame, name)).toBe(false);
    }),
    fuzz(1_000),
  );
});

test("a message that release 1 erased is read as erased by the operator", () => {
  const frame = `{"type":"message","seq":1,"from":"alice","to":["bob"],"text":"","id":"m1","at":7,"redacted":true}`;
  const erased = said("", { to: [bob], id: "m1", erased: true, by: "operator" });
  expect(readEntry(frame)).toEqual(erased);
});

const erasedBob = said("", { to: [bob], erased: true, by: "operator" });
const operatorPatch = encodeEntry({
  type: "patch",
  seq: seq(2),
  ref: seq(1),
  from: alice,
  to: [bob],
  at: 7,
  erase: true,
  by: "operator",
});

test.each([
  ["everyone, when it names nobody", said("hi"), carol, true],
  ["the sender of one to everyone", said("hi"), alice, true],
  ["a recipient", said("hi", { to: [bob, carol] }), carol, true],
  ["the sender of one to others", said("hi", { to: [bob] }), alice, true],
  ["a sender who named themselves", said("hi", { to: [alice] }), alice, true],
  ["not a peer that is not named", said("hi", { to: [bob] }), carol, false],
  ["not a peer whose name is only part of one", said("hi", { to: [peer("bobby")] }), bob, false],
  ["nobody, when the list is empty", said("hi", { to: [] }), bob, false],
  ["the author of a message that an operator erased", erasedBob, alice, true],
  ["only those whom an operator's patch names", operatorPatch, alice, false],
  ["everyone whom it names", operatorPatch, bob, true],
])("concerns %s", (_what, entry, name, yes) => expect(concerns(entry, name)).toBe(yes));
