/** A workload: what is done to one contender in one round, and the figures that come of it. */
import type { Contender, Server } from "./system-under-test.ts";

/** By metric. The order of the first contender's is the order in the report. */
export type Figures = Readonly<Record<string, number>>;

export interface Round {
  readonly contender: Contender;
  readonly server: Server;
  /** 1 for the full run; smaller for a quick one. */
  readonly scale: number;
  /** Says that the generator was the bound in this round. */
  readonly generatorBound: () => void;
}

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** Who takes part. */
  readonly contenders: readonly string[];
  /** Does it matter what the storage lies on? Then it is run on each disk. */
  readonly usesDisk: boolean;
  /** Against a fresh server each time. */
  run(round: Round): Promise<Figures>;
}
