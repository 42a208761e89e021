/** An axis: a quantity that grows, and the figures that are measured at each of its values. */
import type { Figures } from "../speed/rig/workload.ts";

export interface RoundOptions {
  /** The folder for the servers' storage. */
  readonly folder: string;
  readonly quick: boolean;
  /** The values to measure at; all of them, if empty. */
  readonly at: readonly number[];
}

export const wanted = (xs: readonly number[], { at }: RoundOptions): readonly number[] =>
  at.length === 0 ? xs : xs.filter((x) => at.includes(x));

export interface Point {
  /** The value on the axis. */
  readonly x: number;
  readonly figures: Figures;
}

/** A plot of some of an axis' figures. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  /** The unit of the figures. */
  readonly unit: string;
  readonly figures: readonly string[];
}

export interface Axis {
  readonly name: string;
  /** The quantity that grows, in words. */
  readonly label: string;
  readonly about: string;
  readonly plots: readonly Plot[];
  /** Yields each x once. */
  round(options: RoundOptions): AsyncGenerator<Point>;
}
