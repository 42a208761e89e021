/** Runs a workload in interleaved rounds, so that other work of the machine affects all systems. */
import { setTimeout as pause } from "node:timers/promises";
import type { SystemUnderTest } from "./system-under-test.ts";
import { type Statistics, statisticsOf } from "../../support/statistics.ts";
import type { Figures, Round, Workload } from "./workload.ts";

export interface Results {
  readonly workload: string;
  readonly about: string;
  /** The disk of the storage, for workloads that depend on it. */
  readonly disk?: string;
  readonly rounds: number;
  readonly systems: readonly {
    readonly name: string;
    readonly about: string;
    readonly figures: Readonly<Record<string, Statistics>>;
    /** Number of rounds in which the generator set the pace. */
    readonly generatorBound: number;
    /** The error of each round without figures. */
    readonly failures: readonly string[];
  }[];
}

/** Returns the metrics in the order of the report. */
export const metricsOf = (systems: Results["systems"]): string[] => [
  ...new Set(systems.flatMap(({ figures }) => Object.keys(figures))),
];

export interface RunOptions {
  readonly rounds: number;
  readonly scale: number;
  readonly disk: Disk;
}

export interface Disk {
  /** Its kind, or its path. */
  readonly name: string;
  readonly folder: string;
}

/** A round that takes longer counts as hung. */
const ROUND_MS = 300_000;

export async function runWorkload(
  workload: Workload,
  systems: readonly SystemUnderTest[],
  { rounds, scale, disk }: RunOptions,
): Promise<Results> {
  const runs = systems.map((system) => ({
    system,
    all: [] as Figures[],
    generatorBound: 0,
    failures: [] as string[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) {
      const { system, all, failures } = run;
      const generatorBound = (): void => {
        run.generatorBound++;
      };
      try {
        all.push(await onFreshServer(workload, system, disk, { scale, generatorBound }));
      } catch (error) {
        failures.push(String(error));
      }
    }
  }
  return {
    workload: workload.name,
    about: workload.about,
    ...(workload.usesDisk && { disk: disk.name }),
    rounds,
    systems: runs.map(({ system: { name, about }, all, generatorBound, failures }) => ({
      name,
      about,
      figures: aggregate(all),
      generatorBound,
      failures,
    })),
  };
}

async function onFreshServer(
  workload: Workload,
  system: SystemUnderTest,
  { folder }: Disk,
  round: Pick<Round, "scale" | "generatorBound">,
): Promise<Figures> {
  const server = await system.start(folder);
  const timeout = new AbortController();
  try {
    return await Promise.race([
      workload.run({ ...round, system, server }),
      pause(ROUND_MS, undefined, { signal: timeout.signal }).then(() => {
        throw new Error(`not finished after ${ROUND_MS / 1_000} s`);
      }),
    ]);
  } finally {
    timeout.abort();
    await server.stop();
  }
}

function aggregate(rounds: readonly Figures[]): Record<string, Statistics> {
  const metrics = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    metrics.map((metric) => [
      metric,
      statisticsOf(rounds.map((figures) => figures[metric] ?? Number.NaN)),
    ]),
  );
}
