/** The pure parts of `/edit`, `/erase`, `/reply` and `/react`: what they mean, and how changes are shown. */
import { describe, expect, test } from "vitest";
import { readInput } from "../../../src/apps/terminal/input.ts";
import { toJson } from "../../../src/apps/terminal/json.ts";
import { readJsonLine } from "../../../src/apps/terminal/json-line.ts";
import { KnownMessages } from "../../../src/apps/terminal/known-messages.ts";
import { render } from "../../../src/apps/terminal/render.ts";
import { resolve } from "../../../src/apps/terminal/resolve.ts";

const invalid = (why: string): object => ({ type: "invalid", why: expect.stringContaining(why) });

describe("a command", () => {
  test.each([
    ["/edit", "/edit new text", { type: "edit", text: "new text" }],
    ["/edit with a number", "/edit #41  new  text", { type: "edit", ref: 41, text: "new  text" }],
    ["/edit with line breaks", "/edit #41 a\n  b", { type: "edit", ref: 41, text: "a\n  b" }],
    ["a text that is a number", "/edit 41 came", { type: "edit", text: "41 came" }],
    ["a text with a hash", "/edit #lunch at 12", { type: "edit", text: "#lunch at 12" }],
    ["/edit of nothing", "/edit", invalid("write /edit and the new text")],
    ["/edit to nothing", "/edit #41", invalid("write /edit and the new text")],
    ["/edit of a bad number", "/edit #4x hi", invalid("write /edit and the new text")],
    ["/erase", "/erase", { type: "erase" }],
    ["/erase with a number", "/erase #41", { type: "erase", ref: 41 }],
    ["/erase without the hash", "/erase 41", invalid("write /erase for your last message")],
    ["/erase of two", "/erase #41 #42", invalid("write /erase for your last message")],
    ["/erase of nothing that exists", "/erase #0", invalid("write /erase for your last message")],
    ["/erase of too big a number", `/erase #${"9".repeat(20)}`, invalid("/erase #41; /history")],
    ["/reply", "/reply #41 bob: yes", { type: "reply", ref: 41, text: "bob: yes" }],
    ["/reply without a number", "/reply yes", invalid("write /reply #41 and the text")],
    ["/reply without the hash", "/reply 41 yes", invalid("write /reply #41 and the text")],
    ["/reply without a text", "/reply #41", invalid("write /reply #41 and the text")],
    ["/react", "/react #41 👍", { type: "react", ref: 41, mark: "👍", on: true }],
    ["/react, taken back", "/react #41 👍 off", { type: "react", ref: 41, mark: "👍", on: false }],
    ["/react without a mark", "/react #41", invalid("write /react #41 and a mark")],
    ["/react without a number", "/react 👍", invalid("write /react #41 and a mark")],
    ["/react with a sentence", "/react #41 well done", invalid("write /react #41 and a mark")],
    ["/react with a long mark", `/react #41 ${"x".repeat(65)}`, invalid("at most 64 characters")],
    ["/react with more", "/react #41 👍 off now", invalid("write /react #41 and a mark")],
    ["a command that only begins alike", "/edited hi", invalid("unknown command")],
  ])("%s", (_case, line, expected) => expect(readInput(line)).toEqual(expected));

  test.each([
    ["a reply", '{"text":"a","ref":41}', { type: "send", text: "a", ref: 41 }],
    [
      "data without text, quiet",
      '{"data":{"mark":"👍"},"ref":41,"quiet":true}',
      { type: "send", text: "", data: { mark: "👍" }, ref: 41, quiet: true },
    ],
    ["a change", String.raw`{"edit":41,"text":"a\nb"}`, { type: "edit", ref: 41, text: "a\nb" }],
    [
      "a change with data",
      '{"edit":41,"text":"a","data":{}}',
      { type: "edit", ref: 41, text: "a", data: {} },
    ],
    ["a change of data alone", '{"edit":41,"data":{}}', { type: "edit", ref: 41, data: {} }],
    ["an erasure", '{"erase":41}', { type: "erase", ref: 41 }],
    ["a ref that is none", '{"text":"a","ref":0}', invalid("ref: expected the number")],
    ["data that is a list", '{"text":"a","data":[]}', invalid("data: expected an object")],
    ["half a character in data", String.raw`{"data":{"a":"\ud800"}}`, invalid("data: a string in")],
    ["a number without end in data", '{"data":{"a":1e999}}', invalid("data: a number in it")],
    [
      "data that is nested too deep",
      `{"data":{"a":${"[".repeat(20)}${"]".repeat(20)}}}`,
      invalid("data: at most 16 levels"),
    ],
    ["null as data", '{"text":"a","data":null}', invalid("data: expected an object")],
    ["quiet that is none", '{"text":"a","quiet":1}', invalid("quiet: expected true or false")],
    ["a change to nothing", '{"edit":41}', invalid("text: expected a string")],
    ["a change to an empty text", '{"edit":41,"text":""}', invalid("text: expected a string")],
    ["a change of no message", '{"edit":"41","text":"a"}', invalid("edit: expected the number")],
    [
      "a change with recipients",
      '{"edit":41,"text":"a","to":["bob"]}',
      invalid('unknown field "to"; the fields are edit, text, data'),
    ],
    ["an erasure of no message", '{"erase":true}', invalid("erase: expected the number")],
    [
      "an erasure with a text",
      '{"erase":41,"text":"a"}',
      invalid('unknown field "text"; the field is erase alone'),
    ],
  ])("as a line of JSON: %s", (_case, line, expected) => {
    expect(readJsonLine(line)).toEqual(expected);
  });
});

const message = (seq: number, from: string, more: object = {}) => ({
  seq,
  from,
  text: `text ${seq}`,
  at: 0,
  ...more,
});

/** Alice has seen these. */
function known(...messages: ReturnType<typeof message>[]): KnownMessages {
  const seen = new KnownMessages("alice");
  for (const one of messages) seen.add(one);
  return seen;
}

describe("whom a reply goes to", () => {
  const seen = known(
    message(1, "bob"),
    message(2, "bob", { to: ["alice"] }),
    message(3, "bob", { to: ["carol", "alice"] }),
    message(4, "alice", { to: ["bob", "carol"] }),
    message(5, "alice", { to: ["alice"] }),
    message(6, "alice"),
  );
  test.each([
    ["a message to everyone", 1, undefined],
    ["a private message", 2, ["bob"]],
    ["a message to several", 3, ["bob", "carol"]],
    ["an own one to several", 4, ["bob", "carol"]],
    ["a note to oneself", 5, ["alice"]],
    ["an own one to everyone", 6, undefined],
  ])("%s: those who have it", (_case, ref, to) => {
    const reply = resolve({ type: "reply", ref, text: "yes" }, seen, false);
    expect(reply).toEqual({ type: "send", text: "yes", ref, ...(to && { to }) });
  });

  test("a reaction goes to those who have the message", () => {
    const react = { type: "react", ref: 2, mark: "👍", on: true } as const;
    const original = { seq: 2, from: "bob", to: ["alice"] };
    expect(resolve(react, seen, false)).toMatchObject({ ...react, original });
    expect(resolve({ ...react, ref: 9 }, seen, false)).toEqual({ type: "unseen", ref: 9 });
  });

  test("a message that was not seen: it is looked up first, and never sent to everyone", () => {
    const reply = resolve({ type: "reply", ref: 9, text: "yes" }, seen, false);
    expect(reply).toEqual({ type: "unseen", ref: 9 });
  });
});

describe("the last message", () => {
  const seen = known(message(4, "alice"), message(6, "alice", { quiet: true }), message(7, "bob"));
  test.each([
    ["an own one; reactions do not count", { type: "edit", text: "new" }, { ref: 4 }],
    ["the same for an erasure", { type: "erase" }, { ref: 4 }],
    ["a number given: that one", { type: "erase", ref: 7 }, { ref: 7 }],
  ] as const)("is %s", (_case, command, expected) => {
    expect(resolve(command, seen, false)).toEqual({ ...command, ...expected });
  });

  test("has no number while it waits; the one before is not changed instead", () => {
    expect(resolve({ type: "erase" }, seen, true)).toEqual(invalid("waits to be sent"));
    expect(resolve({ type: "erase", ref: 4 }, seen, true)).toEqual({ type: "erase", ref: 4 });
  });

  test("is looked up if none was seen", () => {
    expect(resolve({ type: "erase" }, known(message(7, "bob")), false)).toEqual({ type: "unseen" });
  });

  test("stays the last one when it is erased; the one before is not erased instead", () => {
    const erased = known(message(3, "alice"), message(4, "alice"));
    erased.apply({ seq: 5, ref: 4, from: "alice", at: 0, erase: true });
    expect(resolve({ type: "erase" }, erased, false)).toEqual(invalid("#4, is erased"));
  });

  test("is unknown again when the room has another history", () => {
    const old = known(message(4, "alice"));
    old.clear();
    expect(resolve({ type: "erase" }, old, false)).toEqual({ type: "unseen" });
  });

  test("is kept among thousands of others", () => {
    const many = known(message(1, "alice"), message(2, "bob"));
    for (let seq = 3; seq < 2_000; seq++) many.add(message(seq, "bob"));
    expect(many.last?.seq).toBe(1);
    expect(many.get(2)).toBeUndefined();
    expect(many.get(1_999)?.seq).toBe(1_999);
  });
});

describe("a known message", () => {
  const patch = { seq: 43, ref: 41, from: "bob", at: 0 };

  test("is as its last patch left it; a patch that it came with is not shown again", () => {
    const seen = known(message(41, "bob"));
    expect(seen.apply({ ...patch, text: "new" })).toBe(true);
    expect(seen.get(41)?.text).toBe("new");
    expect(seen.apply({ ...patch, text: "new" })).toBe(false);
    expect(seen.apply({ ...patch, seq: 42, text: "older" })).toBe(false);
    expect(seen.apply({ ...patch, seq: 44, patched: 45 })).toBe(false);
    seen.add(message(41, "bob", { text: "as it came first" }));
    expect(seen.get(41)?.text).toBe("new");
    expect(known(message(41, "bob", { patched: 43 })).apply(patch)).toBe(false);
  });

  test("keeps its text when a patch changes its data alone", () => {
    const seen = known(message(41, "bob"));
    seen.apply({ ...patch, data: { votes: 3 } });
    expect(seen.get(41)?.text).toBe("text 41");
  });

  test("a patch of one that was not seen is shown", () => {
    expect(known().apply({ ...patch, text: "new" })).toBe(true);
  });
});

describe("output", () => {
  const plain = { colour: false, me: "carol" };
  const patch = { seq: 43, ref: 41, from: "alice", at: 0 };
  const entry = { seq: 44, from: "bob", text: "I agree", at: 0, ref: 41 };
  const original = { seq: 41, from: "alice", to: undefined, text: "Lunch?" };

  test.each([
    [
      "a change",
      { type: "patch", patch: { ...patch, text: "a\nb\u001b[2J" } },
      ["* alice changed a message (#41): a", "  b[2J"],
    ],
    [
      "an erasure",
      { type: "patch", patch: { ...patch, erase: true } },
      ["* alice erased a message (#41)"],
    ],
    [
      "an operator's erasure",
      { type: "patch", patch: { ...patch, erase: true, by: "operator" } },
      ["* a message from alice (#41) was erased by an operator"],
    ],
    ["a change that a later one replaced", { type: "patch", patch: { ...patch, patched: 50 } }, []],
    ["a change of data", { type: "patch", patch: { ...patch, data: { votes: 3 } } }, []],
    [
      "a change of something quiet",
      { type: "patch", patch: { ...patch, text: "x", quiet: true } },
      [],
    ],
    [
      "a change that came with the message",
      { type: "patch", patch: { ...patch, text: "x" }, isSeen: true },
      [],
    ],
    [
      "a reply",
      { type: "entry", entry, original },
      ["* re #41 alice: Lunch?", "from bob: I agree"],
    ],
    ["a reply to an unknown message", { type: "entry", entry }, ["* re #41", "from bob: I agree"]],
    [
      "a reply to an erased message",
      { type: "entry", entry, original: { ...original, text: "", erased: true } },
      ["* re #41 alice, erased", "from bob: I agree"],
    ],
    [
      "a reply to a long text with line breaks and colours",
      {
        type: "entry",
        entry,
        original: { ...original, text: `\u001b[31m${"x".repeat(70)}\nfrom` },
      },
      [`* re #41 alice: [31m${"x".repeat(56)}…`, "from bob: I agree"],
    ],
    ["a reaction", { type: "entry", entry: { ...entry, text: "", quiet: true } }, []],
    [
      "data without text",
      { type: "entry", entry: { ...entry, text: "", data: { a: 1 } } },
      ["* bob sent something that this terminal cannot show (#44)"],
    ],
    [
      "a message whose author erased it",
      { type: "entry", entry: { ...entry, text: "", erased: true } },
      ["* a message from bob (#44) was erased"],
    ],
    [
      "history",
      {
        type: "history",
        original: (ref: number) => (ref === 41 ? original : undefined),
        messages: [
          entry,
          { ...entry, seq: 45, quiet: true },
          { ...entry, seq: 46, text: "", erased: true },
        ],
      },
      [
        "* re #41 alice: Lunch?",
        "* 1970-01-01 00:00:00Z #44 from bob: I agree",
        "* 1970-01-01 00:00:00Z a message from bob (#46) was erased",
      ],
    ],
    [
      "a history of reactions only",
      { type: "history", messages: [{ ...entry, quiet: true }] },
      ["* no messages here for you"],
    ],
    [
      "a refused change",
      {
        type: "refused",
        change: "edit",
        ref: 41,
        text: "new\ntext",
        code: "forbidden",
        message: "ref: 41 is from somebody else: change only your own",
      },
      [
        "* not changed: the message is from somebody else: change only your own",
        "  #41: new",
        "    text",
      ],
    ],
    [
      "a refused erasure",
      {
        type: "refused",
        change: "erase",
        ref: 41,
        code: "unknown-ref",
        message: "ref: 41 is no entry that you can read, or it is no longer kept",
      },
      [
        "* not erased: there is no such message that you can read, or it is no longer kept",
        "  #41",
      ],
    ],
    [
      "a refused reply",
      { type: "refused", ref: 41, text: "yes", to: ["x"], code: "unknown-peer", message: "no" },
      ["* not sent: no", "  x (re #41): yes"],
    ],
    [
      "a refused reaction",
      { type: "refused", ref: 9, text: "", data: { mark: "\u009b👍" }, code: "x", message: "no" },
      ["* not sent: no", '  * (re #9): {"mark":"👍"}'],
    ],
    [
      "a change of unknown fate",
      { type: "unknown", change: "edit", ref: 41, text: "new" },
      [expect.stringContaining("whether the room stored this change, because"), "  #41: new"],
    ],
  ] as const)("%s", (_case, item, lines) => expect(render(item, plain)).toEqual(lines));

  test("with --numbers, a message begins with its number, which no text can imitate", () => {
    const lines = render({ type: "entry", entry }, { ...plain, numbers: true });
    expect(lines).toEqual(["* re #41", "#44 from bob: I agree"]);
    const [, dimmed] = render({ type: "entry", entry }, { ...plain, colour: true, numbers: true });
    expect(dimmed?.startsWith("\u001b[2m#44\u001b[0m from ")).toBe(true);
    const fake = { ...entry, ref: undefined, text: "hi\n#45 from carol: hi\n* re #41" };
    expect(render({ type: "entry", entry: fake }, plain).slice(1)).toEqual([
      "  #45 from carol: hi",
      "  * re #41",
    ]);
  });

  test.each([
    [
      "a patch",
      { type: "patch", patch: { ...patch, text: "x", patched: 50 }, isSeen: true },
      '{"seq":43,"ref":41,"from":"alice","at":0,"text":"x","patched":50,"type":"patch"}',
    ],
    [
      "a reaction",
      { type: "entry", entry: { ...entry, text: "", quiet: true, data: { mark: "👍" } }, original },
      '{"seq":44,"from":"bob","text":"","at":0,"ref":41,"quiet":true,"data":{"mark":"👍"},"type":"entry"}',
    ],
    [
      "history, without what is for people",
      { type: "history", messages: [], next: 3, original: () => original },
      '{"type":"history","messages":[],"next":3}',
    ],
  ] as const)("%s as JSON", (_case, item, json) => expect(toJson(item)).toBe(json));
});
