/** One workload as a table: a line a contender, medians with their spread, and the ratios to both baselines. */
import { range as rangeOf, short } from "../../support/spread.ts";
import type { Results } from "./rounds.ts";

const BASELINES = ["relay", "insert"] as const;

export function report({ workload, about, rounds, contenders }: Results): string {
  const lines = ["", `${workload}: ${about} (${rounds} rounds)`];
  for (const metric of Object.keys(contenders[0]?.figures ?? {})) {
    const medianOf = (name: string): number | undefined =>
      contenders.find((one) => one.name === name)?.figures[metric]?.median;
    const bases = BASELINES.filter((name) => medianOf(name) !== undefined);
    const head = ["", ...bases.map((name) => `× ${name}`)]
      .map((text) => text.padStart(10))
      .join("");
    lines.push(
      `  ${metric.padEnd(26)}${"median".padStart(10)}${"min…max".padStart(20)}${head.slice(10)}`,
    );
    for (const { name, figures, generatorBound } of contenders) {
      const spread = figures[metric];
      if (spread === undefined) continue;
      const range = rangeOf(spread);
      const ratios = bases.map((base) =>
        short(spread.median / (medianOf(base) ?? Number.NaN)).padStart(10),
      );
      const note = generatorBound > 0 ? `  generator-bound in ${generatorBound}` : "";
      lines.push(
        `    ${name.padEnd(24)}${short(spread.median).padStart(10)}${range.padStart(20)}${ratios.join("")}${note}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}
