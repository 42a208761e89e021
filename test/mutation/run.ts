/**
 * `npm run test:mutation [-- [--chaos] [--shard 1/2] [part of a name]]`: applies each mutant to a copy of the project
 * and checks that it is killed: by its test, or with `--chaos` by a short chaos run that must name an expected rule.
 * Prints a line per mutant, and exits non-zero if a mutant survives or is stale, or if its check fails without a
 * mutant.
 */
import { parseArgs } from "node:util";
import { byChaos } from "./by-chaos.ts";
import { byTest } from "./by-test.ts";
import { apply, copyProject } from "./copy.ts";
import type { MutantChecker, CheckedMutant } from "./checker.ts";

const HELP = `npm run test:mutation -- [--chaos] [--shard N/M] [PART OF A NAME]

  --chaos      the mutants that a short chaos run must kill, instead of those that a test must kill
  --shard N/M  only the Nth of M parts, which run side by side
`;

const { values, positionals } = readArguments();
if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}
const [wanted = ""] = positionals;
const [, shard = "", shards = ""] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(values.shard) ?? [];
if (shard === "" || Number(shard) > Number(shards)) {
  console.error('--shard: expected a part of several, as in "1/2"');
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        chaos: { type: "boolean", default: false },
        shard: { type: "string", default: "1/1" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return process.exit(2);
  }
}

function runAll<One extends CheckedMutant>(checker: MutantChecker<One>): boolean {
  const copy = copyProject();
  const named = checker.mutants.filter(({ name }) => name.includes(wanted));
  const chosen = named.filter((_, index) => index % Number(shards) === Number(shard) - 1);
  if (named.length === 0) console.error(`no mutant has "${wanted}" in its name`);
  let killed = 0;
  for (const mutant of chosen) {
    const verdict = check(checker, copy, mutant);
    if (verdict.isKilled) killed++;
    console.log(`${verdict.text.padEnd(9)} ${checker.title(mutant)}`);
  }
  console.log(`${killed} of ${chosen.length} mutants killed`);
  return killed === chosen.length && chosen.length > 0;
}

function check<One extends CheckedMutant>(
  checker: MutantChecker<One>,
  copy: string,
  mutant: One,
): { readonly isKilled: boolean; readonly text: string } {
  const unsound = checker.soundness(copy, mutant);
  if (unsound !== undefined) return { isKilled: false, text: `UNSOUND: ${unsound}` };
  let restore: () => void;
  try {
    restore = apply(copy, mutant.edits);
  } catch (error) {
    return { isKilled: false, text: `STALE: ${String(error)}` };
  }
  try {
    return checker.verdict(copy, mutant);
  } finally {
    restore();
  }
}

if (!(values.chaos ? runAll(byChaos) : runAll(byTest))) process.exitCode = 1;
