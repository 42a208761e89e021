/** What the page shows of a message, with what waits in the outbox to change it. */
import { describe, expect, test } from "vitest";
import type { Entry, OutboxItem } from "../../../../src/client/index.ts";
import {
  audienceOf,
  contentsOf,
  quoteOf,
  reactionsOf,
  shortMark,
} from "../../../../src/apps/page/model/contents.ts";

const entry = (more: Partial<Entry> = {}): Entry => ({
  seq: 1,
  from: "alice",
  text: "hi",
  at: 0,
  ...more,
});
const edit = (text: string): OutboxItem => ({ type: "patch", id: text, ref: 1, text });
const erase: OutboxItem = { type: "patch", id: "x", ref: 1, erase: true };
const mark = (on?: false): OutboxItem => ({
  type: "message",
  id: "k",
  text: "",
  ref: 1,
  quiet: true,
  data: on === false ? { mark: "👍", on } : { mark: "👍" },
});

describe("the text", () => {
  test.each<[string, Partial<Entry>, OutboxItem[], [string, boolean, string]]>([
    ["of a plain message", {}, [], ["hi", false, ""]],
    ["of one that was changed", { patches: 1, patched: 2 }, [], ["hi", false, "edited"]],
    ["of one whose change waits", {}, [edit("a"), edit("b")], ["b", false, "Waiting here"]],
    [
      "of one whose erasure waits",
      {},
      [edit("a"), erase],
      ["This message was erased.", true, "Waiting here"],
    ],
    ["of one that a waiting reaction is about", {}, [mark()], ["hi", false, ""]],
    [
      "of one that was changed and erased",
      { text: "", erased: true, patches: 1 },
      [],
      ["This message was erased.", true, ""],
    ],
    [
      "of one that an operator erased",
      { text: "", erased: true, by: "operator" },
      [],
      ["An operator erased this message.", true, ""],
    ],
    [
      "of one that has only data",
      { text: "", data: { poll: 1 } },
      [],
      ["Sent something that this page cannot show.", true, ""],
    ],
  ])("%s", (_which, more, unsent, [text, isSentence, note]) => {
    expect(contentsOf({ entry: entry(more), unsent })).toEqual({ text, isSentence, note });
  });
});

describe("the reactions", () => {
  const reactions = [{ mark: "👍", from: ["bob", "me"] }];

  test("name who reacted, the reader first", () => {
    expect(reactionsOf({ reactions, unsent: [] }, "me")).toEqual([
      { mark: "👍", count: 2, isMine: true, isWaiting: false, names: "you and bob" },
    ]);
  });

  test.each<[string, readonly string[], OutboxItem[], object]>([
    ["set", ["bob"], [mark()], { count: 2, isMine: true, isWaiting: true, names: "you and bob" }],
    [
      "taken back",
      ["bob", "me"],
      [mark(false)],
      { count: 1, isMine: false, isWaiting: true, names: "bob" },
    ],
    ["the only one, taken back", ["me"], [mark(false)], { count: 0, isMine: false, names: "" }],
    ["set and taken back", [], [mark(), mark(false)], { count: 0, isMine: false }],
  ])("show one that waits as it will be: %s", (_which, from, unsent, expected) => {
    expect(reactionsOf({ reactions: [{ mark: "👍", from }], unsent }, "me")).toMatchObject([
      expected,
    ]);
  });

  test("name eight people, and count the rest", () => {
    const from = Array.from({ length: 11 }, (_, i) => `p${i}`);
    const [shown] = reactionsOf({ reactions: [{ mark: "👍", from }], unsent: [] }, "me");
    expect(shown?.names).toBe("p0, p1, p2, p3, p4, p5, p6, p7, and 3 more");
  });

  test("show a mark of any text, shortened", () => {
    expect(["👍", "x".repeat(64), "😀".repeat(13)].map(shortMark)).toEqual([
      "👍",
      `${"x".repeat(12)}…`,
      `${"😀".repeat(12)}…`,
    ]);
  });
});

describe("a quote", () => {
  test.each<[string, Entry | undefined, { from: string; text: string }]>([
    ["of another person", entry({ text: "a\n\nb" }), { from: "alice", text: "a b" }],
    ["of the reader", entry({ from: "me" }), { from: "You", text: "hi" }],
    [
      "of an erased one",
      entry({ text: "", erased: true }),
      { from: "alice", text: "This message was erased." },
    ],
    ["of one that is not loaded", undefined, { from: "", text: "Earlier message" }],
    [
      "of a long one",
      entry({ text: "é".repeat(200) }),
      { from: "alice", text: `${"é".repeat(160)}…` },
    ],
  ])("%s", (_which, original, quote) => expect(quoteOf(original, "me")).toEqual(quote));
});

test.each<[string, Partial<Entry>, string[]]>([
  ["to everyone, for a message to everyone", {}, []],
  ["to the sender and the others", { to: ["me", "carol"] }, ["alice", "carol"]],
  ["to the recipients of an own message", { from: "me", to: ["bob"] }, ["bob"]],
  ["to oneself, for a note to oneself", { from: "me", to: ["me"] }, ["me"]],
])("a reply goes %s", (_whom, more, to) => expect(audienceOf(entry(more), "me")).toEqual(to));
