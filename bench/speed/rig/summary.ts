/** Renders the whole run on one page: a line per figure, a column per system, and the targets below. */
import { short } from "../../support/statistics.ts";
import { metricsOf, type Results } from "./rounds.ts";
import type { Verdict } from "./verdicts.ts";

const BASELINE = "relay";
const OTHER = "insert";
const GAP = 2;
const BOUND =
  "* in some round the generator, not the server, set the pace: wall time and rates are the generator's";

export function summary(results: readonly Results[], verdicts: readonly Verdict[]): string {
  const concerned = verdicts.filter((verdict) =>
    results.some(({ workload }) => workload === verdict.workload),
  );
  return [...figures(results), "", ...targets(concerned), ""].join("\n");
}

/** Shows the median of the baseline, and for other systems the ratios to both baselines. */
function figures(results: readonly Results[]): string[] {
  const everyone = results.flatMap(({ systems }) => systems.map(({ name }) => name));
  const columns = [...new Set([BASELINE, ...everyone])];
  const rows: (readonly string[])[] = [["", ...columns]];
  for (const { workload, disk, systems } of results) {
    rows.push([disk === undefined ? workload : `${workload} on ${disk}`]);
    for (const metric of metricsOf(systems)) {
      const medianOf = (name: string): number | undefined =>
        systems.find((one) => one.name === name)?.figures[metric]?.median;
      const isBound = (name: string): boolean =>
        systems.some((one) => one.name === name && one.generatorBound > 0);
      const cells = columns.map((name) => cell(name, medianOf) + (isBound(name) ? "*" : ""));
      rows.push([`  ${metric}`, ...cells]);
    }
  }
  return [
    `${BASELINE}: medians; others: × ${BASELINE} and × ${OTHER}, or the median if neither took part`,
    ...table(rows),
    ...(rows.flat().some((text) => text.endsWith("*")) ? [BOUND] : []),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.filter((row) => row.length > 1).map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart((widths[column] ?? 0) + GAP),
      )
      .join("")
      .trimEnd(),
  );
}

function cell(name: string, medianOf: (name: string) => number | undefined): string {
  const median = medianOf(name);
  if (median === undefined) return "";
  const relay = medianOf(BASELINE);
  const insert = medianOf(OTHER);
  if (name === BASELINE || (relay === undefined && insert === undefined)) return short(median);
  if (name === OTHER && relay === undefined) return short(median);
  const ratio = (base: number | undefined): string =>
    base === undefined ? "–" : short(median / base);
  return `${ratio(relay)} ${ratio(insert)}`;
}

function targets(verdicts: readonly Verdict[]): string[] {
  return verdicts.map(({ workload, metric, system, of, atMost, atLeast, value, isMet }) => {
    const bound = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
    const verdict = isMet === undefined ? "not measured" : isMet ? "met" : "NOT MET";
    const measured = `${value === undefined ? "–" : value.toFixed(2)}${of === undefined ? "" : ` × ${of}`}`;
    const what = `${workload}, ${system}`.padEnd(22) + metric.padEnd(28);
    return `${what}${bound.padEnd(8)}${measured.padEnd(20)}${verdict}`;
  });
}
