/** Checks a mutant of a rule by the test that must fail with it. */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXPLORED } from "./explored.ts";
import { CLIENT } from "./client.ts";
import { type Mutant, MUTANTS } from "./list.ts";
import type { MutantChecker } from "./checker.ts";

const root = join(import.meta.dirname, "../..");

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

/** @returns how many tests with this title passed and failed; a failed run counts as none */
function run(copy: string, { project, file, test }: Mutant): Report {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const title = test.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const where = ["--config", "test/vitest.config.ts", "--project", project, file, "-t", title];
  const how = ["--reporter", "json", "--outputFile", report, "--bail", "1"];
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  // The same random cases every time, so that no mutant survives by chance.
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

const sound = new Map<string, boolean>();

export const byTest: MutantChecker<Mutant> = {
  mutants: [...MUTANTS, ...CLIENT, ...EXPLORED],
  title: ({ name, test }) => `${name} — ${test}`,
  /** Each test runs once without a mutant. */
  soundness(copy, mutant) {
    const key = `${mutant.file} ${mutant.test}`;
    if (!sound.has(key)) {
      const { numPassedTests, numFailedTests } = run(copy, mutant);
      sound.set(key, numPassedTests > 0 && numFailedTests === 0);
    }
    return sound.get(key) === true ? undefined : "its test fails without the mutant";
  },
  verdict(copy, mutant) {
    const isKilled = run(copy, mutant).numFailedTests > 0;
    return { isKilled, text: isKilled ? "killed" : "SURVIVED" };
  },
};
