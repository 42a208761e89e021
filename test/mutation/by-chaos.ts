/**
 * Checks a mutant by a short chaos run, which must report a violation of an expected rule. It takes about half a minute
 * per mutant, so only the nightly workflow runs it. Because timing is random, each mutant gets a few seeds.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { SeededRandom } from "../chaos/seeded-random.ts";
import { varsOf } from "../chaos/schedule.ts";
import { CHAOS_MUTANTS, type ChaosMutant } from "./chaos.ts";
import type { MutantChecker } from "./checker.ts";

const TRIES = 3;
const MINUTES = 0.2;
/** Two server starts and the quiet phase, on a busy machine. */
const DEADLINE_MS = 180_000;

/** @returns the rules reported as violated; undefined if chaos could not run */
function play(copy: string, seed: number): readonly string[] | undefined {
  const flags = ["--seed", String(seed), "--minutes", String(MINUTES)];
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(copy, "test/chaos/main.ts"), ...flags],
    {
      cwd: copy,
      encoding: "utf8",
      timeout: DEADLINE_MS,
    },
  );
  if (status !== 0 && status !== 1) return undefined;
  return Array.from(stdout.matchAll(/^ {2}(R\d+) +VIOLATED/gm), ([, rule = ""]) => rule);
}

const hasShortLog = (seed: number): boolean =>
  varsOf(new SeededRandom(seed).fork("vars"))["LOG_ENTRIES"] === 60;

/** Returns the first few seeds that can find this mutant. */
function seedsFor(mutant: ChaosMutant): readonly number[] {
  const seeds: number[] = [];
  for (let seed = 1; seeds.length < TRIES; seed++) {
    if (hasShortLog(seed) === (mutant.needsShortLog ?? false)) seeds.push(seed);
  }
  return seeds;
}

let sound: string | undefined;

export const byChaos: MutantChecker<ChaosMutant> = {
  mutants: CHAOS_MUTANTS,
  title: ({ name, rules }) => `${name} (${rules.join(" or ")})`,
  /** Chaos runs once without a mutant. */
  soundness(copy) {
    if (sound === undefined) {
      const rules = play(copy, 1);
      sound = rules?.length === 0 ? "" : `without a mutant: ${rules?.join(" ") ?? "no verdict"}`;
    }
    return sound === "" ? undefined : sound;
  },
  verdict(copy, mutant) {
    const found: string[] = [];
    for (const seed of seedsFor(mutant)) {
      const rules = play(copy, seed) ?? ["no verdict"];
      if (mutant.rules.some((rule) => rules.includes(rule))) {
        return { isKilled: true, text: `killed    seed ${seed}: ${rules.join(" ")},` };
      }
      found.push(...rules);
    }
    const text = found.length === 0 ? "SURVIVED" : `MISNAMED  ${found.join(" ")}`;
    return { isKilled: false, text };
  },
};
