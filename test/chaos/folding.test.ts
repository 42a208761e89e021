/** The checker finds each planted violation of changes and erasures, and reports nothing in a correct history. */
import { expect, test } from "vitest";
import { History, type ReceivedEntry } from "./history.ts";
import { fateOf, message, type Planted, sends, violated } from "./planted.ts";

/** When each of alice's items was confirmed: a connection that began later may not show what it replaced. */
const CONFIRMED_AT = 1_000;

const LUNCH: ReceivedEntry = { ...message(1, "alice", "lunch today?"), id: "a1" };
const SECRET: ReceivedEntry = { ...message(2, "alice", "a secret", ["bob"]), id: "a2" };
const EDIT: ReceivedEntry = {
  type: "patch",
  seq: 3,
  from: "alice",
  id: "a3",
  ref: 1,
  text: "at 12",
};
const DATA: ReceivedEntry = {
  type: "patch",
  seq: 4,
  from: "alice",
  id: "a4",
  ref: 1,
  // What the earlier patch gave comes along.
  text: "at 12",
  data: { poll: "12 or 13" },
};
const ERASURE: ReceivedEntry = {
  type: "patch",
  seq: 5,
  from: "alice",
  to: ["bob"],
  id: "a5",
  ref: 2,
  erase: true,
};
const MARK: ReceivedEntry = {
  ...message(6, "bob", ""),
  id: "b1",
  ref: 1,
  quiet: true,
  data: { mark: "+1", key: "bob 1" },
};
const ORDER: ReceivedEntry = {
  type: "patch",
  seq: 7,
  from: "bob",
  ref: 6,
  erase: true,
  quiet: true,
  by: "operator",
};

/** What the log holds of the messages at the end. */
const LOG: readonly ReceivedEntry[] = [
  { ...LUNCH, text: "at 12", data: { poll: "12 or 13" }, patched: 4, patches: 2 },
  { ...SECRET, text: "", patched: 5, erased: true },
  { ...MARK, text: "", data: undefined, patched: 7, erased: true, by: "operator" },
];
/** An earlier patch, once a later one has taken its place. */
const SUPERSEDED: ReceivedEntry = { ...EDIT, text: undefined, patched: 4 };

/** Alice changes a message twice and erases another; bob, who was away, reacts; the operator erases the reaction. */
function well(): Planted {
  const [alice, bob] = [new History("alice"), new History("bob")];
  sends(alice, "lunch today?", { id: "a1" });
  sends(alice, "a secret", { id: "a2", to: ["bob"] });
  sends(alice, "at 12", { id: "a3", type: "edit", ref: 1 });
  sends(alice, "", { id: "a4", type: "edit", ref: 1, data: { poll: "12 or 13" } });
  for (const one of alice.sent) if (one.id === "a4") delete (one as { text?: string }).text;
  sends(alice, "", { id: "a5", type: "erase", ref: 2, to: ["bob"] });
  sends(alice, "mine now", { id: "a6", type: "edit", ref: 6, isInvalid: true });
  sends(bob, "", { id: "b1", ref: 1, quiet: true, data: { mark: "+1", key: "bob 1" } });
  for (const entry of [LUNCH, SECRET, EDIT, DATA, ERASURE, MARK, ORDER])
    alice.addReceived(entry, CONFIRMED_AT);
  alice.addRefused("a6", "forbidden");
  // Bob's copy of the first message is older than both changes.
  for (const entry of [LUNCH, SECRET, SUPERSEDED, DATA, ERASURE, MARK, ORDER])
    bob.addReceived(entry, CONFIRMED_AT);
  alice.stored = LOG;
  bob.stored = LOG;
  return {
    alice,
    bob,
    evidence: {
      histories: [alice, bob],
      lineClients: [],
      erasures: [{ ref: 6, storedAt: CONFIRMED_AT }],
      exported: LOG,
      violations: [],
      online: ["alice", "bob"],
      kills: 0,
      isComplete: true,
    },
  };
}

/** Replaces what `history` received at the place of `entry`. */
const receives = (history: History, entry: ReceivedEntry): void => {
  history.received = history.received.map((one) => (one.seq === entry.seq ? entry : one));
};

const lacks = (history: History, ...seqs: number[]): void => {
  history.received = history.received.filter(({ seq }) => !seqs.includes(seq));
};

/** Replaces a message of the log. */
const keeps = ({ alice, bob, evidence }: Planted, message: ReceivedEntry): void => {
  const log = LOG.map((one) => (one.seq === message.seq ? message : one));
  alice.stored = log;
  bob.stored = log;
  evidence.exported = log;
};

const shows = (history: History, began: number, text: string): void =>
  void history.connections.push({ began, strings: new Set([text]) });

test("reports nothing for a correct history", () => expect(violated(well())).toEqual([]));

test.each<[string, readonly string[], (planted: Planted) => void]>([
  [
    "a copy that misses what a superseded patch had changed",
    ["R5"],
    ({ bob }) => receives(bob, { ...DATA, text: undefined }),
  ],
  ["a copy that a patch did not reach", ["R5"], ({ bob }) => lacks(bob, 4)],
  ["a copy that the erasure did not reach", ["R5"], ({ bob }) => lacks(bob, 5)],
  ["a patch twice", ["R5"], ({ bob }) => bob.received.push(ORDER)],
  [
    "patches in another order",
    ["R4", "R5"],
    ({ bob }) => (bob.received = [LUNCH, SECRET, EDIT, DATA, ERASURE, MARK, ORDER].toReversed()),
  ],
  [
    "a folded message whose patch comes again with its contents, as if it were later",
    ["R5"],
    ({ bob }) => receives(bob, { ...LUNCH, text: "at 12", patched: 9, patches: 1 }),
  ],
  ["a confirmed change that the log has lost", ["R5", "R8"], (planted) => keeps(planted, LUNCH)],
  [
    "a confirmed change that the log has lost through a kill",
    ["R3", "R8"],
    (planted) => {
      planted.evidence.kills = 1;
      keeps(planted, LUNCH);
    },
  ],
  [
    "an erased message whose text the log still has",
    ["R5", "R8"],
    (planted) => keeps(planted, SECRET),
  ],
  [
    "an erasure of the operator that the log has lost",
    ["R5"],
    (planted) => {
      for (const history of [planted.alice, planted.bob]) lacks(history, 7);
      keeps(planted, MARK);
    },
  ],
  [
    "a rejected change in the log",
    ["R5", "R8"],
    (planted) => keeps(planted, { ...MARK, text: "mine now", patched: 8, patches: 1 }),
  ],
  [
    "a confirmed change of somebody else's message, which nobody received",
    ["R5", "R8"],
    ({ alice }) => fateOf(alice, "a6", "confirmed"),
  ],
  [
    "a change that was rejected without a cause",
    ["R5"],
    ({ alice }) => {
      sends(alice, "at 13", { type: "edit", ref: 1 });
      alice.addRefused("at 13", "forbidden");
    },
  ],
  [
    "a replaced text on a later connection",
    ["R8"],
    ({ bob }) => shows(bob, CONFIRMED_AT + 1, "lunch today?"),
  ],
  [
    "an erased text on a later connection of chat.line",
    ["R8"],
    ({ evidence }) => {
      const line = new History("line-client-1");
      shows(line, CONFIRMED_AT + 1, "a secret");
      evidence.lineClients = [line];
    },
  ],
  [
    "data that the operator erased on a later connection",
    ["R8"],
    ({ alice }) => shows(alice, CONFIRMED_AT + 1, "bob 1"),
  ],
  [
    "an erased text in the export",
    ["R8"],
    ({ evidence }) =>
      (evidence.exported = [...LOG, { ...message(8, "eve", "x"), data: { was: "a secret" } }]),
  ],
  [
    "a patch of a message for somebody else",
    ["R8"],
    ({ evidence }) => {
      const carol = new History("carol");
      for (const entry of [LUNCH, EDIT, DATA, ERASURE, MARK, ORDER]) carol.addReceived(entry);
      carol.stored = [LOG[0] ?? LUNCH, LOG[2] ?? MARK];
      evidence.histories = [...evidence.histories, carol];
      evidence.online = ["alice", "bob", "carol"];
    },
  ],
  [
    "a patch that names others than its message does",
    ["R8"],
    ({ bob }) => receives(bob, { ...ERASURE, to: ["bob", "carol"] }),
  ],
  [
    "a quiet entry that arrives loud",
    ["R5"],
    ({ bob }) => receives(bob, { ...MARK, quiet: undefined }),
  ],
])("finds %s", (_case, rules, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted).toSorted()).toEqual(rules.toSorted());
});

test.each<[string, (planted: Planted) => void]>([
  [
    "a message that arrives folded needs no patch",
    ({ bob }) =>
      receives(bob, {
        ...LUNCH,
        text: "at 12",
        patched: 4,
        patches: 2,
        data: { poll: "12 or 13" },
      }),
  ],
  [
    "after a gap over its patch, a copy may be old",
    ({ bob }) => {
      lacks(bob, 4, 5);
      bob.gaps.push({ from: 4, to: 5 });
    },
  ],
  [
    "a change of an erased message is rejected",
    ({ alice }) => {
      sends(alice, "public", { type: "edit", ref: 2, to: ["bob"] });
      alice.addRefused("public", "forbidden");
    },
  ],
  [
    "a connection that began before may show what was replaced",
    ({ bob }) => shows(bob, CONFIRMED_AT - 1, "a secret"),
  ],
  [
    "an erasure of the operator whose answer was lost may have failed",
    ({ alice, bob, evidence }) => {
      evidence.erasures = [{ ref: 6 }];
      for (const history of [alice, bob]) lacks(history, 7);
      keeps({ alice, bob, evidence }, MARK);
    },
  ],
])("%s", (_case, plant) => {
  const planted = well();
  plant(planted);
  expect(violated(planted)).toEqual([]);
});

test("a copy behind a gap must still be one that the message once was", () => {
  const planted = well();
  const { bob } = planted;
  lacks(bob, 4);
  bob.gaps.push({ from: 4, to: 4 });
  receives(bob, { ...LUNCH, text: "at 13" });
  expect(violated(planted)).toEqual(["R5"]);
});
