/**
 * What the rounds of a scenario come to: whether the bounds held, and in words.
 *
 * These bounds must hold, or it exits with 1:
 * - Everything said in the conversation comes to everyone, and nobody of them is put out.
 * - Memory grows by no more than the bound of the scenario, twice (the server and the proxy before it both hold what a
 *   client does not read), and `SLACK_BYTES`.
 * - Their p99, as the median of the rounds beside, is at most `P99_TIMES` that of the rounds alone, or the floor of the
 *   scenario if that is more. What else the machine does is in it, so a scenario that breaks this bound, and no other, is
 *   measured once more, on a new server. Both results are shown; twice is broken.
 * - The neighbours did at all what they are there for.
 */
import { MIB } from "../../src/core/limits.ts";
import { show, type Spread, spreadOf } from "../support/statistics.ts";
import type { Deeds } from "./generator.ts";
import type { Scenario } from "./kinds.ts";

/** What all but a hundredth of the deliveries may take beside the neighbours: as so many times alone, or this at least. */
export const P99_TIMES = 10;
export const P99_FLOOR_MS = 1_000;
/**
 * What the runtime takes for connections, for code that runs the first time, and for garbage not yet collected. In rounds
 * alone, from the first to the last, that was up to 150 MiB.
 */
export const SLACK_BYTES = 256 * MIB;
const COPIES = 2;

export interface Round {
  readonly p50: number;
  readonly p99: number;
  /** Of one core, in percent. */
  readonly cpu: number;
  /** The most that was seen, in bytes. */
  readonly rss: number;
  readonly missing: number;
  readonly ended: number;
}

export interface Result {
  readonly name: string;
  readonly alone: readonly Round[];
  readonly beside: readonly Round[];
  readonly grownBytes: number;
  readonly boundBytes: number;
  readonly because: string;
  readonly deeds: Deeds;
  /** Of the p99 beside, ms. */
  readonly boundMs: number;
  readonly broken: readonly string[];
  /** The p99 beside is over its bound. */
  readonly isSlow: boolean;
  /** The first time, if this is the second. */
  readonly before?: Result;
}

export interface Pace {
  readonly rounds: number;
  readonly ms: number;
  readonly names: number;
}

export function resultOf(
  { name, bytes, because, deed, p99Ms = P99_FLOOR_MS }: Scenario,
  { alone, beside, deeds, pace }: { alone: Round[]; beside: Round[]; deeds: Deeds; pace: Pace },
): Result {
  // Memory that was taken once is seldom given back, so the first round alone is what it is held against.
  const grownBytes = Math.max(...beside.map(({ rss }) => rss)) - (alone[0]?.rss ?? 0);
  const boundBytes = COPIES * bytes(pace.ms * pace.rounds) + SLACK_BYTES;
  const broken: string[] = [];
  const missing = beside.reduce((sum, round) => sum + round.missing, 0);
  const ended = beside.reduce((sum, round) => sum + round.ended, 0);
  const { median: p99 } = spreadOf(beside.map((round) => round.p99));
  if (missing > 0) broken.push(`${missing} deliveries of the conversation did not come`);
  if (ended > 0) broken.push(`${ended} of those who talked were put out`);
  const boundMs = Math.max(p99Ms, P99_TIMES * spreadOf(alone.map((round) => round.p99)).median);
  const isSlow = p99 > boundMs;
  if (isSlow) broken.push(`p99 was ${p99.toFixed(0)} ms, more than ${boundMs.toFixed(0)} ms`);
  if (deed !== undefined && (deeds[deed] ?? 0) === 0)
    broken.push(`nothing was measured: 0 ${deed}`);
  if (grownBytes > boundBytes)
    broken.push(`memory grew by ${mib(grownBytes)}, more than ${mib(boundBytes)}`);
  return { name, alone, beside, grownBytes, boundBytes, because, deeds, boundMs, isSlow, broken };
}

export function pageOf({
  name,
  alone,
  beside,
  grownBytes,
  boundBytes,
  because,
  deeds,
  boundMs,
  broken,
}: Result): string[] {
  const line = (what: string, rounds: readonly Round[]): string => {
    const spread = (pick: (round: Round) => number): Spread => spreadOf(rounds.map(pick));
    const cells = [
      `p50 ${show(spread(({ p50 }) => p50))}`,
      `p99 ${show(spread(({ p99 }) => p99))}`,
      `CPU ${show(spread(({ cpu }) => cpu))}`,
      `memory ${show(spread(({ rss }) => rss / MIB))}`,
    ];
    return `  ${what.padEnd(7)}${cells.map((cell) => cell.padEnd(26)).join("")}`.trimEnd();
  };
  const done = Object.entries(deeds).map(([what, times]) => `${times} ${what}`);
  return [
    `${name}${done.length > 0 ? ` (${done.join(", ")})` : ""}`,
    line("alone", alone),
    line("beside", beside),
    `  p99 beside: bound ${boundMs.toFixed(0)} ms`,
    `  memory grew by ${mib(grownBytes)}; bound ${mib(boundBytes)}: ${because}`,
    `  ${broken.length === 0 ? "all bounds held" : `BROKEN: ${broken.join("; ")}`}`,
    "",
  ];
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

/** Of all bounds only that of the p99 is over, which what else the machine does may have done: it gets a second try. */
export const mayBeTheMachine = ({ isSlow, broken }: Result): boolean =>
  isSlow && broken.length === 1;
