/** The arguments of `npm run bench`. */
import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { NAMES } from "./systems-under-test.ts";
import type { Disk } from "./rig/rounds.ts";
import type { Workload } from "./rig/workload.ts";
import { WORKLOADS } from "./workloads/list.ts";

const ROUNDS = 5;
const QUICK_SCALE = 0.1;
const SHARED_MEMORY = "/dev/shm";
/** The type of a tmpfs in Linux' statfs(2). */
const TMPFS = 0x0102_1994;

export const HELP = `npm run bench -- [--quick] [--rounds N] [--disk FOLDER]... [--only A,B] [--out FILE] [WORKLOAD...]

  --quick        one or two minutes in all: one round, a tenth of the work, one disk, without dev
  --rounds N     number of interleaved rounds (${ROUNDS})
  --disk FOLDER  a folder for the servers' storage; may be repeated. The default is the system's temporary folder, and
                 ${SHARED_MEMORY} too, a tmpfs, for workloads that depend on the disk
  --only A,B     only these systems: ${NAMES.join(", ")}
  --out FILE     the JSON file (bench/results/speed.json)

Workloads: ${WORKLOADS.map(({ name }) => name).join(", ")}. The default is all.
`;

export interface Arguments {
  readonly help: boolean;
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly scale: number;
  readonly disks: readonly Disk[];
  /** Names of systems. */
  readonly only: readonly string[];
  readonly out: string;
}

/** @returns the arguments, or a sentence that says what is wrong with them */
export function readArguments(): Arguments | string {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        disk: { type: "string", multiple: true },
        only: { type: "string" },
        out: { type: "string", default: "bench/results/speed.json" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}. --help lists the options.`;
  }
  const { quick, out, help } = parsed.values;
  const rounds = Number(parsed.values.rounds ?? (quick ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) return "--rounds: expected a whole number from 1 on";
  const only = parsed.values.only?.split(",") ?? NAMES.filter((name) => !(quick && name === "dev"));
  const unknown = only.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    return `--only: unknown system ${unknown}; expected ${NAMES.join(", ")}`;
  }
  const names = parsed.positionals;
  const unknownWorkload = names.find((name) =>
    WORKLOADS.every((workload) => workload.name !== name),
  );
  if (unknownWorkload !== undefined) {
    return `unknown workload ${unknownWorkload}; expected ${WORKLOADS.map(({ name }) => name).join(", ")}`;
  }
  const folders = parsed.values.disk ?? usualFolders(quick);
  const missing = folders.find((folder) => !existsSync(folder));
  if (missing !== undefined) return `--disk: the folder ${missing} does not exist`;
  return {
    help,
    workloads: WORKLOADS.filter(({ name }) => names.length === 0 || names.includes(name)),
    rounds,
    scale: quick ? QUICK_SCALE : 1,
    disks: named(folders),
    only,
    out,
  };
}

function usualFolders(isQuick: boolean): string[] {
  const isDouble = isQuick || isTmpfs(tmpdir()) || !existsSync(SHARED_MEMORY);
  return isDouble ? [tmpdir()] : [tmpdir(), SHARED_MEMORY];
}

const isTmpfs = (folder: string): boolean => statfsSync(folder).type === TMPFS;

/** Names the folders by the kind of their disk, if the kinds differ. */
function named(folders: readonly string[]): Disk[] {
  const kinds = folders.map((folder) => (isTmpfs(folder) ? "tmpfs" : "disk"));
  const areApart = new Set(kinds).size === kinds.length;
  return folders.map((folder, index) => ({
    name: areApart ? (kinds[index] ?? folder) : folder,
    folder,
  }));
}
