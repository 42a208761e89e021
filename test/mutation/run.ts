/**
 * `npm run test:mutation [-- [--chaos] [--shard 1/2] [part of a name]]`: applies each mutant to a copy of the project and sees it killed:
 * by the test that must fail, or with `--chaos` by a short chaos that must name a right rule. Prints a line each, and exits
 * non-zero if a mutant survives, is stale, or its judge complains without any mutant.
 */
import { parseArgs } from "node:util";
import { byChaos } from "./by-chaos.ts";
import { byTest } from "./by-test.ts";
import { apply, copyProject } from "./copy.ts";
import type { Judge, Judged } from "./judge.ts";

const { values, positionals } = parseArgs({
  options: {
    chaos: { type: "boolean", default: false },
    /** One part of several that run side by side. */
    shard: { type: "string", default: "1/1" },
  },
  allowPositionals: true,
});
const [wanted = ""] = positionals;
const [, shard = "", shards = ""] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(values.shard) ?? [];
if (shard === "" || Number(shard) > Number(shards)) {
  console.error('--shard: expected a part of several, as in "1/2"');
  process.exit(2);
}

function runAll<One extends Judged>(judge: Judge<One>): boolean {
  const copy = copyProject();
  const named = judge.mutants.filter(({ name }) => name.includes(wanted));
  const chosen = named.filter((_, index) => index % Number(shards) === Number(shard) - 1);
  let killed = 0;
  for (const mutant of chosen) {
    const verdict = tried(judge, copy, mutant);
    if (verdict.isKilled) killed++;
    console.log(`${verdict.text.padEnd(9)} ${judge.title(mutant)}`);
  }
  console.log(`${killed} of ${chosen.length} mutants killed`);
  return killed === chosen.length && chosen.length > 0;
}

function tried<One extends Judged>(
  judge: Judge<One>,
  copy: string,
  mutant: One,
): { readonly isKilled: boolean; readonly text: string } {
  const unsound = judge.soundness(copy, mutant);
  if (unsound !== undefined) return { isKilled: false, text: `UNSOUND: ${unsound}` };
  let restore: () => void;
  try {
    restore = apply(copy, mutant.edits);
  } catch (error) {
    return { isKilled: false, text: `STALE: ${String(error)}` };
  }
  try {
    return judge.verdict(copy, mutant);
  } finally {
    restore();
  }
}

if (!(values.chaos ? runAll(byChaos) : runAll(byTest))) process.exitCode = 1;
