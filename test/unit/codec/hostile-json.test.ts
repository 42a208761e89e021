/**
 * R7: the codec answers every frame of a `chat.v1` client, whatever it holds; accepted commands need no further check.
 *
 * A rejection is identified by its code, the field that its sentence begins with, and its id. No sentence repeats the
 * client's text.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/core/event.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { readFrame } from "../../../src/codec/json.ts";
import { anyName, anyText, fuzz } from "../../support/arbitraries.ts";
import { ack, history, HOSTILE_JSON, nested, type Outcome, send, signal } from "./hostile-json.ts";
import { isSound } from "../../support/command-oracle.ts";

const limits = defaultLimits();
const read = (text: string): Command[] => [...readFrame(text, limits)];

describe.each(HOSTILE_JSON)("R7 %s", (_group, rows) => {
  test.each(rows)("%s", (_what, frame, outcome) => {
    const commands = read(frame);
    expect(commands.map(outcomeOf)).toEqual([outcome].flat());
    expect(commands.filter((command) => !isSound(command, limits))).toEqual([]);
    for (const sentence of new Set(commands.flatMap(sentenceOf))) {
      expectNothingRepeated(sentence, frame);
    }
  });
});

test("R7 5,000 brackets in `data` are rejected, whether they can be encoded again or not", () => {
  const [command, ...more] = read(signal(nested(5_000)));
  expect(more).toEqual([]);
  expect(command).toMatchObject({ type: "Invalid", refusal: { id: "m1" } });
  const { code, message } =
    command?.type === "Invalid" ? command.refusal : { code: "", message: "" };
  expect(["bad-frame", "too-large"]).toContain(code);
  expect(message).toMatch(/^data: (nested too deep|10000 bytes, at most 1024 bytes)/);
});

test("-0 is a position like 0", () => {
  const [command] = read(ack("-0"));
  expect(command?.type === "Ack" && command.seq === 0).toBe(true);
});

const sound = (text: string): void => {
  for (const command of read(text)) {
    if (!isSound(command, limits)) expect(command).toBe("sound");
    for (const sentence of sentenceOf(command)) expect(sentence).toMatch(SENTENCE);
  }
};

const asItself = (secret: string): unknown => secret;
const inList = (secret: string): unknown => [secret];
const asKey = (secret: string): unknown => ({ [secret]: "x".repeat(1_025) });
const asHalf = (secret: string): unknown => `${secret}\ud800`;

describe("R7 fuzz", () => {
  test("any text", () => {
    fc.assert(fc.property(anyText, sound), fuzz(2_000));
  });

  test("any JSON", () => {
    fc.assert(fc.property(fc.json(), sound), fuzz(1_000));
  });

  test("frames that are nearly right", () => {
    fc.assert(fc.property(fc.oneof(nearly, fc.array(nearly)).map(encode), sound), fuzz(2_000));
  });

  test("good frames with one character changed", () => {
    const good = fc.constantFrom(
      send({ to: ["bob"] }),
      send({ ref: 1, quiet: true, data: { a: [1, "b"] } }),
      JSON.stringify({ type: "patch", id: "p1", ref: 1, text: "x", data: {} }),
      ack("12"),
      signal(`{"a":"b"}`),
      history({}),
    );
    const change = fc.tuple(good, fc.nat(60), fc.nat(2), fc.nat(0xffff));
    fc.assert(
      fc.property(change, ([frame, at, cut, unit]) =>
        sound(frame.slice(0, at) + String.fromCharCode(unit) + frame.slice(at + cut)),
      ),
      fuzz(2_000),
    );
  });

  test("no sentence repeats the client's text, whatever field held it", () => {
    const secret = fc.stringMatching(/^[a-z]{12}$/).map((word) => `${word} \0`);
    const field = fc.constantFrom(
      "type",
      "id",
      "text",
      "to",
      "seq",
      "data",
      "before",
      "limit",
      "after",
      "ref",
      "quiet",
      "erase",
    );
    const wrong = fc.tuple(nearly, field, secret, fc.constantFrom(asItself, inList, asKey, asHalf));
    fc.assert(
      fc.property(wrong, ([frame, field, secret, put]) => {
        const commands = read(encode({ ...frame, [field]: put(secret) }));
        expect(commands.flatMap(sentenceOf).join()).not.toContain(secret.slice(0, 12));
      }),
      fuzz(1_000),
    );
  });
});

/** Matches every sentence of the codec. */
const SENTENCE =
  /^((type|id|text|to|seq|data|before|limit|after|ref|quiet|erase|patch): expected [^\0]+|(text|data|to): \d+ (bytes|names), at most \d+ [^\0]+|frame: [^\0]+|data: (nested too deep|a (string|number) in it is [^\0]+|at most 16 levels [^\0]+))$/;

const encode = (value: unknown): string => JSON.stringify(value);

/** Every field is missing, right, or anything. */
const nearly = fc.record(
  {
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom("send", "patch", "ack", "signal", "history", "who") },
      { weight: 1, arbitrary: fc.oneof(anyText, fc.jsonValue()) },
    ),
    id: fc.oneof(fc.constant("m1"), anyText, fc.jsonValue()),
    text: fc.oneof(anyText, fc.jsonValue()),
    to: fc.oneof(
      fc.array(anyName, { maxLength: 80 }),
      fc.array(fc.oneof(anyName, anyText)),
      fc.jsonValue(),
    ),
    seq: fc.oneof(fc.nat(), fc.double(), fc.jsonValue()),
    ref: fc.oneof(fc.nat(), fc.double(), fc.jsonValue()),
    quiet: fc.oneof(fc.boolean(), fc.jsonValue()),
    erase: fc.oneof(fc.boolean(), fc.jsonValue()),
    data: fc.oneof(fc.jsonValue({ maxDepth: 20 }), anyText, fc.dictionary(anyText, anyText)),
    before: fc.oneof(fc.nat(), fc.double(), fc.jsonValue()),
    limit: fc.oneof(fc.nat(120), fc.double(), fc.jsonValue()),
    after: fc.oneof(anyText, fc.jsonValue()),
  },
  { requiredKeys: ["type"] },
);

/** A command as the tables write it: a rejection has its field in place of its sentence. */
function outcomeOf(command: Command): Outcome {
  if (command.type !== "Invalid") return command;
  const { code, message, id } = command.refusal;
  const field = /^[a-z]+: /.exec(message)?.[0] ?? message;
  return { code, begins: field, ...(id !== undefined && { id }) };
}

const sentenceOf = (command: Command): string[] =>
  command.type === "Invalid" ? [command.refusal.message] : [];

/** The words of the protocol, which a sentence may use. */
const WORDS = new Set([
  "send",
  "ack",
  "signal",
  "history",
  "who",
  "patch",
  "erase",
  "ref",
  "quiet",
  "true",
  "names",
  "type",
  "text",
  "seq",
  "data",
  "before",
  "limit",
  "after",
]);

function expectNothingRepeated(sentence: string, frame: string): void {
  const words = sentence.split(/[ ,:;]+/);
  const repeated = leaves(frame).filter(
    (leaf) =>
      leaf.length > 2 && !WORDS.has(leaf) && (sentence.includes(leaf) || words.includes(leaf)),
  );
  expect(repeated).toEqual([]);
}

/** Every string, key and number of a frame; the whole text, if it is not JSON. */
function leaves(frame: string): string[] {
  const found: string[] = [];
  try {
    JSON.parse(frame, (key, value) => {
      found.push(key);
      if (typeof value === "string") found.push(value);
      // As a word: 10 does not count as repeated in 100.
      if (typeof value === "number") found.push(String(value));
    });
  } catch {
    return [frame];
  }
  return found;
}
