/** The explorer itself, on models small enough to explore by hand. */
import { expect, test } from "vitest";
import { explore, type Model, Violation } from "./explorer.ts";

/** Two counters up to 3; each step adds one to either. */
const counters = (change: Partial<Model<readonly [number, number]>> = {}) => ({
  initial: [0, 0] as const,
  steps: ([a, b]: readonly [number, number]) => [
    ...(a < 3 ? [{ describe: () => "left", isQuiet: true, take: () => [a + 1, b] as const }] : []),
    ...(b < 3 ? [{ describe: () => "right", isQuiet: true, take: () => [a, b + 1] as const }] : []),
  ],
  canonicalText: (state: readonly [number, number]) => state.join(),
  isSound: () => {},
  isGoodEnd: () => {},
  ...change,
});

test("visits every state once and takes every step", () => {
  const { states, transitions, depth, ends, violation } = explore(counters());
  expect({ states, transitions, depth, ends }).toEqual({
    states: 16,
    transitions: 24,
    depth: 7,
    ends: 1,
  });
  expect(violation).toBeUndefined();
});

test("finds a state that breaks a rule, with the shortest trace", () => {
  const isSound = ([a, b]: readonly [number, number]): void => {
    if (a === 2 && b === 0) throw new Violation("R1", "two to nothing");
  };
  expect(explore(counters({ isSound })).violation).toEqual({
    message: "R1: two to nothing",
    trace: ["left", "left"],
  });
});

test("a step that throws is a violation", () => {
  const steps = () => [
    {
      describe: () => "stumbles",
      isQuiet: true,
      take: () => {
        throw new TypeError("no such thing");
      },
    },
  ];
  const { violation } = explore(counters({ steps }));
  expect(violation?.message).toMatch(/^R7: it threw TypeError: no such thing/);
  expect(violation?.trace).toEqual(["stumbles"]);
});

test("finds an end that is not good", () => {
  const isGoodEnd = (): void => {
    throw new Violation("R11", "not all is done");
  };
  const { violation } = explore(counters({ isGoodEnd }));
  expect(violation?.message).toBe("R11: not all is done");
  expect(violation?.trace).toHaveLength(6);
});

test("finds a cycle of quiet steps; other cycles are allowed", () => {
  const circle = (isQuiet: boolean) =>
    explore(
      counters({
        steps: ([a, b]) => [
          { describe: () => "round", isQuiet, take: () => [(a + 1) % 3, b] as const },
          ...(a === 0 && b < 1
            ? [{ describe: () => "on", isQuiet: true, take: () => [5, 1] as const }]
            : []),
        ],
      }),
    ).violation?.message;
  expect(circle(true)).toBe("R11: quiet steps form a cycle");
  expect(circle(false)).toBeUndefined();
});

test("stops at a bound on the states, and reports it", () => {
  const { states, isCut } = explore(counters(), { states: 5 });
  expect(isCut).toBe(true);
  expect(states).toBeLessThan(16);
});
