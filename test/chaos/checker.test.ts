/** The judge finds each planted fault, calls it by its rule, and finds nothing where nothing is wrong. */
import { expect, test } from "vitest";
import { History, type Fate, type ReceivedMessage } from "./history.ts";
import { checkHistory, type Evidence, isGood } from "./checker.ts";

type Planted = {
  alice: History;
  bob: History;
  evidence: { -readonly [K in keyof Evidence]: Evidence[K] };
};

const heard = (
  seq: number,
  from: string,
  text: string,
  to?: readonly string[],
): ReceivedMessage => ({
  seq,
  from,
  text,
  ...(to && { to }),
});
const TALK = [
  heard(1, "alice", "a1"),
  heard(2, "bob", "b1", ["bob"]),
  heard(3, "alice", "a2", ["bob"]),
];

/** Alice and bob have talked, and all is well. */
function well(): Planted {
  const [alice, bob] = [new History("alice"), new History("bob")];
  alice.says({ text: "a1", isWrong: false, fate: "undecided" });
  bob.says({ text: "b1", to: ["bob"], isWrong: false, fate: "undecided" });
  alice.says({ text: "a2", to: ["bob"], isWrong: false, fate: "undecided" });
  alice.says({ text: "a3", to: ["nobody"], isWrong: true, fate: "undecided" });
  for (const entry of TALK) {
    if (entry.from === "alice" || entry.to === undefined) alice.hears(entry);
    bob.hears(entry);
  }
  alice.refused("a3", "unknown-peer");
  alice.history = alice.got;
  bob.history = bob.got;
  const histories = [alice, bob];
  const online = ["alice", "bob"];
  return {
    alice,
    bob,
    evidence: { histories, talkers: [], faults: [], online, kills: 1, isFinal: true },
  };
}

const fateOf = (account: History, text: string, fate: Fate): void => {
  const said = account.said.find((one) => one.text === text);
  if (said !== undefined) said.fate = fate;
};

const violated = ({ evidence }: Planted): string[] =>
  checkHistory(evidence)
    .filter(({ verdict }) => verdict === "VIOLATED")
    .map(({ rule }) => rule);

test("finds nothing where nothing is wrong, and says what it cannot see", () => {
  const planted = well();
  expect(violated(planted)).toEqual([]);
  const verdicts = checkHistory(planted.evidence);
  expect(isGood(verdicts)).toBe(true);
  expect(verdicts.map(({ rule }) => rule)).toEqual(
    Array.from({ length: 11 }, (_, index) => `R${index + 1}`),
  );
  const hidden = verdicts.filter(({ verdict }) => verdict === "not seen from outside");
  expect(hidden.map(({ rule }) => rule)).toEqual(["R9", "R10"]);
});

test.each<[string, readonly string[], (planted: Planted) => void]>([
  ["a loss", ["R5"], ({ bob }) => (bob.got = bob.got.filter(({ seq }) => seq !== 1))],
  ["an entry twice", ["R5"], ({ bob }) => bob.got.push(heard(3, "alice", "a2", ["bob"]))],
  ["a message stored twice", ["R5"], ({ bob }) => bob.got.push(heard(4, "alice", "a2", ["bob"]))],
  ["another order", ["R4"], ({ bob }) => (bob.got = bob.got.toReversed())],
  [
    "one place for two, of which one was never sent",
    ["R4", "R5", "R8"],
    ({ evidence }) => {
      const carol = new History("carol");
      carol.got = [heard(1, "alice", "another")];
      carol.history = [];
      evidence.histories = [...evidence.histories, carol];
      evidence.online = ["alice", "bob", "carol"];
    },
  ],
  [
    "what is somebody else's",
    ["R8"],
    ({ alice }) => alice.got.splice(1, 0, heard(2, "bob", "b1", ["bob"])),
  ],
  ["what nobody sent", ["R8"], ({ alice }) => alice.got.push(heard(9, "stranger-1", "secret"))],
  [
    "a history of others",
    ["R8", "R5"],
    ({ alice }) => (alice.history = [...alice.got, heard(2, "bob", "b1", ["bob"])]),
  ],
  [
    "what was shown and is gone after a kill",
    ["R3"],
    ({ bob }) => (bob.history = bob.got.filter(({ seq }) => seq !== 2)),
  ],
  [
    "a message that was never decided",
    ["R11"],
    ({ alice, evidence }) => {
      alice.says({ text: "a4", isWrong: false, fate: "undecided" });
      evidence.kills = 0;
    },
  ],
  [
    "a refusal without a cause",
    ["R5"],
    ({ alice }) => {
      alice.says({ text: "a4", isWrong: false, fate: "undecided" });
      alice.refused("a4", "lost");
    },
  ],
  ["a refusal of what is stored", ["R5"], ({ alice }) => fateOf(alice, "a1", "refused")],
  ["two decisions of one message", ["R5"], ({ alice }) => alice.refused("a1", "bad-frame")],
  [
    "an unknown recipient who was not refused",
    ["R6"],
    ({ alice, bob }) => {
      for (const { got } of [alice, bob]) got.push(heard(4, "alice", "a3"));
      alice.history = alice.got;
      bob.history = bob.got;
      fateOf(alice, "a3", "confirmed");
      for (const one of alice.said) if (one.text === "a3") delete (one as { to?: unknown }).to;
    },
  ],
  [
    "an unknown fate without a gap",
    ["R6"],
    ({ alice }) => {
      alice.says({ text: "a4", isWrong: false, fate: "unknown" });
    },
  ],
  [
    "what was stored without ever being on record",
    ["R5"],
    ({ alice }) => fateOf(alice, "a1", "dropped"),
  ],
  [
    "somebody here whom the room takes for away",
    ["R2"],
    ({ evidence }) => (evidence.online = ["bob"]),
  ],
  [
    "a room that tells nobody who is here",
    ["R11"],
    ({ evidence }) => (evidence.online = undefined),
  ],
  [
    "faults seen on the way",
    ["R1", "R7"],
    ({ alice, evidence }) => {
      alice.fault("R1", "lost its name");
      evidence.faults = [{ rule: "R7", what: "the server complained" }];
    },
  ],
])("finds %s", (_case, rules, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted).toSorted()).toEqual(rules.toSorted());
});

test.each<[string, (planted: Planted) => void]>([
  [
    "what a gap has hidden is no loss",
    ({ bob }) => {
      bob.got = bob.got.filter(({ seq }) => seq !== 1);
      bob.gaps.push({ from: 1, to: 1 });
      bob.history = bob.got;
    },
  ],
  [
    "behind a gap a fate may be unknown",
    ({ alice }) => {
      alice.gaps.push({ from: 4, to: 9 });
      alice.says({ text: "a4", isWrong: false, fate: "unknown" });
    },
  ],
  [
    "what its client gave up as ending each link is refused with a cause",
    ({ alice }) => {
      alice.says({ text: "a4", isWrong: false, fate: "undecided" });
      alice.refused("a4", "given up");
    },
  ],
  [
    "a storm that was broken off decides nothing",
    ({ alice, bob, evidence }) => {
      alice.says({ text: "a4", isWrong: false, fate: "undecided" });
      bob.got = bob.got.slice(0, 1);
      evidence.isFinal = false;
      evidence.online = undefined;
    },
  ],
])("%s", (_case, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted)).toEqual([]);
});

test("of a dead client only its record counts", () => {
  const { alice } = well();
  alice.says({ text: "a4", isWrong: false, fate: "undecided" });
  alice.says({ text: "a5", isWrong: false, fate: "undecided" });
  alice.rollBack(1, new Set(["a2", "a4"]));
  expect(alice.got.map(({ text }) => text)).toEqual(["a1"]);
  expect(alice.said.map(({ text, fate }) => [text, fate])).toEqual([
    ["a1", "confirmed"],
    ["a2", "undecided"],
    ["a3", "refused"],
    ["a4", "undecided"],
    ["a5", "dropped"],
  ]);
});
