/** Prints tallies as a table for people: a line per client, numbers aligned at the right. */
import type { Tally } from "./checker.ts";

const COLUMNS = ["sent", "received", "lost", "doubled", "reordered"] as const;

/** @returns lines without line ends, the first one the heading; a column for strange messages only if there are any */
export function table(tallies: readonly Tally[]): readonly string[] {
  const hasStrange = tallies.some(({ strange }) => strange > 0);
  const columns = hasStrange ? ([...COLUMNS, "strange"] as const) : COLUMNS;
  const width = Math.max(0, ...tallies.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    [name.padEnd(width), ...cells].join("  ");
  const body = tallies.map((tally) =>
    line(
      tally.name,
      columns.map((column) => String(tally[column]).padStart(column.length)),
    ),
  );
  return [line("", columns), ...body];
}
