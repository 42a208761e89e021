/**
 * R7: the codec answers every line of `chat.line`, whether a person or a script wrote it; no text can forge a line.
 *
 * A rejection is identified by its code and the beginning of its sentence. No sentence repeats the sender's text.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeEntry, type Entry } from "../../../src/core/entry.ts";
import type { Command, ServerMessage } from "../../../src/core/event.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { readLines, writeLines } from "../../../src/codec/line.ts";
import { anyName, anyText, fuzz, keptText, peer, room, seq } from "../../support/arbitraries.ts";
import { HOSTILE_LINES, type Outcome } from "./hostile-line.ts";
import { isSound } from "../../support/command-oracle.ts";

const limits = defaultLimits();
const read = (text: string): Command[] => [...readLines(text, limits)];

const [alice, bob] = [peer("alice"), peer("bob")];

describe.each(HOSTILE_LINES)("R7 %s", (_group, rows) => {
  test.each(rows)("%s", (_what, frame, outcome) => {
    const commands = read(frame);
    const expected = [outcome].flat();
    expect(commands.map((command, index) => outcomeOf(command, expected[index]))).toEqual(expected);
    expect(commands.filter((command) => !isSound(command, limits))).toEqual([]);
    for (const sentence of new Set(commands.flatMap(sentenceOf))) {
      expect(sentence).not.toContain("mal");
      expect(sentence).not.toContain("lory");
      if (frame.length > 8) expect(sentence).not.toContain(frame.trim());
    }
  });
});

test("every sentence says what to write instead", () => {
  const refused = HOSTILE_LINES.flatMap(([, rows]) => rows).flatMap(([, frame]) =>
    read(frame).flatMap(sentenceOf),
  );
  const advice = /write|send it|a name has|there are|see \/help|well-formed/;
  expect([...new Set(refused)].filter((sentence) => !advice.test(sentence))).toEqual([]);
});

const sound = (text: string): void => {
  for (const command of read(text)) if (!isSound(command, limits)) expect(command).toBe("sound");
};

describe("R7 fuzz", () => {
  test("any text", () => {
    fc.assert(fc.property(anyText, sound), fuzz(2_000));
  });

  test("lines that are nearly right", () => {
    const part = fc.oneof(
      fc.constantFrom(
        "*",
        ",",
        ":",
        "\n",
        "\r",
        "/",
        " ",
        "\t",
        "0",
        "bob",
        "/who",
        "/history",
        "/quit",
        "from ",
        ": hi",
        "\u2028",
      ),
      anyName,
      anyText,
    );
    const line = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(fc.property(line, sound), fuzz(2_000));
  });

  test("no sentence repeats the sender's text", () => {
    const secret = fc.stringMatching(/^[a-z]{12}$/);
    const around = fc.tuple(
      fc.constantFrom("", "/", "/who @", "/history ", "*,", "bob: \ud800", "\0"),
      secret,
    );
    fc.assert(
      fc.property(around, fc.constantFrom("", ":", ": hi", " x y"), ([before, secret], after) => {
        const sentences = read(before + secret + after).flatMap(sentenceOf);
        expect(sentences.join()).not.toContain(secret);
      }),
      fuzz(500),
    );
  });

  test("a message written by one person is read by another, whole", () => {
    const words = fc.array(fc.tuple(fc.array(anyName, { minLength: 1, maxLength: 3 }), keptText));
    fc.assert(
      fc.property(words, (lines) => {
        const written = lines.map(
          ([to, text]) => [to, text.replaceAll(/[\r\n]/g, "").trim()] as const,
        );
        const full = written.filter(([, text]) => text !== "");
        const commands = read(full.map(([to, text]) => `${to.join(", ")}: ${text}`).join("\n"));
        const expected = full.map(([to, text]) => ({
          type: "Message",
          text,
          to: [...new Set(to)],
        }));
        expect(commands).toEqual(full.length === 0 ? [{ type: "Empty" }] : expected);
      }),
      fuzz(500),
    );
  });
});

/** Defined apart from the codec: line breaks, and characters that may turn or steer a terminal. */
const BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/u;
const shown = (text: string): string => text.replaceAll(/(?!\t)[\p{Cc}\p{Bidi_Control}]/gu, "");

describe("nobody can forge a line", () => {
  const entries = fc
    .array(fc.tuple(anyName, fc.oneof(keptText, forging())), { maxLength: 8 })
    .map((said) =>
      said.map(([from, text], index) =>
        encodeEntry({ type: "message", seq: seq(index + 1), from, text, at: index }),
      ),
    );

  test("every line of a message is its sender's, and only controls are lost", () => {
    fc.assert(
      fc.property(entries, (entries) => {
        const lines = linesOf([{ type: "entries", entries }]);
        const shownText = entries.filter(({ text }) => text !== "");
        const expected = shownText.flatMap(({ from, text }) =>
          text
            .split(BREAK)
            .map((line, index) => (index === 0 ? `from ${from}: ` : "  ") + shown(line)),
        );
        const said = lines.filter((line) => !line.startsWith("* "));
        expect(said).toEqual(expected);
        expect(said.filter((line) => line.startsWith("from "))).toHaveLength(shownText.length);
      }),
      fuzz(1_000),
    );
  });

  test("every line of history is marked as such", () => {
    fc.assert(
      fc.property(entries, (entries) => {
        const lines = linesOf([{ type: "history", id: undefined, entries, next: undefined }]);
        for (const line of lines) expect(line).toMatch(/^(\* | {2})/);
        expect(lines.filter((line) => line.startsWith("* "))).toHaveLength(entries.length || 1);
      }),
      fuzz(500),
    );
  });

  test("every line of any turn begins with a known mark, and steers no terminal", () => {
    const some = fc.array(anyName, { maxLength: 5 });
    const refusals = anyText.map((text) => read(text).flatMap(refusalOf));
    const turn = fc.tuple(entries, some, some, fc.boolean(), refusals, fc.nat(9));
    fc.assert(
      fc.property(turn, ([entries, here, away, missed, refusals, online]) => {
        const lines = linesOf([
          { ...welcome, online, peers: here },
          { type: "gap", from: seq(1), to: seq(online) },
          { type: "entries", entries },
          { type: "presence", joined: here, left: away, online, missed },
          { type: "history", id: undefined, entries, next: seq(1) },
          {
            type: "who",
            id: undefined,
            peers: here.map((name) => ({ name, online: missed })),
            next: away[0],
          },
          ...refusals,
          { type: "away", names: away },
          { type: "help" },
          { type: "ready", seq: seq(1) },
          { type: "signal", from: bob, to: undefined, data: JSON.stringify(entries) },
        ]);
        for (const line of lines) {
          if (!/^(from |\* | {2})/.test(line) || line !== shown(line) || BREAK.test(line)) {
            expect(line).toBe("a line of the dialect");
          }
        }
      }),
      fuzz(500),
    );
  });
});

const long = (length: number, text = "x"): Entry =>
  encodeEntry({ type: "message", seq: seq(1), from: bob, text: text.repeat(length), at: 1 });
const turn = (...entries: Entry[]): ServerMessage[] => [{ type: "entries", entries }];

describe("R8 frames are at most 256 KiB, cut at line ends", () => {
  test.each<readonly [string, readonly ServerMessage[], number]>([
    ["a turn that fits", turn(long(8_192), long(8_192)), 1],
    [
      "256 KiB with their line ends",
      turn(...Array.from({ length: 4 }, () => long(65_536 - 11))),
      1,
    ],
    ["a byte more", turn(...Array.from({ length: 4 }, () => long(65_536 - 11)), long(1)), 2],
    ["a megabyte of lines", turn(...Array.from({ length: 200 }, () => long(8_192))), 7],
    ["a text of line feeds only", turn(long(65_536, "\n"), long(65_536, "\n")), 2],
    ["characters of four bytes", turn(...Array.from({ length: 40 }, () => long(2_048, "😀"))), 2],
    [
      "several messages of a turn",
      [...turn(...Array.from({ length: 32 }, () => long(8_192))), { type: "help" }],
      2,
    ],
  ])("%s", (_what, outs, count) => {
    const frames = writeLines(outs, alice);
    expect(frames).toHaveLength(count);
    for (const { text, bytes } of frames) {
      expect(bytes).toBe(Buffer.byteLength(text));
      expect(bytes).toBeLessThanOrEqual(256 * 1_024);
      expect(text).toMatch(/^(from |\* | {2})/);
    }
    // The frames are cut, not changed: together they hold the lines of each message alone.
    const alone = outs.flatMap((out) =>
      out.type === "entries"
        ? out.entries.flatMap((entry) => linesOf(turn(entry)))
        : linesOf([out]),
    );
    expect(frames.flatMap(({ text }) => text.split("\n"))).toEqual(alone);
  });
});

const welcome = {
  type: "welcome",
  room: room("lobby"),
  name: alice,
  epoch: "e1",
  head: seq(9),
  since: seq(4),
  spread: 5,
} as const;

const linesOf = (outs: readonly ServerMessage[]): string[] =>
  writeLines(outs, alice).flatMap(({ text }) => text.split("\n"));

/** Texts that try to look like lines of the room. */
function forging(): fc.Arbitrary<string> {
  const breaks = fc.constantFrom(
    "\n",
    "\r",
    "\r\n",
    "\u0085",
    "\u2028",
    "\u2029",
    "\v",
    "\f",
    "\u001b[1A\r",
  );
  const lines = fc.constantFrom("from bob: I owe you", "* bob left", "  ", "\u202e:bob morf", "");
  return fc
    .array(fc.tuple(breaks, lines), { maxLength: 6 })
    .map((parts) => `hi${parts.flat().join("")}`);
}

/** A command as the tables write it: a rejection has the expected beginning of its sentence. */
function outcomeOf(command: Command, expected: Outcome | undefined): Outcome {
  if (command.type !== "Invalid") return command;
  const { code, message } = command.refusal;
  const begins = expected !== undefined && "begins" in expected ? expected.begins : "";
  return { code, begins: message.startsWith(begins) ? begins : message };
}

const refusalOf = (command: Command): ServerMessage[] =>
  command.type === "Invalid" ? [{ type: "error", refusal: command.refusal }] : [];

const sentenceOf = (command: Command): string[] =>
  command.type === "Invalid" ? [command.refusal.message] : [];
