/** The plan and the talk are functions of the seed, and have every kind of trouble in them. */
import { expect, test } from "vitest";
import type { SentMessage } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import { scheduleOf, type Scheduled, varsOf } from "./schedule.ts";
import { lineOf } from "./messages.ts";
import { faultsOf } from "./line-clients.ts";

const NAMES = ["alice", "bob", "carol"];
const plan = (seed: number, ms = 60_000, isOurs = true): readonly Scheduled[] =>
  scheduleOf(new SeededRandom(seed), { names: NAMES, ms, isOurs });

test("the same seed plans the same, another seed something else", () => {
  expect(plan(7)).toEqual(plan(7));
  expect(plan(8)).not.toEqual(plan(7));
  expect(varsOf(new SeededRandom(7))).toEqual(varsOf(new SeededRandom(7)));
});

test("what one draws changes nothing for the others", () => {
  const chance = new SeededRandom(7);
  chance.of("somebody").next();
  chance.next();
  expect(chance.of("alice").next()).toBe(new SeededRandom(7).of("alice").next());
  expect(chance.of("alice").next()).not.toBe(chance.of("bob").next());
});

test("a shorter round is the beginning of a longer one", () => {
  const short = plan(7, 9_000);
  expect(short.length).toBeGreaterThan(5);
  expect(plan(7, 30_000).filter(({ at }) => at < 9_000)).toEqual(short);
});

test("every kind of trouble comes, to everyone, in order", () => {
  const plans = Array.from({ length: 10 }, (_, seed) => plan(seed));
  const kinds = new Set(plans.flat().map(({ trouble }) => trouble.type));
  expect([...kinds].toSorted()).toEqual([
    "awake",
    "crash",
    "cut",
    "hold",
    "hole",
    "hush",
    "kill",
    "lag",
    "late words",
    "leave",
    "overtaken",
  ]);
  for (const one of plans) {
    expect(one.map(({ at }) => at)).toEqual(one.map(({ at }) => at).toSorted((a, b) => a - b));
    const struck = new Set(one.flatMap(({ who }) => who ?? []));
    expect([...struck].toSorted()).toEqual(NAMES);
  }
});

test("somebody else's server is not killed", () => {
  for (let seed = 0; seed < 10; seed++) {
    const kinds = plan(seed, 60_000, false).map(({ trouble }) => trouble.type);
    expect(kinds).not.toContain("kill");
  }
});

test("chance is even enough", () => {
  const chance = new SeededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let time = 0; time < 4_000; time++) {
    const index = chance.between(0, 3);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const count of counts) expect(count).toBeGreaterThan(850);
});

test("every text is said once", () => {
  const chance = new SeededRandom(3);
  const texts = NAMES.flatMap((name) =>
    Array.from({ length: 200 }, (_, number) => lineOf(chance, name, number, NAMES).text),
  );
  expect(new Set(texts).size).toBe(texts.length);
});

test.each([
  [
    "nothing where nothing is wrong",
    ["from alice: alice 1", "from bob: bob 4", "from alice: alice 2"],
    [],
  ],
  [
    "nothing in what another link repeats",
    ["from alice: alice 1", "* welcome to x", "from alice: alice 1"],
    [],
  ],
  ["what is said twice on one link", ["from alice: alice 1", "from alice: alice 1"], ["R5"]],
  ["another order", ["from alice: alice 2", "from alice: alice 1"], ["R4"]],
  ["what is somebody else's", ["from bob: bob 5"], ["R8"]],
  ["what nobody said", ["from eve: eve 1"], ["R8"]],
])("of a talker's lines it finds %s", (_case, lines, rules) => {
  const said = new Map(
    ["alice 1", "alice 2", "bob 4"].map((text) => [
      `from ${text.split(" ")[0] ?? ""}: ${text}`,
      { text, isWrong: false, fate: "confirmed" } as const,
    ]),
  );
  const all = new Map<string, SentMessage>([
    ...said,
    [
      "from bob: bob 5",
      { text: "bob 5", to: ["alice"], isWrong: false, fate: "confirmed" } as const,
    ],
  ]);
  expect(faultsOf("talker", lines, all).map(({ rule }) => rule)).toEqual(rules);
});
