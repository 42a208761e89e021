/** Renders the results as tables, for the screen and for docs/performance.md with its plots. */
import { range, short, show, type Statistics } from "../support/statistics.ts";
import type { Axis } from "./axis.ts";
import type { Interference } from "./interference.ts";
import { draw, type Series } from "./plot.ts";

export interface Curve {
  readonly axis: string;
  readonly rounds: number;
  readonly points: readonly {
    readonly x: number;
    readonly figures: Readonly<Record<string, Statistics>>;
  }[];
}

const BEGIN = "<!-- measured: npm run bench:scaling -- --docs -->";
const END = "<!-- end of the measurements -->";

/** Returns a Markdown table. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? "---" : "--:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

/** Returns a table with a row for each x and a column for each figure. */
export function curveTable({ label }: Axis, { points }: Curve, hasRange: boolean): string {
  const names = Object.keys(points[0]?.figures ?? {});
  const rows = points.map(({ x, figures }) => [
    x.toLocaleString("en"),
    ...names.map((name) => {
      const statistics = figures[name];
      if (statistics === undefined) return "–";
      return hasRange
        ? `${short(statistics.median)} (${range(statistics)})`
        : short(statistics.median);
    }),
  ]);
  return table([label, ...names], rows);
}

export function interferenceTable(scenarios: readonly Interference[]): string {
  const head = [
    "log that is replayed repeatedly, from its first entry",
    "longest turn, ms of CPU",
    "turns",
    "longest V8 pause, ms",
    "longest message alone, ms",
    "longest message disturbed, ms",
    "p99.9 alone, ms",
    "p99.9 disturbed, ms",
    "replays",
  ];
  const rows = scenarios.map(({ about, turns, pauses, alone, disturbed, returns, entries }) => [
    about,
    short(turns.longest),
    turns.count.toLocaleString("en"),
    show(pauses),
    show(alone.longest),
    show(disturbed.longest),
    show(alone.p999),
    show(disturbed.p999),
    `${returns.toLocaleString("en")} (${entries.toLocaleString("en")} entries)`,
  ]);
  return table(head, rows);
}

/** Returns the plots as SVG, by file name. */
export function drawings(axis: Axis, { points }: Curve): Map<string, string> {
  const drawn = axis.plots.map(({ file, title, unit, figures }): [string, string] => {
    const series = figures.map((name): Series => {
      const own = points.flatMap(({ x, figures: { [name]: statistics } }) =>
        // A median below one tick of the CPU's clock is 0, which has no place on a logarithmic axis.
        statistics !== undefined && statistics.median > 0 ? [{ x, y: statistics.median }] : [],
      );
      return {
        name: name.split(":").length > 1 ? (name.split(":")[0] ?? name) : name,
        points: own,
      };
    });
    return [`${file}.svg`, draw({ title, xLabel: axis.label, yLabel: unit, series })];
  });
  return new Map(drawn);
}

export function section(
  measured: readonly (readonly [Axis, Curve])[],
  scenarios: readonly Interference[],
): string {
  const parts = measured.flatMap(([axis, curve]) => [
    `### ${axis.label[0]?.toUpperCase()}${axis.label.slice(1)}`,
    `Measured: ${axis.about}. Medians of ${curve.rounds}.`,
    curveTable(axis, curve, false),
    ...axis.plots.map(({ file, title }) => `![${title}](performance/${file}.svg)`),
  ]);
  if (scenarios.length > 0)
    parts.push("### Interference of a long replay", interferenceTable(scenarios));
  return parts.join("\n\n");
}

/** @returns `page` with its measured section replaced; undefined if it lacks the markers of the section */
export function putIn(page: string, text: string): string | undefined {
  const [before, rest, ...more] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
}
