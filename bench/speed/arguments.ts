/** What `npm run bench` is asked for. */
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
/** The type of a tmpfs, as Linux' statfs(2) has it. */
const TMPFS = 0x0102_1994;

export const HELP = `npm run bench -- [--quick] [--rounds N] [--disk FOLDER]... [--only A,B] [--out FILE] [WORKLOAD...]

  --quick        one or two minutes in all: one round, a tenth of the work, one disk, without dev
  --rounds N     interleaved rounds (${ROUNDS})
  --disk FOLDER  where the servers keep their storage, once or more; by default the system's temporary folder, and
                 ${SHARED_MEMORY} too, a tmpfs, for what the disk makes a difference to
  --only A,B     of the contenders: ${NAMES.join(", ")}
  --out FILE     the JSON file (bench/results/speed.json)

Workloads: ${WORKLOADS.map(({ name }) => name).join(", ")}; all, if none is named.
`;

export interface Wish {
  readonly help: boolean;
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly scale: number;
  readonly disks: readonly Disk[];
  /** Names of contenders. */
  readonly only: readonly string[];
  readonly out: string;
}

/** @returns the wish, or what is wrong with it */
export function readArguments(): Wish | string {
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
    return `${error instanceof Error ? error.message : String(error)}. --help says what there is.`;
  }
  const { quick, out, help } = parsed.values;
  const rounds = Number(parsed.values.rounds ?? (quick ? 1 : ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) return "--rounds: expected a whole number from 1 on";
  const only = parsed.values.only?.split(",") ?? NAMES.filter((name) => !(quick && name === "dev"));
  const stranger = only.find((name) => !NAMES.includes(name));
  if (stranger !== undefined) {
    return `--only: there is no ${stranger}; there are ${NAMES.join(", ")}`;
  }
  const names = parsed.positionals;
  const nowhere = names.find((name) => WORKLOADS.every((workload) => workload.name !== name));
  if (nowhere !== undefined) {
    return `there is no workload ${nowhere}; there are ${WORKLOADS.map(({ name }) => name).join(", ")}`;
  }
  const folders = parsed.values.disk ?? usualFolders(quick);
  const missing = folders.find((folder) => !existsSync(folder));
  if (missing !== undefined) return `--disk: there is no folder ${missing}`;
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

/** By their kind, if that tells them apart. */
function named(folders: readonly string[]): Disk[] {
  const kinds = folders.map((folder) => (isTmpfs(folder) ? "tmpfs" : "disk"));
  const areApart = new Set(kinds).size === kinds.length;
  return folders.map((folder, index) => ({
    name: areApart ? (kinds[index] ?? folder) : folder,
    folder,
  }));
}
