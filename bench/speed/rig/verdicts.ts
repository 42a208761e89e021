/** Checks which targets a run met. */
import type { Target } from "../targets.ts";
import type { Results } from "./rounds.ts";

export interface Verdict extends Target {
  /** The ratio or the figure; undefined if the run did not measure it. */
  readonly value?: number;
  readonly isMet?: boolean;
}

export function judge(targets: readonly Target[], results: readonly Results[]): Verdict[] {
  return targets.map((target) => {
    const measured = valueOf(target, results);
    if (measured === undefined) return target;
    const { atMost = Infinity, atLeast = -Infinity } = target;
    return { ...target, value: measured, isMet: measured <= atMost && measured >= atLeast };
  });
}

function valueOf(target: Target, results: readonly Results[]): number | undefined {
  const { workload, metric, system, of } = target;
  const result = results.find((one) => one.workload === workload);
  const medianOf = (name: string): number | undefined =>
    result?.systems.find((one) => one.name === name)?.figures[metric]?.median;
  const median = medianOf(system);
  if (median === undefined || of === undefined) return median;
  const base = medianOf(of);
  return base === undefined ? undefined : median / base;
}
