/**
 * The result of a scenario's rounds: whether the bounds held, and the report.
 *
 * If one of these bounds does not hold, the benchmark exits with 1:
 * - Every message of the conversation arrives, and no participant is disconnected.
 * - Memory grows by at most twice the bound of the scenario (the server and the proxy before it both hold the bytes that a
 *   client does not read), plus `SLACK_BYTES`.
 * - The participants' p99, as the median of the disturbed rounds, is at most `P99_TIMES` that of the rounds alone, or the
 *   floor of the scenario if that is more. Other work of the machine can raise it. So a scenario that breaks only this bound
 *   is measured a second time, on a new server. The report shows both results; the second one decides.
 * - The neighbors did what the scenario requires, at least once.
 */
import { MIB } from "../../src/core/limits.ts";
import { show, type Statistics, statisticsOf } from "../support/statistics.ts";
import type { Counts } from "./generator.ts";
import type { Scenario } from "./kinds.ts";

/** Bound of the p99 with neighbors: this multiple of the p99 alone, or the floor if that is more. */
export const P99_TIMES = 10;
export const P99_FLOOR_MS = 1_000;
/**
 * Memory that the runtime takes for connections, for newly compiled code and for garbage not yet collected. From the first
 * to the last of the rounds alone, that was up to 150 MiB.
 */
export const SLACK_BYTES = 256 * MIB;
const COPIES = 2;

export interface Round {
  readonly p50: number;
  readonly p99: number;
  /** CPU in percent of one core. */
  readonly cpu: number;
  /** The maximum of resident memory, in bytes. */
  readonly rss: number;
  readonly missing: number;
  readonly ended: number;
}

export interface Result {
  readonly name: string;
  readonly alone: readonly Round[];
  readonly disturbed: readonly Round[];
  readonly grownBytes: number;
  readonly boundBytes: number;
  readonly because: string;
  readonly counts: Counts;
  /** Bound of the disturbed p99, ms. */
  readonly boundMs: number;
  readonly broken: readonly string[];
  /** The disturbed p99 is over its bound. */
  readonly isSlow: boolean;
  /** The first result, if this is the second. */
  readonly before?: Result;
}

export interface Pace {
  readonly rounds: number;
  readonly ms: number;
  readonly names: number;
}

export function resultOf(
  { name, bytes, because, required, p99Ms = P99_FLOOR_MS }: Scenario,
  {
    alone,
    disturbed,
    counts,
    pace,
  }: { alone: Round[]; disturbed: Round[]; counts: Counts; pace: Pace },
): Result {
  // Processes seldom return memory, so the baseline is the first round alone.
  const grownBytes = Math.max(...disturbed.map(({ rss }) => rss)) - (alone[0]?.rss ?? 0);
  const boundBytes = COPIES * bytes(pace.ms * pace.rounds) + SLACK_BYTES;
  const broken: string[] = [];
  const missing = disturbed.reduce((sum, round) => sum + round.missing, 0);
  const ended = disturbed.reduce((sum, round) => sum + round.ended, 0);
  const { median: p99 } = statisticsOf(disturbed.map((round) => round.p99));
  if (missing > 0) broken.push(`${missing} deliveries of the conversation did not arrive`);
  if (ended > 0) broken.push(`${ended} participants were disconnected`);
  const boundMs = Math.max(p99Ms, P99_TIMES * statisticsOf(alone.map((round) => round.p99)).median);
  const isSlow = p99 > boundMs;
  if (isSlow) broken.push(`p99 was ${p99.toFixed(0)} ms, more than ${boundMs.toFixed(0)} ms`);
  if (required !== undefined && (counts[required] ?? 0) === 0)
    broken.push(`nothing was measured: 0 ${required}`);
  if (grownBytes > boundBytes)
    broken.push(`memory grew by ${mib(grownBytes)}, more than ${mib(boundBytes)}`);
  return {
    name,
    alone,
    disturbed,
    grownBytes,
    boundBytes,
    because,
    counts,
    boundMs,
    isSlow,
    broken,
  };
}

export function pageOf({
  name,
  alone,
  disturbed,
  grownBytes,
  boundBytes,
  because,
  counts,
  boundMs,
  broken,
}: Result): string[] {
  const line = (what: string, rounds: readonly Round[]): string => {
    const over = (pick: (round: Round) => number): Statistics => statisticsOf(rounds.map(pick));
    const cells = [
      `p50 ${show(over(({ p50 }) => p50))}`,
      `p99 ${show(over(({ p99 }) => p99))}`,
      `CPU ${show(over(({ cpu }) => cpu))}`,
      `memory ${show(over(({ rss }) => rss / MIB))}`,
    ];
    return `  ${what.padEnd(10)}${cells.map((cell) => cell.padEnd(26)).join("")}`.trimEnd();
  };
  const done = Object.entries(counts).map(([what, times]) => `${times} ${what}`);
  return [
    `${name}${done.length > 0 ? ` (${done.join(", ")})` : ""}`,
    line("alone", alone),
    line("disturbed", disturbed),
    `  p99 disturbed: bound ${boundMs.toFixed(0)} ms`,
    `  memory grew by ${mib(grownBytes)}; bound ${mib(boundBytes)}: ${because}`,
    `  ${broken.length === 0 ? "all bounds held" : `BROKEN: ${broken.join("; ")}`}`,
    "",
  ];
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

/** Returns whether only the p99 is over its bound, which other work of the machine may have caused. */
export const isOnlySlow = ({ isSlow, broken }: Result): boolean => isSlow && broken.length === 1;
