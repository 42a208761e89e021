/**
 * `npm run chaos:mutants [-- REGEXP]`: plays a short chaos with each mutant in a copy of the project. Prints a
 * line each, and exits non-zero if a mutant survives, is found under a wrong rule only, or is stale.
 *
 * It takes about half a minute a mutant, so it is no part of CI. Chance is in it: a mutant has a few seeds to show.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { apply, copyProject } from "../../mutants/copy.ts";
import { Chance } from "../chance.ts";
import { varsOf } from "../plan.ts";
import { CHAOS_MUTANTS, type ChaosMutant } from "./list.ts";

const TRIES = 3;
const MINUTES = 0.2;
/** Starts of the server, the calm, and a machine that is busy. */
const DEADLINE_MS = 180_000;

/** @returns the rules that were called violated; undefined if it could not be tried */
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

const isForgetful = (seed: number): boolean =>
  varsOf(new Chance(seed).of("vars"))["LOG_ENTRIES"] === 60;

/** The first few seeds in which this mutant can show. */
function seedsFor(mutant: ChaosMutant): readonly number[] {
  const seeds: number[] = [];
  for (let seed = 1; seeds.length < TRIES; seed++) {
    if (isForgetful(seed) === (mutant.isForgetful ?? false)) seeds.push(seed);
  }
  return seeds;
}

function verdictOf(copy: string, mutant: ChaosMutant): string {
  const found: string[] = [];
  for (const seed of seedsFor(mutant)) {
    const rules = play(copy, seed);
    if (rules === undefined) {
      found.push("no verdict");
      continue;
    }
    if (mutant.rules.some((rule) => rules.includes(rule)))
      return `found     seed ${seed}: ${rules.join(" ")}`;
    found.push(...rules);
  }
  return found.length === 0 ? "SURVIVED " : `MISNAMED  ${found.join(" ")}`;
}

const wanted = process.argv[2] ?? "";
const chosen = CHAOS_MUTANTS.filter(({ name }) => new RegExp(wanted).test(name));
const copy = copyProject();
let bad = 0;
const sound = play(copy, 1);
if (sound === undefined || sound.length > 0) {
  console.log(`UNSOUND: without any mutant, ${sound?.join(" ") ?? "there is no verdict"}`);
  bad++;
}
for (const mutant of bad > 0 ? [] : chosen) {
  let verdict: string;
  try {
    const restore = apply(copy, mutant.edits);
    verdict = verdictOf(copy, mutant);
    restore();
  } catch (error) {
    verdict = `STALE     ${String(error)}`;
  }
  if (!verdict.startsWith("found")) bad++;
  console.log(`${verdict.padEnd(34)} ${mutant.name} (${mutant.rules.join(" or ")})`);
}
console.log(`${chosen.length - bad} of ${chosen.length} mutants found`);
if (bad > 0 || chosen.length === 0) process.exitCode = 1;
