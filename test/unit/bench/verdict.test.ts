/** Which results the noisy-neighbors bench calls broken, and which it measures a second time. */
import { expect, test } from "vitest";
import type { Scenario } from "../../../bench/noisy-neighbors/kinds.ts";
import {
  isOnlySlow,
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
  required: "floods",
  bytes: () => 1_000,
  because: "",
};
const QUIET: Round = { p50: 1, p99: 5, cpu: 1, rss: 0, missing: 0, ended: 0 };

/** Three rounds with neighbors; `special` overrides figures of the second and third. */
function disturbed(special: Partial<Round>, alone: Partial<Round> = {}, floods = 1): Result {
  const rounds = [QUIET, { ...QUIET, ...special }, { ...QUIET, ...special }];
  const quiet = { ...QUIET, ...alone };
  const pace = { rounds: 3, ms: 1_000, names: 1 };
  return resultOf(SCENARIO, { alone: [quiet, quiet], disturbed: rounds, counts: { floods }, pace });
}

test.each<[string, Result, readonly RegExp[]]>([
  ["nothing special", disturbed({}), []],
  ["a p99 at the floor", disturbed({ p99: P99_FLOOR_MS }), []],
  ["a p99 above the floor", disturbed({ p99: P99_FLOOR_MS + 1 }), [/^p99 was 1001 ms, more than/]],
  [
    "a p99 above the floor, on a machine that is as slow without neighbors",
    disturbed({ p99: P99_FLOOR_MS + 1 }, { p99: P99_FLOOR_MS / P99_TIMES + 1 }),
    [],
  ],
  ["a message that did not arrive", disturbed({ missing: 1 }), [/^2 deliveries .* did not arrive/]],
  [
    "a participant that was disconnected",
    disturbed({ ended: 1 }),
    [/^2 participants were disconnected/],
  ],
  ["memory up to the bound", disturbed({ rss: 2_000 + SLACK_BYTES }), []],
  ["memory above the bound", disturbed({ rss: 2_001 + SLACK_BYTES }), [/^memory grew by/]],
  ["neighbors that did nothing", disturbed({}, {}, 0), [/^nothing was measured/]],
])("%s", (_case, { broken }, sentences) => {
  expect(broken).toHaveLength(sentences.length);
  for (const [index, sentence] of sentences.entries()) expect(broken[index]).toMatch(sentence);
});

test("only a result whose p99 alone is over its bound may be caused by the machine", () => {
  expect(isOnlySlow(disturbed({}))).toBe(false);
  expect(isOnlySlow(disturbed({ p99: P99_FLOOR_MS + 1 }))).toBe(true);
  expect(isOnlySlow(disturbed({ missing: 1 }))).toBe(false);
  expect(isOnlySlow(disturbed({ p99: P99_FLOOR_MS + 1, missing: 1 }))).toBe(false);
});
