/** The schedule and the messages are functions of the seed, and contain every kind of disturbance. */
import { expect, test } from "vitest";
import type { SentMessage } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import { scheduleOf, type Scheduled, varsOf } from "./schedule.ts";
import { nextMessage } from "./messages.ts";
import { violationsIn } from "./line-clients.ts";

const NAMES = ["alice", "bob", "carol"];
const schedule = (seed: number, ms = 60_000, isOurs = true): readonly Scheduled[] =>
  scheduleOf(new SeededRandom(seed), { names: NAMES, ms, isOurs });

test("the same seed gives the same schedule, another seed another", () => {
  expect(schedule(7)).toEqual(schedule(7));
  expect(schedule(8)).not.toEqual(schedule(7));
  expect(varsOf(new SeededRandom(7))).toEqual(varsOf(new SeededRandom(7)));
});

test("draws from one generator do not change another", () => {
  const random = new SeededRandom(7);
  random.fork("somebody").next();
  random.next();
  expect(random.fork("alice").next()).toBe(new SeededRandom(7).fork("alice").next());
  expect(random.fork("alice").next()).not.toBe(random.fork("bob").next());
});

test("a shorter round is the beginning of a longer one", () => {
  const short = schedule(7, 9_000);
  expect(short.length).toBeGreaterThan(5);
  expect(schedule(7, 30_000).filter(({ at }) => at < 9_000)).toEqual(short);
});

test("every kind of disturbance occurs, for everyone, in order", () => {
  const plans = Array.from({ length: 10 }, (_, seed) => schedule(seed));
  const kinds = new Set(plans.flat().map(({ disturbance }) => disturbance.type));
  expect([...kinds].toSorted()).toEqual([
    "blackhole",
    "crash",
    "cut",
    "hold",
    "kill",
    "lag",
    "late frames",
    "leave",
    "online event",
    "overtaken",
    "quiesce",
  ]);
  for (const one of plans) {
    expect(one.map(({ at }) => at)).toEqual(one.map(({ at }) => at).toSorted((a, b) => a - b));
    const struck = new Set(one.flatMap(({ who }) => who ?? []));
    expect([...struck].toSorted()).toEqual(NAMES);
  }
});

test("an endpoint's server is not killed", () => {
  for (let seed = 0; seed < 10; seed++) {
    const kinds = schedule(seed, 60_000, false).map(({ disturbance }) => disturbance.type);
    expect(kinds).not.toContain("kill");
  }
});

test("the numbers are evenly distributed", () => {
  const random = new SeededRandom(1);
  const counts = [0, 0, 0, 0];
  for (let time = 0; time < 4_000; time++) {
    const index = random.between(0, 3);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const count of counts) expect(count).toBeGreaterThan(850);
});

test("every text is sent once", () => {
  const random = new SeededRandom(3);
  const texts = NAMES.flatMap((name) =>
    Array.from({ length: 200 }, (_, number) => nextMessage(random, name, number, NAMES).text),
  );
  expect(new Set(texts).size).toBe(texts.length);
});

test.each([
  [
    "nothing in correct lines",
    ["from alice: alice 1", "from bob: bob 4", "from alice: alice 2"],
    [],
  ],
  [
    "nothing in lines that another connection repeats",
    ["from alice: alice 1", "* welcome to x", "from alice: alice 1"],
    [],
  ],
  ["a line twice on one connection", ["from alice: alice 1", "from alice: alice 1"], ["R5"]],
  ["another order", ["from alice: alice 2", "from alice: alice 1"], ["R4"]],
  ["a message for somebody else", ["from bob: bob 5"], ["R8"]],
  ["a message that nobody sent", ["from eve: eve 1"], ["R8"]],
])("in the lines of a chat.line client, it finds %s", (_case, lines, rules) => {
  const sent = new Map(
    ["alice 1", "alice 2", "bob 4"].map((text) => [
      `from ${text.split(" ")[0] ?? ""}: ${text}`,
      { text, isInvalid: false, fate: "confirmed" } as const,
    ]),
  );
  const all = new Map<string, SentMessage>([
    ...sent,
    [
      "from bob: bob 5",
      { text: "bob 5", to: ["alice"], isInvalid: false, fate: "confirmed" } as const,
    ],
  ]);
  expect(violationsIn("line-client", lines, all).map(({ rule }) => rule)).toEqual(rules);
});
