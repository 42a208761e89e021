/** The checker counts each fault in its column, and finds none in a correct history. */
import { expect, test } from "vitest";
import { check, type Received, isFlawless, type Sent } from "../../../src/apps/demo/checker.ts";

const SENT: readonly Sent[] = [
  { from: "alice", text: "a1" },
  { from: "bob", text: "b1", to: ["carol"] },
  { from: "alice", text: "a2", to: ["bob"] },
  { from: "carol", text: "c1" },
];

/** `"3 alice a2"`: seq, sender, text. */
const entries = (...lines: readonly string[]): readonly Received[] =>
  lines.map((line) => {
    const [seq, from = "", text = ""] = line.split(" ");
    return { seq: Number(seq), from, text };
  });

type History = Readonly<Record<"alice" | "bob" | "carol", readonly Received[]>>;
const RIGHT: History = {
  alice: entries("1 alice a1", "3 alice a2", "4 carol c1"),
  bob: entries("1 alice a1", "2 bob b1", "3 alice a2", "4 carol c1"),
  carol: entries("1 alice a1", "2 bob b1", "4 carol c1"),
};
const OTHER_ORDER: History = {
  alice: entries("7 carol c1", "8 alice a1", "9 alice a2"),
  bob: entries("2 bob b1", "7 carol c1", "8 alice a1", "9 alice a2"),
  carol: entries("2 bob b1", "7 carol c1", "8 alice a1"),
};

const NO_FAULT = { lost: 0, doubled: 0, reordered: 0, strange: 0 };
type Faults = Partial<typeof NO_FAULT>;

const faultsOf = (history: History): Readonly<Record<string, Faults>> => {
  const tallies = check(SENT, new Map(Object.entries(history)));
  return Object.fromEntries(
    tallies.map(({ name, lost, doubled, reordered, strange }) => [
      name,
      { lost, doubled, reordered, strange },
    ]),
  );
};

test("counts sent and received messages", () => {
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
  ["the order of sending", RIGHT],
  ["another order of the room that keeps each sender's order", OTHER_ORDER],
])("finds no fault in %s", (_case, history) => {
  expect(faultsOf(history)).toEqual({ alice: NO_FAULT, bob: NO_FAULT, carol: NO_FAULT });
  expect(isFlawless(check(SENT, new Map(Object.entries(history))))).toBe(true);
});

test.each<[string, Partial<History>, Readonly<Record<string, Faults>>]>([
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
  ["a client that received nothing", { alice: [] }, { alice: { lost: 3 } }],
  [
    "a message that nobody received",
    {
      alice: entries("1 alice a1", "3 alice a2"),
      bob: entries("1 alice a1", "2 bob b1", "3 alice a2"),
      carol: entries("1 alice a1", "2 bob b1"),
    },
    { alice: { lost: 1 }, bob: { lost: 1 }, carol: { lost: 1 } },
  ],
  [
    "an entry received twice",
    { carol: entries("1 alice a1", "2 bob b1", "2 bob b1", "4 carol c1") },
    { carol: { doubled: 1 } },
  ],
  [
    "an entry repeated after later ones, as a single fault",
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
    "an entry received three times",
    { alice: entries("1 alice a1", "1 alice a1", "1 alice a1", "3 alice a2", "4 carol c1") },
    { alice: { doubled: 2 } },
  ],
  [
    "two entries that changed places",
    { bob: entries("2 bob b1", "1 alice a1", "3 alice a2", "4 carol c1") },
    { bob: { reordered: 1 } },
  ],
  [
    "the first entry received last",
    { bob: entries("2 bob b1", "3 alice a2", "4 carol c1", "1 alice a1") },
    { bob: { reordered: 1 } },
  ],
  [
    "all entries in reverse",
    { bob: entries("4 carol c1", "3 alice a2", "2 bob b1", "1 alice a1") },
    { bob: { reordered: 3 } },
  ],
  [
    "a sender's messages in the wrong order everywhere, with rising seq",
    {
      alice: entries("1 alice a2", "3 alice a1", "4 carol c1"),
      bob: entries("1 alice a2", "2 bob b1", "3 alice a1", "4 carol c1"),
      carol: entries("2 bob b1", "3 alice a1", "4 carol c1"),
    },
    { alice: { reordered: 1 }, bob: { reordered: 1 } },
  ],
  [
    "a seq that differs from the sender's",
    { carol: entries("1 alice a1", "3 bob b1", "4 carol c1") },
    { carol: { reordered: 1 } },
  ],
  [
    "one seq for two messages",
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
    "a message under another name, which is then lost",
    { carol: entries("1 alice a1", "2 alice b1", "4 carol c1") },
    { carol: { strange: 1, lost: 1 } },
  ],
  [
    "a loss, a double and a reordering at once",
    { bob: entries("2 bob b1", "1 alice a1", "3 alice a2", "3 alice a2") },
    { bob: { lost: 1, doubled: 1, reordered: 1 } },
  ],
])("finds %s", (_case, changed, expected) => {
  const history = { ...RIGHT, ...changed };
  const faults = { alice: NO_FAULT, bob: NO_FAULT, carol: NO_FAULT };
  const wanted = Object.entries(faults).map(([name, none]) => [
    name,
    { ...none, ...expected[name] },
  ]);
  expect(faultsOf(history)).toEqual(Object.fromEntries(wanted));
  expect(isFlawless(check(SENT, new Map(Object.entries(history))))).toBe(false);
});
