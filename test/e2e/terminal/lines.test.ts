/** The pure parts of the terminal client: input, output, completion, and the path of the record. */
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { cleanJson, cleanLines } from "../../../src/apps/terminal/sanitize.ts";
import { complete } from "../../../src/apps/terminal/completion.ts";
import { EXIT, exitOfClose, worse } from "../../../src/apps/terminal/exit.ts";
import { readInput } from "../../../src/apps/terminal/input.ts";
import { toJson } from "../../../src/apps/terminal/json.ts";
import { readJsonLine } from "../../../src/apps/terminal/json-line.ts";
import { linesOf } from "../../../src/apps/terminal/lines.ts";
import { recordPath } from "../../../src/apps/terminal/record-path.ts";
import { colourOf } from "../../../src/apps/terminal/colours.ts";
import { render, statusOf } from "../../../src/apps/terminal/render.ts";
import { wrap } from "../../../src/apps/terminal/wrap.ts";

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const read: string[] = [];
  for await (const line of lines) read.push(line);
  return read;
}

describe("input", () => {
  const invalid = (why: string): object => ({ type: "invalid", why: expect.stringContaining(why) });
  const plain = (text: string, why: string): object => ({ ...invalid(why), type: "plain", text });

  test.each([
    ["one name", "bob: hi", { type: "send", to: ["bob"], text: "hi" }],
    ["many names", "bob, carol: hi", { type: "send", to: ["bob", "carol"], text: "hi" }],
    ["everyone", "*: hi", { type: "send", text: "hi" }],
    ["a colon in the text", "bob: see: this", { type: "send", to: ["bob"], text: "see: this" }],
    ["spaces all over", "  bob ,carol :  hi  ", { type: "send", to: ["bob", "carol"], text: "hi" }],
    ["a name twice", "bob, bob: hi", { type: "send", to: ["bob"], text: "hi" }],
    [
      "a name that is not normalised",
      "A\u030ase: hi",
      { type: "send", to: ["\u00c5se"], text: "hi" },
    ],
    ["nothing", " \t ", { type: "empty" }],
    ["/who", "/who", { type: "who" }],
    ["/who from a name on", "/who bob", { type: "who", after: "bob" }],
    ["/history", "/history", { type: "history", limit: 50 }],
    ["/history of a length", " /history  7 ", { type: "history", limit: 7 }],
    ["/help", "/help", { type: "help" }],
    ["/quit", "/quit", { type: "quit" }],
    ["no colon", "hello", plain("hello", "to whom?")],
    ["a time", "at 10:30", plain("at 10:30", "before the colon")],
    ["a URL", "https://a.example b", plain("https://a.example b", "to whom?")],
    ["a smiley", "all fine :-)", plain("all fine :-)", "before the colon")],
    [
      "full-width signs",
      "bob，carol、Åse：hi",
      { type: "send", to: ["bob", "carol", "Åse"], text: "hi" },
    ],
    ["names without a comma", "bob carol: hi", invalid("before the colon")],
    ["several lines to one", "bob: a\nb: c", { type: "send", to: ["bob"], text: "a\nb: c" }],
    ["several lines, a colon in the second", "a\nb: c", plain("a\nb: c", "to whom?")],
    ["no text", "bob:", invalid("nothing after the colon")],
    ["an empty name", "bob,,carol: hi", invalid("before the colon")],
    ["no name", ": hi", invalid("before the colon")],
    ["* among names", "bob, *: hi", invalid("before the colon")],
    ["an unknown command", "/dance", invalid("unknown command")],
    ["a command in capitals", "/WHO", invalid("unknown command")],
    ["/history of nothing", "/history 0", invalid("1 to 100")],
    ["/history of too much", "/history 101", invalid("1 to 100")],
    ["/history of words", "/history all", invalid("1 to 100")],
    ["/quit of something", "/quit now", invalid("takes no argument")],
    ["too many words", "/who bob carol", invalid("too many words")],
  ])("reads %s", (_case, line, expected) => expect(readInput(line)).toEqual(expected));

  test.each([
    ["/quit", plain("/quit", "to whom?")],
    ["/quit\n/who", plain("/quit\n/who", "to whom?")],
    ["bob: hi", { type: "send", to: ["bob"], text: "hi" }],
  ])("pasted, %j is not a command", (line, expected) => {
    expect(readInput(line, true)).toEqual(expected);
  });

  test.each([
    ["a text for everyone", '{"text":"hi"}', { type: "send", text: "hi" }],
    [
      "line breaks and names",
      String.raw`{"to":["bob","A\u030ase","bob"],"text":" a\n\u2028b "}`,
      { type: "send", to: ["bob", "\u00c5se"], text: " a\n\u2028b " },
    ],
    ["a command as text", '{"text":"/quit"}', { type: "send", text: "/quit" }],
    ["an incomplete line", '{"text":"hi"', invalid("not valid JSON")],
    ["a list", '["hi"]', invalid("expected an object")],
    ["no text", '{"to":["bob"]}', invalid("text: expected")],
    ["an empty text", '{"text":""}', invalid("text: expected")],
    ["a number as text", '{"text":1}', invalid("text: expected")],
    ["half a character", String.raw`{"text":"\ud800"}`, invalid("text: expected well-formed")],
    [
      "a mistyped field, which must not send to everyone",
      '{"text":"hi","too":["bob"]}',
      invalid('unknown field "too"'),
    ],
    ["no names", '{"text":"hi","to":[]}', invalid("to: expected a list")],
    ["a name alone", '{"text":"hi","to":"bob"}', invalid("to: expected a list")],
    ["null", '{"text":"hi","to":null}', invalid("to: expected a list")],
    ["a bad name", '{"text":"hi","to":["*"]}', invalid("to: a name has")],
  ])("reads JSON: %s", (_case, line, expected) => expect(readJsonLine(line)).toEqual(expected));

  test.each([
    ["with a last line end", ["a\nb\n"], ["a", "b"]],
    ["without a last line end", ["a\nb"], ["a", "b"]],
    ["CR LF in two chunks", ["a\r", "\nb\r\n"], ["a", "b"]],
    ["empty lines", ["\n\na"], ["", "", "a"]],
    ["a line in many chunks", ["a", "b", "c\nd"], ["abc", "d"]],
    ["separators that end no line", ["a\u2028b\u2029c\u0085d"], ["a\u2028b\u2029c\u0085d"]],
    ["nothing", [], []],
  ])("a stream's lines: %s", async (_case, chunks, lines) => {
    expect(await all(linesOf(Readable.from(chunks, { objectMode: false })))).toEqual(lines);
  });
});

describe("Tab", () => {
  const names = ["bob", "bella", "carol", "Åse"];
  test.each([
    ["nothing: all", "", ["bella", "bob", "carol", "Åse"], ""],
    ["a beginning, with the colon", "bo", ["bob: "], "bo"],
    ["a whole name, with the colon", "bob", ["bob: "], "bob"],
    ["a beginning of several", "b", ["bella", "bob"], "b"],
    ["the second of a list, not the first again", "bob, b", ["bella"], "b"],
    ["after a full-width comma", "bob、b", ["bella"], "b"],
    ["a text after a full-width colon: nothing", "bob：bo", [], "bob：bo"],
    ["after a comma", "bob,", ["bella", "carol", "Åse"], ""],
    ["a name that is not normalised", "A\u030a", ["Åse: "], "A\u030a"],
    ["a text: nothing", "bob: bo", [], "bob: bo"],
    ["a command", "/h", ["/history", "/help"], "/h"],
    ["a command that changes something", "/e", ["/edit", "/erase"], "/e"],
    ["an argument of a command: nothing", "/who b", [], "/who b"],
  ])("completes %s", (_case, line, hits, begun) => {
    expect(complete(line, names)).toEqual([hits, begun]);
  });
});

describe("text of others", () => {
  test.each([
    [
      "line breaks",
      "a\nb\r\nc\rd\u2028e\u0085f\vg",
      ["a", "  b", "  c", "  d", "  e", "  f", "  g"],
    ],
    ["colours", "\u001b[31mred", ["[31mred"]],
    ["a title", "\u001b]0;owned\u0007x", ["]0;ownedx"]],
    ["C1 controls", "\u009b2J\u009d0;x\u009c", ["2J0;x"]],
    ["direction marks", "\u202eabc\u2066d\u200f", ["abcd"]],
    ["a backspace over the name", "\b\b\bcarol: hi", ["carol: hi"]],
    ["a tab, marks and emoji stay", "a\tb\u0301 👩‍🚀", ["a\tb\u0301 👩‍🚀"]],
  ])("is made safe: %s", (_case, text, lines) => expect(cleanLines(text)).toEqual(lines));

  test("cleaned JSON has the same value, with escapes", () => {
    const value = { text: "\u009b31m \u202e \u2028 \u007f \n" };
    const json = cleanJson(JSON.stringify(value));
    expect(json).toBe(String.raw`{"text":"\u009b31m \u202e \u2028 \u007f \n"}`);
    expect(JSON.parse(json)).toEqual(value);
  });
});

describe("rows of a terminal of 20 columns", () => {
  test.each([
    ["a line that fits is unchanged", "from bob: 0123456789", ["from bob: 0123456789"]],
    ["between words", "from bob: one two three four", ["from bob: one two", "  three four"]],
    [
      "a word that fits into a row begins one",
      "from bob: 0123456789abcdef",
      ["from bob:", "  0123456789abcdef"],
    ],
    [
      "a word wider than a row is broken at the end of the row",
      "from bob: 0123456789012345678901234",
      ["from bob:", "  012345678901234567", "  8901234"],
    ],
    ["spaces are kept", "  a  b", ["  a  b"]],
    ["wide letters", "from bob: 日本語日本語", ["from bob:", "  日本語日本語"]],
    ["many wide letters", "日本語日本語日本語日本語", ["日本語日本語日本語日", "  本語"]],
    ["letters of half width", "ｱｲｳｴｵｱｲｳｴｵｱｲｳｴｵｱｲｳｴｵ", ["ｱｲｳｴｵｱｲｳｴｵｱｲｳｴｵｱｲｳｴｵ"]],
    ["marks have no width", "e\u0301".repeat(20), ["e\u0301".repeat(20)]],
    ["joined emoji stay in one piece", `0123456789abcdef😀👩‍🚀x`, ["0123456789abcdef😀", "  👩‍🚀x"]],
    [
      "colours have no width",
      "from \u001b[31mbob\u001b[0m: 01234567 90",
      ["from \u001b[31mbob\u001b[0m: 01234567", "  90"],
    ],
    [
      "text that imitates a line of its own is indented",
      `${"x".repeat(20)}from\u00a0carol:\u00a0hi`,
      ["x".repeat(20), "  from\u00a0carol:\u00a0hi"],
    ],
  ])("%s", (_case, line, rows) => {
    expect(wrap(line, 20)).toEqual(rows);
  });

  test("a terminal of unknown or no width: the line is unchanged", () => {
    const line = "a line of words ".repeat(9);
    for (const columns of [undefined, 0, 1]) expect(wrap(line, columns)).toEqual([line]);
  });
});

describe("output", () => {
  const plain = { colour: false, me: "alice" };
  const entry = { seq: 1, from: "bob", text: "hi\nthere", at: 0 };
  const changes = { joined: ["alice", "bob", "carol"], left: ["dave"] };
  const here = [
    { name: "alice", online: true },
    { name: "bob", online: false },
  ];

  test.each([
    ["an entry", { type: "entry", entry }, ["from bob: hi", "  there"]],
    ["an entry that was typed here is not shown again", { type: "entry", entry, typed: true }, []],
    [
      "an erased entry",
      { type: "entry", entry: { ...entry, text: "", erased: true, by: "operator" } },
      ["* a message from bob (#1) was erased by an operator"],
    ],
    [
      "presence, without the user's own name",
      { type: "presence", ...changes, online: 3, changes },
      ["* bob, carol joined", "* dave left"],
    ],
    ["one recipient away", { type: "away", names: ["bob"] }, ["* bob is away: the message waits"]],
    [
      "two recipients away",
      { type: "away", names: ["b", "c"] },
      ["* b, c are away: the message waits"],
    ],
    [
      "a gap",
      { type: "gap", from: 3, to: 5 },
      ["* the messages 3 to 5 are no longer kept; some may have been for you"],
    ],
    [
      "a refusal",
      {
        type: "refused",
        text: "a\nb",
        to: ["x", "y"],
        code: "unknown-peer",
        message: "no\u001b[2J",
      },
      ["* not sent: no[2J", "  x, y: a", "    b"],
    ],
    [
      "a refusal that names a field of the wire",
      {
        type: "refused",
        text: "a",
        code: "too-large",
        message: "text: at most 8192 bytes go into one message; send it in parts",
      },
      [
        "* not sent: it is too long: at most 8192 bytes go into one message; send it in parts",
        "  *: a",
      ],
    ],
    [
      "an error that names a field of the wire",
      { type: "error", message: "seq: expected a whole number from 0 on" },
      ["* the room does not understand this client: one of them is older than the other"],
    ],
    [
      "who is here",
      { type: "who", peers: here, next: "bob" },
      ["* here: alice", "* away: bob", "* and more: /who bob"],
    ],
    ["nobody on this page", { type: "who", peers: [] }, ["* here: nobody on this page"]],
    [
      "history",
      { type: "history", messages: [entry] },
      ["* 1970-01-01 00:00:00Z #1 from bob: hi", "  there"],
    ],
    [
      "an invalid time",
      { type: "history", messages: [{ ...entry, at: 9e15 }] },
      ["* (unknown time) #1 from bob: hi", "  there"],
    ],
    ["no history", { type: "history", messages: [] }, ["* no messages here for you"]],
  ] as const)("%s", (_case, item, lines) => expect(render(item, plain)).toEqual(lines));

  test("a name has its colour everywhere, a text has none", () => {
    const [line] = render({ type: "entry", entry }, { colour: true, me: "alice" });
    expect(line).toBe(`from \u001b[${colourOf("bob")}mbob\u001b[0m: hi`);
    const names = Array.from({ length: 200 }, (_, index) => `peer${index}`);
    const colours = new Set(names.map(colourOf));
    expect(colours.size).toBeGreaterThan(8);
    for (const grey of [30, 37, 90, 97]) expect(colours).not.toContain(grey);
  });

  test.each([
    [
      "an entry",
      { type: "entry", entry, typed: true },
      '{"seq":1,"from":"bob","text":"hi\\nthere","at":0,"type":"entry"}',
    ],
    [
      "a state",
      { type: "state", state: { type: "offline", retryAt: 5, why: "x" } },
      '{"type":"state","state":"offline","retryAt":5,"why":"x"}',
    ],
    [
      "a replay",
      { type: "state", state: { type: "replaying", since: 3, head: 5 } },
      '{"type":"state","state":"replaying","since":3,"head":5}',
    ],
    [
      "a replay of which nothing is known: nothing",
      { type: "state", state: { type: "replaying", since: 0, head: 0 } },
      undefined,
    ],
    [
      "presence as the room sent it",
      { type: "presence", ...changes, online: 3, changes },
      '{"type":"presence","joined":["alice","bob","carol"],"left":["dave"],"online":3}',
    ],
    ["an item for people only: nothing", { type: "help" }, undefined],
  ] as const)("%s as JSON", (_case, item, json) => expect(toJson(item)).toBe(json));

  test.each([
    [
      "offline",
      { type: "offline", retryAt: 3_000, why: "x" },
      3,
      "~ offline, 3 waiting to be sent, next try in 2 s ~",
    ],
    [
      "offline with nothing waiting",
      { type: "offline", retryAt: 1_001, why: "x" },
      0,
      "~ offline, next try in 1 s ~",
    ],
    [
      "offline, when the retry is due",
      { type: "offline", retryAt: 900, why: "x" },
      1,
      "~ offline, 1 waiting to be sent, trying now ~",
    ],
    [
      "connecting again",
      { type: "connecting", tries: 2 },
      1,
      "~ offline, 1 waiting to be sent, trying now ~",
    ],
    ["connecting for the first time", { type: "connecting", tries: 0 }, 0, "~ connecting ~"],
    ["live", { type: "live" }, 1, undefined],
    ["closed", { type: "closed", code: 4001, why: "x" }, 1, undefined],
  ] as const)("the status when %s", (_case, state, waiting, status) => {
    expect(statusOf(state, waiting, 1_000)).toBe(status);
  });
});

describe("the path of the record", () => {
  const owner = { url: new URL("http://localhost:8787"), room: "lobby", name: "alice" };
  const pathOf = (change: object): string =>
    recordPath({ ...owner, ...change }, { XDG_STATE_HOME: "/state" });

  test("is below XDG_STATE_HOME; a relative one is ignored", () => {
    expect(pathOf({})).toBe("/state/chat-room/localhost%3a%8787/lobby/alice.json");
    expect(recordPath(owner, { XDG_STATE_HOME: "state" })).toMatch(/\/\.local\/state\/chat-room\//);
  });

  test("differs for two endpoints of one host", () => {
    const url = new URL("https://c.d/chat");
    expect(pathOf({ url })).toBe("/state/chat-room/c.d%2f%chat/lobby/alice.json");
  });

  test("differs without case for names that differ in case", () => {
    const names = ["alice", "Alice", "ALICE", "aLice", "Σ", "σ", "ς"];
    const paths = names.map((name) => pathOf({ name }).toLowerCase());
    expect(new Set(paths).size).toBe(names.length);
  });

  test.each([".lock", ".unreadable-1764244800", ".unreadable-1764244800-9"])(
    "is short enough for the longest name, followed by %s",
    (ending) => {
      const name = "\u{10400}".repeat(32);
      const file = pathOf({ name }).split("/").at(-1) ?? "";
      expect(Buffer.byteLength(`${file}${ending}`)).toBeLessThan(256);
    },
  );
});

describe("the exit code", () => {
  test.each([
    [1000, EXIT.success],
    [1009, EXIT.refused],
    [4000, EXIT.unreachable],
    [4001, EXIT.notAllowed],
    [4003, EXIT.notAllowed],
    [4104, EXIT.notAllowed],
    [1011, EXIT.record],
  ])("of close %d is %d", (code, exit) => expect(exitOfClose(code)).toBe(exit));

  test.each([
    ["all confirmed", EXIT.success, EXIT.success, EXIT.success],
    ["one rejected", EXIT.success, EXIT.refused, EXIT.refused],
    ["unknown is worse than rejected", EXIT.refused, EXIT.unknown, EXIT.unknown],
    ["access denied, with one rejected", EXIT.notAllowed, EXIT.refused, EXIT.notAllowed],
  ])("when %s", (_case, a, b, exit) => {
    expect([worse(a, b), worse(b, a)]).toEqual([exit, exit]);
  });
});
