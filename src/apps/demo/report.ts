/** Formats tallies as a table for people: one line per client, numbers aligned at the right. */
import type { Tally } from "./checker.ts";

const COLUMNS = ["sent", "received", "lost", "doubled", "reordered"] as const;

/** @returns lines without line ends, the heading first; the column "strange" is there only if a tally needs it */
export function formatReport(tallies: readonly Tally[]): readonly string[] {
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
