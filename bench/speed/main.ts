/**
 * `npm run bench`: measures what the room costs, compared with baselines and other systems in the same run.
 *
 * Rounds are interleaved, each on a fresh server. The report shows medians with the least and the greatest. CPU of the
 * server's whole process tree comes first, because it is the steadiest figure. The run ends with one summary page; a JSON
 * file has all figures.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { type Arguments, HELP, readArguments } from "./arguments.ts";
import { NPM_SYSTEMS, systemsUnderTest } from "./systems-under-test.ts";
import { installNpmSystems } from "./npm/install.ts";
import type { SystemUnderTest } from "./rig/system-under-test.ts";
import { report } from "./rig/report.ts";
import { type Disk, type Results, runWorkload } from "./rig/rounds.ts";
import { summary } from "./rig/summary.ts";
import { judge } from "./rig/verdicts.ts";
import { TARGETS } from "./targets.ts";

/** Retries, because a server that has just been killed may still write. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

// A signal alone would skip the exit handlers that stop servers and remove folders.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.exitCode = await main();

async function main(): Promise<number> {
  const args = readArguments();
  if (typeof args === "string") {
    process.stderr.write(`${args}\n`);
    return 2;
  }
  if (args.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const systems = await selectSystems(args.only);
  const results: Results[] = [];
  for (const disk of args.disks) {
    for await (const result of onDisk(args, disk, systems)) {
      results.push(result);
      process.stdout.write(report(result));
      // Write after each workload, so that an interrupted run keeps its results.
      write(args, results);
    }
  }
  process.stdout.write(`\n${summary(results, judge(TARGETS, results))}`);
  if (args.scale < 1)
    process.stdout.write("This was a quick run with a tenth of the work; the figures are rough.\n");
  process.stdout.write(`All figures: ${args.out}\n`);
  return results.some(({ systems }) => systems.some(({ failures }) => failures.length > 0)) ? 1 : 0;
}

async function selectSystems(only: readonly string[]): Promise<readonly SystemUnderTest[]> {
  const npm = NPM_SYSTEMS.filter((name) => only.includes(name));
  const installError = npm.length > 0 ? installNpmSystems() : undefined;
  if (installError !== undefined)
    process.stderr.write(`left out: ${npm.join(", ")}; ${installError}\n`);
  const all = await systemsUnderTest(npm.length > 0 && installError === undefined);
  return all.filter(({ name }) => only.includes(name));
}

/** Runs all workloads on the first disk, and on another only those that depend on the disk. */
async function* onDisk(
  { disks, workloads, rounds, scale }: Arguments,
  disk: Disk,
  systems: readonly SystemUnderTest[],
): AsyncGenerator<Results> {
  const folder = mkdtempSync(join(disk.folder, "chat-room-bench-"));
  const remove = (): void => rmSync(folder, REMOVAL);
  process.once("exit", remove);
  try {
    for (const workload of workloads) {
      if (disk !== disks[0] && !workload.usesDisk) continue;
      const chosen = systems.filter(({ name }) => workload.systems.includes(name));
      if (chosen.length === 0) continue;
      yield await runWorkload(workload, chosen, { rounds, scale, disk: { ...disk, folder } });
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function write({ out, disks, scale }: Arguments, results: readonly Results[]): void {
  const model = cpus()[0]?.model;
  const machine = { cores: cpus().length, model, node: process.version, disks };
  const all = { machine, scale, results, targets: judge(TARGETS, results) };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(all, undefined, 1)}\n`);
}
