/**
 * `npm run mutants [-- part of a name]`: applies each mutant to a copy of the project and runs the test that must fail.
 * Prints a line each, and exits non-zero if a mutant survives, is stale, or its test does not pass without it.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { apply, copyProject } from "./copy.ts";
import { EXPLORED } from "./explored.ts";
import { LINK } from "./link.ts";
import { type Mutant, MUTANTS } from "./list.ts";

const root = join(import.meta.dirname, "../..");

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

/** @returns how many tests with this title passed and failed; a run that broke counts as none */
function run(
  copy: string,
  { project, file, test }: Pick<Mutant, "project" | "file" | "test">,
): Report {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const title = test.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const where = ["--config", "test/vitest.config.ts", "--project", project, file, "-t", title];
  const how = ["--reporter", "json", "--outputFile", report, "--bail", "1"];
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  // The same random cases every time: a mutant must not survive by chance.
  const env = { ...process.env, CI: "1" };
  spawnSync(process.execPath, [vitest, "run", ...where, ...how], {
    cwd: copy,
    stdio: "ignore",
    env,
  });
  try {
    return JSON.parse(readFileSync(report, "utf8")) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
}

const wanted = process.argv[2] ?? "";
const chosen = [...MUTANTS, ...LINK, ...EXPLORED].filter(({ name }) => name.includes(wanted));
const copy = copyProject();

const bad: string[] = [];
const sound = new Map<string, boolean>();
for (const mutant of chosen) {
  const key = `${mutant.file} ${mutant.test}`;
  if (!sound.has(key)) {
    const { numPassedTests, numFailedTests } = run(copy, mutant);
    sound.set(key, numPassedTests > 0 && numFailedTests === 0);
  }
  let verdict: string;
  try {
    const restore = apply(copy, mutant.edits);
    const { numFailedTests } = run(copy, mutant);
    restore();
    verdict = numFailedTests > 0 ? "killed" : "SURVIVED";
  } catch (error) {
    verdict = `STALE: ${String(error)}`;
  }
  if (!sound.get(key)) verdict = "UNSOUND: its test does not pass without it";
  if (verdict !== "killed") bad.push(mutant.name);
  console.log(`${verdict.padEnd(9)} ${mutant.name} — ${mutant.test}`);
}
console.log(`${chosen.length - bad.length} of ${chosen.length} mutants killed`);
if (bad.length > 0 || chosen.length === 0) process.exitCode = 1;
