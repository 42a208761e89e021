/**
 * `npm run bench:neighbours`: a conversation at a fixed pace, alone and beside slow or hostile neighbours, in rounds by
 * turns on the same server. What the neighbours cost the others and the server, and whether the bounds held.
 *
 * These bounds must hold, or it exits with 1: everything said in the conversation comes to everyone and nobody of them
 * is put out; memory grows by no more than the bound of the scenario, twice (the server and the proxy before it both hold
 * what a client does not read), and `SLACK_BYTES`; and the neighbours did at all what they are there for.
 * Their p99 depends on the machine: what is expected of it is printed, and whether it was so.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { MIB } from "../../src/core/limits.ts";
import { Server } from "../../test/support/e2e/server.ts";
import { Child } from "../support/child.ts";
import type { Order as TalkOrder, Talk } from "../support/conversation.ts";
import { percentile, show, type Spread, spreadOf } from "../support/spread.ts";
import { usageOf } from "../support/usage.ts";
import type { Deeds, Order as NeighbourOrder } from "./generator.ts";
import { NAMES, NAMES_QUICK, PEERS, type Scenario, SCENARIOS } from "./kinds.ts";

const WORDS_PER_SECOND = 40;
/** Expected of the machine: the longest that all but a hundredth take; or so many times as long as alone, if that is slow. */
const P99_MS = 1_000;
const P99_TIMES = 10;
/** What the runtime takes for connections, for code that runs the first time, and for garbage not yet collected. */
const SLACK_BYTES = 160 * MIB;
const COPIES = 2;

const HELP = `npm run bench:neighbours -- [--quick] [--only WORDS] [--out FILE]

Measures what slow and hostile neighbours cost the others in their room, and checks the bounds.

  --quick       about a minute: one short round each, the worse half of the scenarios, ${NAMES_QUICK} names instead of ${NAMES}
  --only WORDS  only scenarios whose name has these words
  --out FILE    where the figures go as JSON; bench/results/neighbours.json if you do not say

It exits with 1 if a bound that must hold did not.
`;

interface Round {
  readonly p50: number;
  readonly p99: number;
  /** Of one core, in percent. */
  readonly cpu: number;
  /** The most that was seen, in bytes. */
  readonly rss: number;
  readonly missing: number;
  readonly ended: number;
}

interface Result {
  readonly name: string;
  readonly alone: readonly Round[];
  readonly beside: readonly Round[];
  readonly grownBytes: number;
  readonly boundBytes: number;
  readonly because: string;
  readonly deeds: Deeds;
  /** In words: how long the others were expected to wait, and whether it was so. */
  readonly expected: string;
  readonly broken: readonly string[];
}

interface Pace {
  readonly rounds: number;
  readonly ms: number;
  readonly names: number;
}

process.exit(await main());

async function main(): Promise<number> {
  let flags;
  try {
    const options = {
      quick: { type: "boolean" },
      only: { type: "string" },
      out: { type: "string" },
    } as const;
    flags = parseArgs({ options: { ...options, help: { type: "boolean", short: "h" } } }).values;
  } catch (error) {
    const why = (error as Error).message.split(". ")[0] ?? "";
    process.stderr.write(`${why}. "npm run bench:neighbours -- --help" says what there is.\n`);
    return 2;
  }
  if (flags.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const { quick = false, only = "", out = "bench/results/neighbours.json" } = flags;
  const pace: Pace = quick
    ? { rounds: 1, ms: 2_000, names: NAMES_QUICK }
    : { rounds: 3, ms: 6_000, names: NAMES };
  const chosen = SCENARIOS.filter(
    ({ name, isMinor }) => name.includes(only) && !(quick && isMinor === true),
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
  print(
    `${PEERS} peers, ${WORDS_PER_SECOND} words a second to all of them; ${pace.rounds} rounds of ${pace.ms / 1_000} s alone and beside, by turns.`,
    "Medians (least–most): p50 and p99 of all deliveries in ms, CPU in % of a core, memory as the most seen in MiB.",
    "",
  );
  const results: Result[] = [];
  for (const scenario of chosen) {
    const result = await measure(scenario, pace);
    results.push(result);
    print(...pageOf(result));
  }
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(
    out,
    `${JSON.stringify({ at: new Date().toISOString(), quick, results }, undefined, 1)}\n`,
  );
  const broken = results.filter(({ broken: some }) => some.length > 0);
  print(
    broken.length === 0 && results.length > 0
      ? `All bounds held. The figures are in ${out}.`
      : `${broken.length} of ${results.length} scenarios broke a bound. The figures are in ${out}.`,
  );
  return broken.length === 0 && results.length > 0 ? 0 : 1;
}

async function measure(scenario: Scenario, pace: Pace): Promise<Result> {
  const server = await Server.starts({ MAX_NAMES: pace.names });
  const talk = new Child<TalkOrder, Talk>(new URL("../support/conversation.ts", import.meta.url));
  const neighbours = new Child<NeighbourOrder, Deeds>(new URL("generator.ts", import.meta.url));
  try {
    const place = { url: server.url, room: "bench" };
    const { kind, count, isAddressed = false } = scenario;
    // Room for those who talk: who is remembered first is forgotten last.
    await talk.does({ do: "join", place, peers: PEERS });
    await neighbours.does({ do: "prepare", place, kind, names: pace.names - PEERS });
    // What runs for the first time is slow, and takes memory that it keeps.
    await play(talk, server.group, Math.min(2_000, pace.ms), isAddressed);
    const alone: Round[] = [];
    const beside: Round[] = [];
    const deeds = new Map<string, number>();
    for (let number = 0; number < pace.rounds; number++) {
      alone.push(await play(talk, server.group, pace.ms, isAddressed));
      await neighbours.does({ do: "begin", place, kind, count });
      beside.push(await play(talk, server.group, pace.ms, isAddressed));
      for (const [what, times] of Object.entries(await neighbours.does({ do: "end" }))) {
        deeds.set(what, (deeds.get(what) ?? 0) + times);
      }
      await pause(500);
    }
    return resultOf(scenario, { alone, beside, deeds: Object.fromEntries(deeds), pace });
  } finally {
    talk.ends();
    neighbours.ends();
    await server.stop();
  }
}

async function play(
  talk: Child<TalkOrder, Talk>,
  group: number,
  ms: number,
  isAddressed: boolean,
): Promise<Round> {
  const before = usageOf(group);
  let { rss } = before;
  const looking = setInterval(() => (rss = Math.max(rss, usageOf(group).rss)), 250);
  const start = performance.now();
  const { latencies, missing, ended } = await talk.does({
    do: "talk",
    ms,
    perSecond: WORDS_PER_SECOND,
    isAddressed,
  });
  clearInterval(looking);
  const after = usageOf(group);
  const cpu = (100 * (after.cpuMs - before.cpuMs)) / (performance.now() - start);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  return { p50, p99, cpu, rss: Math.max(rss, after.rss), missing, ended };
}

function resultOf(
  { name, bytes, because, deed, p99Ms = P99_MS }: Scenario,
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
  const longest = Math.max(p99Ms, P99_TIMES * spreadOf(alone.map((round) => round.p99)).median);
  const expected = `p99 beside ${p99 <= longest ? "as" : "NOT AS"} expected of the machine: at most ${longest.toFixed(0)} ms`;
  if (deed !== undefined && (deeds[deed] ?? 0) === 0)
    broken.push(`nothing was measured: 0 ${deed}`);
  if (grownBytes > boundBytes)
    broken.push(`memory grew by ${mib(grownBytes)}, more than ${mib(boundBytes)}`);
  return { name, alone, beside, grownBytes, boundBytes, because, deeds, expected, broken };
}

function pageOf({
  name,
  alone,
  beside,
  grownBytes,
  boundBytes,
  because,
  deeds,
  expected,
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
    return `  ${what.padEnd(7)}${cells.map((cell) => cell.padEnd(22)).join("")}`.trimEnd();
  };
  const done = Object.entries(deeds).map(([what, times]) => `${times} ${what}`);
  return [
    `${name}${done.length > 0 ? ` (${done.join(", ")})` : ""}`,
    line("alone", alone),
    line("beside", beside),
    `  ${expected}`,
    `  memory grew by ${mib(grownBytes)}; bound ${mib(boundBytes)}: ${because}`,
    `  ${broken.length === 0 ? "all bounds held" : `BROKEN: ${broken.join("; ")}`}`,
    "",
  ];
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
