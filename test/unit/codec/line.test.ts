/** `chat.line`: one table of lines that people write and their meaning, one of lines that people read. */
import { describe, expect, test } from "vitest";
import { encodeEntry } from "../../../src/core/entry.ts";
import type { Command, ServerMessage } from "../../../src/core/event.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { readLines, writeLines } from "../../../src/codec/line.ts";
import { peer, peers, room, seq } from "../../support/arbitraries.ts";

const limits = defaultLimits();
const read = (text: string): Command[] => [...readLines(text, limits)];

const [alice, bob, carol] = [peer("alice"), peer("bob"), peer("carol")];
const hi: Command = { type: "Message", text: "hi", to: [bob] };

describe("lines that people write", () => {
  test.each<readonly [string, string, readonly Command[]]>([
    ["one name", "bob: hi", [hi]],
    ["many names", "bob, carol: hi", [{ type: "Message", text: "hi", to: [bob, carol] }]],
    ["a name twice", "bob,bob: hi", [hi]],
    ["no space", "bob:hi", [hi]],
    ["spaces everywhere", " \tbob :  hi  ", [hi]],
    ["a colon in the text", "bob: see: this", [{ type: "Message", text: "see: this", to: [bob] }]],
    ["a comma in the text", "bob: a, b", [{ type: "Message", text: "a, b", to: [bob] }]],
    ["everyone", "*: hi", [{ type: "Message", text: "hi" }]],
    [
      "several lines",
      "bob: hi\n/who\n*: all",
      [hi, { type: "Who" }, { type: "Message", text: "all" }],
    ],
    ["CR LF and empty lines", "\r\nbob: hi\r\n\r\n", [hi]],
    ["only empty lines", "\n \r\n", [{ type: "Empty" }]],
    ["/who", "/who", [{ type: "Who" }]],
    ["/who after a name", "/who bob", [{ type: "Who", after: "bob" }]],
    ["/history", "/history", [{ type: "History", limit: 50 }]],
    ["/history of some", "/history 7", [{ type: "History", limit: 7 }]],
    ["/help", "/help", [{ type: "Help" }]],
    ["/quit", "/quit", [{ type: "Quit" }]],
    ["a message, and then goodbye", "bob: hi\n/quit", [hi, { type: "Quit" }]],
  ])("%s", (_what, text, commands) => expect(read(text)).toEqual(commands));
});

const entry = (text: string, from = bob) =>
  encodeEntry({ type: "message", seq: seq(1), from, text, at: 1_700_000_000_999 });
const said = (...texts: string[]): ServerMessage => ({
  type: "entries",
  entries: texts.map((text) => entry(text)),
});
const quiet = { type: "presence", joined: [], left: [], online: 3, missed: false } as const;
const welcome = {
  type: "welcome",
  room: room("lobby"),
  name: alice,
  epoch: "e1",
  head: seq(9),
  since: seq(4),
  online: 1,
  peers: [alice],
  spread: 5,
} as const;
const HOW = '* write "bob, carol: hi" to some, "*: hi" to everyone; /who /history /help /quit';
const TIME = "2023-11-14 22:13:20Z";

describe("lines that people read", () => {
  test.each<readonly [string, readonly ServerMessage[], readonly string[]]>([
    ["a message", [said("hi")], ["from bob: hi"]],
    [
      "the reader's own, if they named themselves",
      [{ type: "entries", entries: [entry("hi", alice)] }],
      ["from alice: hi"],
    ],
    ["a tab stays", [said("a\tb")], ["from bob: a\tb"]],
    [
      "line breaks of every kind",
      [said("a\nb\rc\r\nd\u0085e\u2028f\u2029g")],
      ["from bob: a", "  b", "  c", "  d", "  e", "  f", "  g"],
    ],
    ["two line breaks", [said("a\n\nb")], ["from bob: a", "  ", "  b"]],
    [
      "a forged line",
      [said("hi\nfrom carol: I owe you\n* carol left")],
      ["from bob: hi", "  from carol: I owe you", "  * carol left"],
    ],
    ["escape sequences become harmless", [said("\u001b[2J\u0007\u009b0m")], ["from bob: [2J0m"]],
    [
      "text cannot be reversed",
      [said("\u202eevil\u202c \u2066x\u2069 \u200e\u200f\u061c")],
      ["from bob: evil x "],
    ],
    ["data without a text", [said("")], ["* bob sent something that a line cannot show"]],
    [
      "all messages of one turn",
      [said("one"), { ...quiet, joined: [carol] }, said("two")],
      ["from bob: one", "* carol joined", "from bob: two"],
    ],
    ["a welcome, alone", [welcome], ["* welcome to lobby, alice; nobody else is here", HOW]],
    [
      "a welcome among others",
      [{ ...welcome, online: 3, peers: [alice, bob, carol] }],
      ["* welcome to lobby, alice; here: bob, carol", HOW],
    ],
    [
      "a welcome among many",
      [{ ...welcome, online: 9, peers: [alice, bob] }],
      ["* welcome to lobby, alice; here: bob and 7 more", HOW],
    ],
    [
      "a gap",
      [{ type: "gap", from: seq(2), to: seq(5) }],
      ["* the messages 2 to 5 are no longer kept; some may have been for you"],
    ],
    ["a join", [{ ...quiet, joined: [bob, carol] }], ["* bob, carol joined"]],
    ["a leave", [{ ...quiet, left: [bob] }], ["* bob left"]],
    ["the reader's own join is no news", [{ ...quiet, joined: [alice] }], []],
    ["a join besides the reader's own", [{ ...quiet, joined: [alice, bob] }], ["* bob joined"]],
    [
      "more news than listed",
      [{ ...quiet, missed: true }],
      ["* more came or left; 3 are here now, see /who"],
    ],
    ["one message waiting", [{ type: "away", names: [bob] }], ["* bob is away: the message waits"]],
    [
      "several messages waiting",
      [{ type: "away", names: [bob, carol] }],
      ["* bob, carol are away: the message waits"],
    ],
    [
      "a rejection",
      [{ type: "error", refusal: { code: "bad-frame", message: "to whom?" } }],
      ["* to whom?"],
    ],
    [
      "history",
      [{ type: "history", id: undefined, entries: [entry("a\nb")], next: undefined }],
      [`* ${TIME} from bob: a`, "  b"],
    ],
    [
      "no history",
      [{ type: "history", id: undefined, entries: [], next: undefined }],
      ["* no messages here for you"],
    ],
    [
      "who is online and who is not",
      [
        {
          type: "who",
          id: undefined,
          peers: [
            { name: alice, online: true },
            { name: bob, online: false },
          ],
          next: undefined,
        },
      ],
      ["* here: alice", "* away: bob"],
    ],
    [
      "a page of /who",
      [{ type: "who", id: undefined, peers: [{ name: bob, online: false }], next: bob }],
      ["* here: nobody on this page", "* away: bob", "* and more: /who bob"],
    ],
    [
      "nothing of the messages for programs",
      [
        { type: "ready", seq: seq(9) },
        { type: "signal", from: bob, to: undefined, data: "1" },
      ],
      [],
    ],
  ])("%s", (_what, outs, lines) => {
    const text = lines.join("\n");
    const frames = lines.length === 0 ? [] : [{ text, bytes: Buffer.byteLength(text) }];
    expect(writeLines(outs, alice)).toEqual(frames);
  });

  test("help names every command, and its lines are notices", () => {
    const text = writeLines([{ type: "help" }], alice)
      .map((frame) => frame.text)
      .join("\n");
    for (const command of ["/who", "/history", "/help", "/quit", "*: hi"])
      expect(text).toContain(command);
    for (const line of text.split("\n")) expect(line).toMatch(/^\* /);
  });

  test("a welcome lists no more names than it was given", () => {
    const names = [alice, ...peers(99)];
    const [frame] = writeLines([{ ...welcome, online: 5_000, peers: names }], alice);
    expect(frame?.text.split("\n")[0]?.endsWith("a98, a99 and 4900 more")).toBe(true);
  });
});
