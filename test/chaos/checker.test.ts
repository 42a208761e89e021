/** The checker finds each planted violation, names its rule, and reports nothing in a correct history. */
import { expect, test } from "vitest";
import { checkHistory, isGood } from "./checker.ts";
import { History } from "./history.ts";
import { fateOf, message, type Planted, sends, violated } from "./planted.ts";

const TALK = [
  message(1, "alice", "a1"),
  message(2, "bob", "b1", ["bob"]),
  message(3, "alice", "a2", ["bob"]),
];

/** A correct history of alice and bob. */
function well(): Planted {
  const [alice, bob] = [new History("alice"), new History("bob")];
  sends(alice, "a1");
  sends(bob, "b1", { to: ["bob"] });
  sends(alice, "a2", { to: ["bob"] });
  sends(alice, "a3", { to: ["nobody"], isInvalid: true });
  for (const entry of TALK) {
    if (entry.from === "alice" || entry.to === undefined) alice.addReceived(entry);
    bob.addReceived(entry);
  }
  alice.addRefused("a3", "unknown-peer");
  alice.stored = alice.received;
  bob.stored = bob.received;
  const histories = [alice, bob];
  const online = ["alice", "bob"];
  return {
    alice,
    bob,
    evidence: {
      histories,
      lineClients: [],
      erasures: [],
      exported: TALK,
      violations: [],
      online,
      kills: 1,
      isComplete: true,
    },
  };
}

test("reports nothing for a correct history, and names the rules that it cannot observe", () => {
  const planted = well();
  expect(violated(planted)).toEqual([]);
  const verdicts = checkHistory(planted.evidence);
  expect(isGood(verdicts)).toBe(true);
  expect(verdicts.map(({ rule }) => rule)).toEqual(
    Array.from({ length: 11 }, (_, index) => `R${index + 1}`),
  );
  const hidden = verdicts.filter(({ verdict }) => verdict === "not observable");
  expect(hidden.map(({ rule }) => rule)).toEqual(["R9", "R10"]);
});

test.each<[string, readonly string[], (planted: Planted) => void]>([
  ["a loss", ["R5"], ({ bob }) => (bob.received = bob.received.filter(({ seq }) => seq !== 1))],
  ["an entry twice", ["R5"], ({ bob }) => bob.received.push(message(3, "alice", "a2", ["bob"]))],
  [
    "a message stored twice",
    ["R5"],
    ({ bob }) => bob.received.push(message(4, "alice", "a2", ["bob"])),
  ],
  ["another order", ["R4"], ({ bob }) => (bob.received = bob.received.toReversed())],
  [
    "one seq for two messages, one of which was never sent",
    ["R4", "R5", "R8"],
    ({ evidence }) => {
      const carol = new History("carol");
      carol.received = [message(1, "alice", "another")];
      carol.stored = [];
      evidence.histories = [...evidence.histories, carol];
      evidence.online = ["alice", "bob", "carol"];
    },
  ],
  [
    "a message for somebody else",
    ["R8"],
    ({ alice }) => alice.received.splice(1, 0, message(2, "bob", "b1", ["bob"])),
  ],
  [
    "a message that nobody sent",
    ["R8"],
    ({ alice }) => alice.received.push(message(9, "adversary-1", "secret")),
  ],
  [
    "somebody else's message in the history",
    ["R8", "R5"],
    ({ alice }) => (alice.stored = [...alice.received, message(2, "bob", "b1", ["bob"])]),
  ],
  [
    "an entry that was delivered and is gone after a kill",
    ["R3"],
    ({ bob }) => (bob.stored = bob.received.filter(({ seq }) => seq !== 2)),
  ],
  [
    "a message that is never settled",
    ["R11"],
    ({ alice, evidence }) => {
      sends(alice, "a4");
      evidence.kills = 0;
    },
  ],
  [
    "an error without a cause",
    ["R5"],
    ({ alice }) => {
      sends(alice, "a4");
      alice.addRefused("a4", "lost");
    },
  ],
  ["an error for a stored message", ["R5"], ({ alice }) => fateOf(alice, "a1", "refused")],
  ["two outcomes of one message", ["R5"], ({ alice }) => alice.addRefused("a1", "bad-frame")],
  [
    "an unknown recipient without an error",
    ["R6"],
    ({ alice, bob }) => {
      for (const { received } of [alice, bob]) received.push(message(4, "alice", "a3"));
      alice.stored = alice.received;
      bob.stored = bob.received;
      fateOf(alice, "a3", "confirmed");
      for (const one of alice.sent) if (one.text === "a3") delete (one as { to?: unknown }).to;
    },
  ],
  [
    "an unknown fate without a gap",
    ["R6"],
    ({ alice }) => {
      sends(alice, "a4", { fate: "unknown" });
    },
  ],
  [
    "a stored message that was never in a record",
    ["R5"],
    ({ alice }) => fateOf(alice, "a1", "dropped"),
  ],
  [
    "a connected member that the room lists as offline",
    ["R2"],
    ({ evidence }) => (evidence.online = ["bob"]),
  ],
  [
    "a room that does not answer who is online",
    ["R11"],
    ({ evidence }) => (evidence.online = undefined),
  ],
  [
    "violations found during the round",
    ["R1", "R7"],
    ({ alice, evidence }) => {
      alice.violates("R1", "lost its name");
      evidence.violations = [{ rule: "R7", what: "the server logged an error" }];
    },
  ],
])("finds %s", (_case, rules, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted).toSorted()).toEqual(rules.toSorted());
});

test.each<[string, (planted: Planted) => void]>([
  [
    "an entry inside a gap is not lost",
    ({ bob }) => {
      bob.received = bob.received.filter(({ seq }) => seq !== 1);
      bob.gaps.push({ from: 1, to: 1 });
      bob.stored = bob.received;
    },
  ],
  [
    "after a gap, a fate may be unknown",
    ({ alice }) => {
      alice.gaps.push({ from: 4, to: 9 });
      sends(alice, "a4", { fate: "unknown" });
    },
  ],
  [
    "a poison message that its client gave up is rejected with a cause",
    ({ alice }) => {
      sends(alice, "a4");
      alice.addRefused("a4", "given up");
    },
  ],
  [
    "an aborted round settles nothing",
    ({ alice, bob, evidence }) => {
      sends(alice, "a4");
      bob.received = bob.received.slice(0, 1);
      evidence.isComplete = false;
      evidence.online = undefined;
    },
  ],
])("%s", (_case, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted)).toEqual([]);
});

test("only the record of a crashed client counts", () => {
  const { alice } = well();
  sends(alice, "a4");
  sends(alice, "a5");
  alice.rollBack(1, new Set(["a2", "a4"]));
  expect(alice.received.map(({ text }) => text)).toEqual(["a1"]);
  expect(alice.sent.map(({ text, fate }) => [text, fate])).toEqual([
    ["a1", "confirmed"],
    ["a2", "undecided"],
    ["a3", "refused"],
    ["a4", "undecided"],
    ["a5", "dropped"],
  ]);
});
