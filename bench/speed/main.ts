/**
 * `npm run bench`: what the room costs a message, against baselines in the same run.
 *
 * Interleaved rounds on a fresh server each, medians with their least and greatest, CPU of the server's whole process
 * tree first, for that is what these machines measure steadily. One page on the screen, everything in a JSON file.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { CONTENDERS } from "./contenders.ts";
import { report } from "./rig/report.ts";
import { type Results, runWorkload } from "./rig/rounds.ts";
import { WORKLOADS } from "./workloads/list.ts";

const HELP = `npm run bench -- [--quick] [--rounds N] [--disk FOLDER] [--only A,B] [--out FILE] [WORKLOAD...]

  --quick        about a minute in all: one round, a tenth of the work
  --rounds N     interleaved rounds (5)
  --disk FOLDER  where the servers keep their storage (the system's temporary folder; /dev/shm is a tmpfs)
  --only A,B     of the contenders: ${CONTENDERS.map(({ name }) => name).join(", ")}
  --out FILE     the JSON file (bench/results/speed.json)

Workloads: ${WORKLOADS.map(({ name }) => name).join(", ")}; all, if none is named.
`;

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
  const folder = mkdtempSync(join(wish.disk, "chat-room-bench-"));
  const results: Results[] = [];
  try {
    for (const workload of wish.workloads) {
      const taking = CONTENDERS.filter(
        ({ name }) => workload.contenders.includes(name) && wish.only.includes(name),
      );
      const result = await runWorkload(workload, taking, { ...wish, folder });
      results.push(result);
      process.stdout.write(report(result));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const model = cpus()[0]?.model;
  const machine = { cores: cpus().length, model, node: process.version, disk: wish.disk };
  mkdirSync(dirname(wish.out), { recursive: true });
  writeFileSync(
    wish.out,
    `${JSON.stringify({ machine, scale: wish.scale, results }, undefined, 1)}\n`,
  );
  process.stdout.write(`\nAll figures: ${wish.out}\n`);
  return 0;
}

function readArguments() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        disk: { type: "string", default: tmpdir() },
        only: { type: "string" },
        out: { type: "string", default: "bench/results/speed.json" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}. --help says what there is.`;
  }
  const { quick, disk, out, help } = parsed.values;
  const rounds = Number(parsed.values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) return "--rounds: expected a whole number from 1 on";
  const known = CONTENDERS.map(({ name }) => name);
  const only = parsed.values.only?.split(",") ?? known;
  const stranger = only.find((name) => !known.includes(name));
  if (stranger !== undefined)
    return `--only: there is no ${stranger}; there are ${known.join(", ")}`;
  const names = parsed.positionals;
  const nowhere = names.find((name) => WORKLOADS.every((workload) => workload.name !== name));
  if (nowhere !== undefined) {
    return `there is no workload ${nowhere}; there are ${WORKLOADS.map(({ name }) => name).join(", ")}`;
  }
  const workloads = WORKLOADS.filter(({ name }) => names.length === 0 || names.includes(name));
  return { workloads, rounds, disk, only, out, help, scale: quick ? 0.1 : 1 };
}
