/** What was measured, as tables: for the screen, and for docs/performance.md with its plots. */
import { range, short, show, type Spread } from "../support/statistics.ts";
import type { Axis } from "./axis.ts";
import type { Beside } from "./interference.ts";
import { draw, type Series } from "./plot.ts";

export interface Curve {
  readonly axis: string;
  readonly rounds: number;
  readonly points: readonly {
    readonly x: number;
    readonly figures: Readonly<Record<string, Spread>>;
  }[];
}

const BEGIN = "<!-- measured: npm run bench:growth -- --docs -->";
const END = "<!-- end of what was measured -->";

/** Lines of a Markdown table. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? "---" : "--:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");

/** A line an x, a column a figure. */
export function curveTable({ label }: Axis, { points }: Curve, hasRange: boolean): string {
  const names = Object.keys(points[0]?.figures ?? {});
  const rows = points.map(({ x, figures }) => [
    x.toLocaleString("en"),
    ...names.map((name) => {
      const spread = figures[name];
      if (spread === undefined) return "–";
      return hasRange ? `${short(spread.median)} (${range(spread)})` : short(spread.median);
    }),
  ]);
  return table([label, ...names], rows);
}

export function besideTable(scenes: readonly Beside[]): string {
  const head = [
    "who returns, again and again, from the first entry on",
    "longest turn, ms of CPU",
    "of turns",
    "longest of V8's pauses, ms",
    "longest alone, ms",
    "longest beside, ms",
    "999 of 1,000 alone, ms",
    "beside, ms",
    "returns",
  ];
  const rows = scenes.map(({ about, turns, pauses, alone, beside, returns, entries }) => [
    about,
    short(turns.longest),
    turns.count.toLocaleString("en"),
    show(pauses),
    show(alone.longest),
    show(beside.longest),
    show(alone.p999),
    show(beside.p999),
    `${returns.toLocaleString("en")} (${entries.toLocaleString("en")} entries)`,
  ]);
  return table(head, rows);
}

/** By file name. */
export function drawings(axis: Axis, { points }: Curve): Map<string, string> {
  const drawn = axis.plots.map(({ file, title, unit, figures }): [string, string] => {
    const series = figures.map((name): Series => {
      const own = points.flatMap(({ x, figures: { [name]: spread } }) =>
        // What took less than a tick of the CPU's clock has no place on a logarithmic axis.
        spread !== undefined && spread.median > 0 ? [{ x, y: spread.median }] : [],
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
  scenes: readonly Beside[],
): string {
  const parts = measured.flatMap(([axis, curve]) => [
    `### ${axis.label[0]?.toUpperCase()}${axis.label.slice(1)}`,
    `Measured: ${axis.about}. Medians of ${curve.rounds}.`,
    curveTable(axis, curve, false),
    ...axis.plots.map(({ file, title }) => `![${title}](performance/${file}.svg)`),
  ]);
  if (scenes.length > 0) parts.push("### Beside somebody who returns", besideTable(scenes));
  return parts.join("\n\n");
}

/** @returns `page` with the section in the place of the one that was there; undefined if it has no place for one */
export function putIn(page: string, text: string): string | undefined {
  const [before, rest, ...more] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
}
