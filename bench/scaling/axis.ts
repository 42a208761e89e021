/** What grows, and what is measured while it does. */
import type { Figures } from "../speed/rig/workload.ts";

export interface Wish {
  /** Where servers keep their storage. */
  readonly folder: string;
  readonly quick: boolean;
  /** Only where there is so much; everywhere, if it is empty. */
  readonly at: readonly number[];
}

export const wanted = (xs: readonly number[], { at }: Wish): readonly number[] =>
  at.length === 0 ? xs : xs.filter((x) => at.includes(x));

export interface Point {
  /** How much there is of what grows. */
  readonly x: number;
  readonly figures: Figures;
}

/** Some of an axis' figures, in one plot. */
export interface Plot {
  readonly file: string;
  readonly title: string;
  /** What the figures count. */
  readonly unit: string;
  readonly figures: readonly string[];
}

export interface Axis {
  readonly name: string;
  /** What grows, in words. */
  readonly label: string;
  readonly about: string;
  readonly plots: readonly Plot[];
  /** Each x once. */
  round(wish: Wish): AsyncGenerator<Point>;
}
