/** Renders a workload as a table: a line per system, with medians, ranges, and ratios to the baselines. */
import { range, short } from "../../support/statistics.ts";
import { metricsOf, type Results } from "./rounds.ts";

const COMPARED_WITH = ["relay", "insert", "party-insert", "socket.io"] as const;

export function report({ workload, about, disk, rounds, systems }: Results): string {
  const on = disk === undefined ? "" : ` on ${disk}`;
  const lines = ["", `${workload}${on}: ${about} (${rounds} ${rounds === 1 ? "round" : "rounds"})`];
  for (const metric of metricsOf(systems)) {
    const medianOf = (name: string): number | undefined =>
      systems.find((one) => one.name === name)?.figures[metric]?.median;
    const bases = COMPARED_WITH.filter((name) => medianOf(name) !== undefined);
    const head = bases.map((name) => `× ${name}`.padStart(16)).join("");
    lines.push(`  ${metric.padEnd(30)}${"median".padStart(10)}${"min…max".padStart(18)}${head}`);
    for (const { name, figures, generatorBound } of systems) {
      const statistics = figures[metric];
      if (statistics === undefined) continue;
      const ratios = bases.map((base) =>
        short(statistics.median / (medianOf(base) ?? Number.NaN)).padStart(16),
      );
      const note = generatorBound > 0 ? `  generator-bound in ${generatorBound}` : "";
      lines.push(
        `    ${name.padEnd(28)}${short(statistics.median).padStart(10)}${range(statistics).padStart(18)}${ratios.join("")}${note}`,
      );
    }
  }
  for (const { name, failures } of systems) {
    for (const failure of failures) lines.push(`  ${name} FAILED: ${failure}`);
  }
  return `${lines.join("\n")}\n`;
}
