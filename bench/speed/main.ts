/**
 * `npm run bench`: what the room costs, against baselines and peers in the same run.
 *
 * Interleaved rounds on a fresh server each, medians with their least and greatest, CPU of the server's whole process
 * tree first, for that is what these machines measure steadily. One page at the end, everything in a JSON file.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { type Wish, HELP, readArguments } from "./arguments.ts";
import { contenders, PEERS } from "./systems-under-test.ts";
import { installPeers } from "./peers/install.ts";
import type { Contender } from "./rig/system-under-test.ts";
import { report } from "./rig/report.ts";
import { type Disk, type Results, runWorkload } from "./rig/rounds.ts";
import { summary } from "./rig/summary.ts";
import { judge } from "./rig/verdicts.ts";
import { TARGETS } from "./targets.ts";

/** A server that has just been killed may still write. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

// Servers and folders end with this process, which a signal alone would not let them know.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.exitCode = await main();

async function main(): Promise<number> {
  const wish = readArguments();
  if (typeof wish === "string") {
    process.stderr.write(`${wish}\n`);
    return 2;
  }
  if (wish.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const everybody = await whoTakesPart(wish.only);
  const results: Results[] = [];
  for (const disk of wish.disks) {
    for await (const result of onDisk(wish, disk, everybody)) {
      results.push(result);
      process.stdout.write(report(result));
      // After each: a long run that is cut short has not run for nothing.
      write(wish, results);
    }
  }
  process.stdout.write(`\n${summary(results, judge(TARGETS, results))}`);
  if (wish.scale < 1) process.stdout.write("A quick run, a tenth of the work: a hint.\n");
  process.stdout.write(`All figures: ${wish.out}\n`);
  return results.some(({ contenders }) => contenders.some(({ failures }) => failures.length > 0))
    ? 1
    : 0;
}

async function whoTakesPart(only: readonly string[]): Promise<readonly Contender[]> {
  const peers = PEERS.filter((name) => only.includes(name));
  const lack = peers.length > 0 ? installPeers() : undefined;
  if (lack !== undefined) process.stderr.write(`left out: ${peers.join(", ")}; ${lack}\n`);
  const all = await contenders(peers.length > 0 && lack === undefined);
  return all.filter(({ name }) => only.includes(name));
}

/** All on the first disk; on another only what the disk makes a difference to. */
async function* onDisk(
  { disks, workloads, rounds, scale }: Wish,
  disk: Disk,
  everybody: readonly Contender[],
): AsyncGenerator<Results> {
  const folder = mkdtempSync(join(disk.folder, "chat-room-bench-"));
  const remove = (): void => rmSync(folder, REMOVAL);
  process.once("exit", remove);
  try {
    for (const workload of workloads) {
      if (disk !== disks[0] && !workload.usesDisk) continue;
      const taking = everybody.filter(({ name }) => workload.contenders.includes(name));
      if (taking.length === 0) continue;
      yield await runWorkload(workload, taking, { rounds, scale, disk: { ...disk, folder } });
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function write({ out, disks, scale }: Wish, results: readonly Results[]): void {
  const model = cpus()[0]?.model;
  const machine = { cores: cpus().length, model, node: process.version, disks };
  const all = { machine, scale, results, targets: judge(TARGETS, results) };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(all, undefined, 1)}\n`);
}
