/** Statistics for tables: percentiles within a round, medians over rounds. */

/** @param part in [0, 1]. @returns the value below which that part of the values lies; NaN if there are none */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export interface Statistics {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const statisticsOf = (values: readonly number[]): Statistics => ({
  median: percentile(values, 0.5),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Formats a number with three significant digits; "–" if it is not finite. */
export const short = (value: number): string => {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
};

/** "9.00…40.0" */
export const range = ({ min, max }: Statistics): string => `${short(min)}…${short(max)}`;

/** "12.0 (9.00…40.0)" */
export const show = (statistics: Statistics): string =>
  `${short(statistics.median)} (${range(statistics)})`;
