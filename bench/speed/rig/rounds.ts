/** Runs a workload: rounds in which each contender has its turn, so that what disturbs the machine disturbs all. */
import { setTimeout as pause } from "node:timers/promises";
import type { Contender } from "./system-under-test.ts";
import { type Spread, spreadOf } from "../../support/statistics.ts";
import type { Figures, Round, Workload } from "./workload.ts";

export interface Results {
  readonly workload: string;
  readonly about: string;
  /** What the storage lay on, where that matters. */
  readonly disk?: string;
  readonly rounds: number;
  readonly contenders: readonly {
    readonly name: string;
    readonly about: string;
    readonly figures: Readonly<Record<string, Spread>>;
    /** In how many rounds the generator set the pace. */
    readonly generatorBound: number;
    /** What went wrong, of each round that has no figures. */
    readonly failures: readonly string[];
  }[];
}

/** In the order in which they are reported. */
export const metricsOf = (contenders: Results["contenders"]): string[] => [
  ...new Set(contenders.flatMap(({ figures }) => Object.keys(figures))),
];

export interface Manner {
  readonly rounds: number;
  readonly scale: number;
  readonly disk: Disk;
}

export interface Disk {
  /** What it is, in a word. */
  readonly name: string;
  readonly folder: string;
}

/** A round that takes longer hangs. */
const ROUND_MS = 300_000;

export async function runWorkload(
  workload: Workload,
  contenders: readonly Contender[],
  { rounds, scale, disk }: Manner,
): Promise<Results> {
  const takings = contenders.map((contender) => ({
    contender,
    all: [] as Figures[],
    generatorBound: 0,
    failures: [] as string[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const taking of takings) {
      const { contender, all, failures } = taking;
      const generatorBound = (): void => {
        taking.generatorBound++;
      };
      try {
        all.push(await onFreshServer(workload, contender, disk, { scale, generatorBound }));
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
    contenders: takings.map(({ contender: { name, about }, all, generatorBound, failures }) => ({
      name,
      about,
      figures: spreads(all),
      generatorBound,
      failures,
    })),
  };
}

async function onFreshServer(
  workload: Workload,
  contender: Contender,
  { folder }: Disk,
  round: Pick<Round, "scale" | "generatorBound">,
): Promise<Figures> {
  const server = await contender.start(folder);
  const hangs = new AbortController();
  try {
    return await Promise.race([
      workload.run({ ...round, contender, server }),
      pause(ROUND_MS, undefined, { signal: hangs.signal }).then(() => {
        throw new Error(`no end after ${ROUND_MS / 1_000} s`);
      }),
    ]);
  } finally {
    hangs.abort();
    await server.stop();
  }
}

function spreads(rounds: readonly Figures[]): Record<string, Spread> {
  const metrics = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    metrics.map((metric) => [
      metric,
      spreadOf(rounds.map((figures) => figures[metric] ?? Number.NaN)),
    ]),
  );
}
