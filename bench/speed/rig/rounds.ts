/** Runs a workload: rounds in which each contender has its turn, so that what disturbs the machine disturbs all. */
import type { Contender } from "./contender.ts";
import { type Spread, spreadOf } from "../../support/spread.ts";
import type { Figures, Workload } from "./workload.ts";

export interface Results {
  readonly workload: string;
  readonly about: string;
  readonly rounds: number;
  readonly contenders: readonly {
    readonly name: string;
    readonly about: string;
    readonly figures: Readonly<Record<string, Spread>>;
    /** In how many rounds the generator set the pace. */
    readonly generatorBound: number;
  }[];
}

export interface Manner {
  readonly rounds: number;
  readonly scale: number;
  readonly folder: string;
}

export async function runWorkload(
  workload: Workload,
  contenders: readonly Contender[],
  { rounds, scale, folder }: Manner,
): Promise<Results> {
  const all = new Map(contenders.map(({ name }) => [name, [] as Figures[]]));
  const bound = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { name } = contender;
      const server = await contender.start(folder);
      try {
        const generatorBound = (): void => {
          bound.set(name, (bound.get(name) ?? 0) + 1);
        };
        all.get(name)?.push(await workload.run({ contender, server, scale, generatorBound }));
      } finally {
        await server.stop();
      }
    }
  }
  return {
    workload: workload.name,
    about: workload.about,
    rounds,
    contenders: contenders.map(({ name, about }) => ({
      name,
      about,
      figures: spreads(all.get(name) ?? []),
      generatorBound: bound.get(name) ?? 0,
    })),
  };
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
