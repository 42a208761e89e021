/** A workload: the load on one system in one round, and the resulting figures. */
import type { SystemUnderTest, Server } from "./system-under-test.ts";

/** Figures by metric. The report uses the order of the first system. */
export type Figures = Readonly<Record<string, number>>;

export interface Round {
  readonly system: SystemUnderTest;
  readonly server: Server;
  /** 1 for the full run; smaller for a quick one. */
  readonly scale: number;
  /** Reports that the generator set the pace in this round. */
  readonly generatorBound: () => void;
}

export interface Workload {
  readonly name: string;
  readonly about: string;
  /** The names of the systems that take part. */
  readonly systems: readonly string[];
  /** Whether the figures depend on the disk; if so, the workload runs on each disk. */
  readonly usesDisk: boolean;
  /** Runs against a fresh server each time. */
  run(round: Round): Promise<Figures>;
}
