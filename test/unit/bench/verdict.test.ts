/** What the bench of neighbours calls broken, and what it measures once more. */
import { expect, test } from "vitest";
import type { Scenario } from "../../../bench/noisy-neighbors/kinds.ts";
import {
  mayBeTheMachine,
  P99_FLOOR_MS,
  P99_TIMES,
  type Result,
  resultOf,
  type Round,
  SLACK_BYTES,
} from "../../../bench/noisy-neighbors/verdict.ts";

const SCENARIO: Scenario = {
  name: "one",
  kind: "flood",
  count: 1,
  deed: "floods",
  bytes: () => 1_000,
  because: "",
};
const QUIET: Round = { p50: 1, p99: 5, cpu: 1, rss: 0, missing: 0, ended: 0 };

/** Three rounds beside the neighbours, and what is special in the second and third. */
function beside(special: Partial<Round>, alone: Partial<Round> = {}, floods = 1): Result {
  const rounds = [QUIET, { ...QUIET, ...special }, { ...QUIET, ...special }];
  const quiet = { ...QUIET, ...alone };
  const pace = { rounds: 3, ms: 1_000, names: 1 };
  return resultOf(SCENARIO, { alone: [quiet, quiet], beside: rounds, deeds: { floods }, pace });
}

test.each<[string, Result, readonly RegExp[]]>([
  ["nothing special", beside({}), []],
  ["a p99 at the floor", beside({ p99: P99_FLOOR_MS }), []],
  ["a p99 above the floor", beside({ p99: P99_FLOOR_MS + 1 }), [/^p99 was 1001 ms, more than/]],
  [
    "a p99 above the floor, on a machine that is as slow without them",
    beside({ p99: P99_FLOOR_MS + 1 }, { p99: P99_FLOOR_MS / P99_TIMES + 1 }),
    [],
  ],
  ["a word that did not come", beside({ missing: 1 }), [/^2 deliveries .* did not come/]],
  ["somebody who was put out", beside({ ended: 1 }), [/^2 of those who talked were put out/]],
  ["memory up to the bound", beside({ rss: 2_000 + SLACK_BYTES }), []],
  ["memory above the bound", beside({ rss: 2_001 + SLACK_BYTES }), [/^memory grew by/]],
  ["neighbours that did nothing", beside({}, {}, 0), [/^nothing was measured/]],
])("%s", (_case, { broken }, sentences) => {
  expect(broken).toHaveLength(sentences.length);
  for (const [index, sentence] of sentences.entries()) expect(broken[index]).toMatch(sentence);
});

test("only a p99 that is over its bound, and nothing else, may be the machine's doing", () => {
  expect(mayBeTheMachine(beside({}))).toBe(false);
  expect(mayBeTheMachine(beside({ p99: P99_FLOOR_MS + 1 }))).toBe(true);
  expect(mayBeTheMachine(beside({ missing: 1 }))).toBe(false);
  expect(mayBeTheMachine(beside({ p99: P99_FLOOR_MS + 1, missing: 1 }))).toBe(false);
});
