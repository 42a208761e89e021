/** The checker finds what is wrong, each fault in the right column, and nothing where nothing is wrong. */
import { expect, test } from "vitest";
import { check, type Got, isFlawless, type Sent } from "../../../src/apps/demo/checker.ts";

const SENT: readonly Sent[] = [
  { from: "alice", text: "a1" },
  { from: "bob", text: "b1", to: ["carol"] },
  { from: "alice", text: "a2", to: ["bob"] },
  { from: "carol", text: "c1" },
];

/** `"3 alice a2"`: the place, the sender, the text. */
const entries = (...lines: readonly string[]): readonly Got[] =>
  lines.map((line) => {
    const [seq, from = "", text = ""] = line.split(" ");
    return { seq: Number(seq), from, text };
  });

type Talk = Readonly<Record<"alice" | "bob" | "carol", readonly Got[]>>;
const RIGHT: Talk = {
  alice: entries("1 alice a1", "3 alice a2", "4 carol c1"),
  bob: entries("1 alice a1", "2 bob b1", "3 alice a2", "4 carol c1"),
  carol: entries("1 alice a1", "2 bob b1", "4 carol c1"),
};
const RIGHT_ELSEWHERE: Talk = {
  alice: entries("7 carol c1", "8 alice a1", "9 alice a2"),
  bob: entries("2 bob b1", "7 carol c1", "8 alice a1", "9 alice a2"),
  carol: entries("2 bob b1", "7 carol c1", "8 alice a1"),
};

const NO_FAULT = { lost: 0, doubled: 0, reordered: 0, strange: 0 };
type Faults = Partial<typeof NO_FAULT>;

const faultsOf = (talk: Talk): Readonly<Record<string, Faults>> => {
  const tallies = check(SENT, new Map(Object.entries(talk)));
  return Object.fromEntries(
    tallies.map(({ name, lost, doubled, reordered, strange }) => [
      name,
      { lost, doubled, reordered, strange },
    ]),
  );
};

test("counts what was sent and what came", () => {
  const counts = check(SENT, new Map(Object.entries(RIGHT))).map(({ name, sent, received }) => [
    name,
    sent,
    received,
  ]);
  expect(counts).toEqual([
    ["alice", 2, 3],
    ["bob", 1, 4],
    ["carol", 1, 3],
  ]);
});

test.each([
  ["the order in which it was said", RIGHT],
  ["another order of the room, in which each sender's words keep theirs", RIGHT_ELSEWHERE],
])("finds no fault in %s", (_case, talk) => {
  expect(faultsOf(talk)).toEqual({ alice: NO_FAULT, bob: NO_FAULT, carol: NO_FAULT });
  expect(isFlawless(check(SENT, new Map(Object.entries(talk))))).toBe(true);
});

test.each<[string, Partial<Talk>, Readonly<Record<string, Faults>>]>([
  [
    "a loss at the end",
    { bob: entries("1 alice a1", "2 bob b1", "3 alice a2") },
    { bob: { lost: 1 } },
  ],
  [
    "a loss in the middle",
    { bob: entries("1 alice a1", "3 alice a2", "4 carol c1") },
    { bob: { lost: 1 } },
  ],
  [
    "a loss of a message to everyone at its sender",
    { carol: entries("1 alice a1", "2 bob b1") },
    { carol: { lost: 1 } },
  ],
  ["a client that got nothing", { alice: [] }, { alice: { lost: 3 } }],
  [
    "a message nobody has",
    {
      alice: entries("1 alice a1", "3 alice a2"),
      bob: entries("1 alice a1", "2 bob b1", "3 alice a2"),
      carol: entries("1 alice a1", "2 bob b1"),
    },
    { alice: { lost: 1 }, bob: { lost: 1 }, carol: { lost: 1 } },
  ],
  [
    "an entry shown twice",
    { carol: entries("1 alice a1", "2 bob b1", "2 bob b1", "4 carol c1") },
    { carol: { doubled: 1 } },
  ],
  [
    "an entry shown again after later ones, as one fault and no more",
    { carol: entries("1 alice a1", "2 bob b1", "4 carol c1", "1 alice a1") },
    { carol: { doubled: 1 } },
  ],
  [
    "a message stored twice",
    {
      alice: entries("1 alice a1", "3 alice a2", "4 carol c1", "5 carol c1"),
      bob: entries("1 alice a1", "2 bob b1", "3 alice a2", "4 carol c1", "5 carol c1"),
      carol: entries("1 alice a1", "2 bob b1", "4 carol c1", "5 carol c1"),
    },
    { alice: { doubled: 1 }, bob: { doubled: 1 }, carol: { doubled: 1 } },
  ],
  [
    "an entry shown three times",
    { alice: entries("1 alice a1", "1 alice a1", "1 alice a1", "3 alice a2", "4 carol c1") },
    { alice: { doubled: 2 } },
  ],
  [
    "two entries that changed places",
    { bob: entries("2 bob b1", "1 alice a1", "3 alice a2", "4 carol c1") },
    { bob: { reordered: 1 } },
  ],
  [
    "the first one coming last",
    { bob: entries("2 bob b1", "3 alice a2", "4 carol c1", "1 alice a1") },
    { bob: { reordered: 1 } },
  ],
  [
    "everything backwards",
    { bob: entries("4 carol c1", "3 alice a2", "2 bob b1", "1 alice a1") },
    { bob: { reordered: 3 } },
  ],
  [
    "a sender's words in the wrong order everywhere, in places that rise",
    {
      alice: entries("1 alice a2", "3 alice a1", "4 carol c1"),
      bob: entries("1 alice a2", "2 bob b1", "3 alice a1", "4 carol c1"),
      carol: entries("2 bob b1", "3 alice a1", "4 carol c1"),
    },
    { alice: { reordered: 1 }, bob: { reordered: 1 } },
  ],
  [
    "a place that differs from what the sender was told",
    { carol: entries("1 alice a1", "3 bob b1", "4 carol c1") },
    { carol: { reordered: 1 } },
  ],
  [
    "one place for two messages",
    { carol: entries("1 alice a1", "1 bob b1", "4 carol c1") },
    { carol: { reordered: 1 } },
  ],
  [
    "a message for somebody else",
    { carol: entries("1 alice a1", "2 bob b1", "3 alice a2", "4 carol c1") },
    { carol: { strange: 1 } },
  ],
  [
    "a message that nobody sent",
    { carol: entries("1 alice a1", "2 bob b1", "4 carol c1", "5 bob b9") },
    { carol: { strange: 1 } },
  ],
  [
    "a message under another's name, which is then missing",
    { carol: entries("1 alice a1", "2 alice b1", "4 carol c1") },
    { carol: { strange: 1, lost: 1 } },
  ],
  [
    "a loss, a double and a reordering at once",
    { bob: entries("2 bob b1", "1 alice a1", "3 alice a2", "3 alice a2") },
    { bob: { lost: 1, doubled: 1, reordered: 1 } },
  ],
])("finds %s", (_case, changed, expected) => {
  const talk = { ...RIGHT, ...changed };
  const faults = { alice: NO_FAULT, bob: NO_FAULT, carol: NO_FAULT };
  const wanted = Object.entries(faults).map(([name, none]) => [
    name,
    { ...none, ...expected[name] },
  ]);
  expect(faultsOf(talk)).toEqual(Object.fromEntries(wanted));
  expect(isFlawless(check(SENT, new Map(Object.entries(talk))))).toBe(false);
});
