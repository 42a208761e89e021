/** A workload as a table: a line a contender, medians with their spread, and the ratios to whom they are compared with. */
import { range, short } from "../../support/statistics.ts";
import { metricsOf, type Results } from "./rounds.ts";

const COMPARED_WITH = ["relay", "insert", "party-insert", "socket.io"] as const;

export function report({ workload, about, disk, rounds, contenders }: Results): string {
  const on = disk === undefined ? "" : ` on ${disk}`;
  const lines = ["", `${workload}${on}: ${about} (${rounds} ${rounds === 1 ? "round" : "rounds"})`];
  for (const metric of metricsOf(contenders)) {
    const medianOf = (name: string): number | undefined =>
      contenders.find((one) => one.name === name)?.figures[metric]?.median;
    const bases = COMPARED_WITH.filter((name) => medianOf(name) !== undefined);
    const head = bases.map((name) => `× ${name}`.padStart(16)).join("");
    lines.push(`  ${metric.padEnd(30)}${"median".padStart(10)}${"min…max".padStart(18)}${head}`);
    for (const { name, figures, generatorBound } of contenders) {
      const spread = figures[metric];
      if (spread === undefined) continue;
      const ratios = bases.map((base) =>
        short(spread.median / (medianOf(base) ?? Number.NaN)).padStart(16),
      );
      const note = generatorBound > 0 ? `  generator-bound in ${generatorBound}` : "";
      lines.push(
        `    ${name.padEnd(28)}${short(spread.median).padStart(10)}${range(spread).padStart(18)}${ratios.join("")}${note}`,
      );
    }
  }
  for (const { name, failures } of contenders) {
    for (const failure of failures) lines.push(`  ${name} FAILED: ${failure}`);
  }
  return `${lines.join("\n")}\n`;
}
