/**
 * `npm run bench:neighbours`: a conversation at a fixed pace, alone and beside slow or hostile neighbours, in rounds by
 * turns on the same server. What the neighbours cost the others and the server, and whether the bounds held (verdict.ts).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Server } from "../../test/support/server/server.ts";
import { Child } from "../support/child.ts";
import type { Order as TalkOrder, Talk } from "../support/conversation.ts";
import { percentile } from "../support/statistics.ts";
import { usageOf } from "../support/process-stats.ts";
import type { Deeds, Order as NeighbourOrder } from "./generator.ts";
import { NAMES, NAMES_QUICK, PEERS, type Scenario, SCENARIOS } from "./kinds.ts";
import {
  mayBeTheMachine,
  type Pace,
  pageOf,
  type Result,
  resultOf,
  type Round,
} from "./verdict.ts";

const WORDS_PER_SECOND = 40;
const HELP = `npm run bench:neighbours -- [--quick] [--only WORDS] [--out FILE]

Measures what slow and hostile neighbours cost the others in their room, and checks the bounds.

  --quick       about a minute: one short round each, the worse half of the scenarios, ${NAMES_QUICK} names instead of ${NAMES}
  --seconds N   how long a round lasts, instead of six seconds
  --only WORDS  only scenarios whose name has these words
  --out FILE    where the figures go as JSON; bench/results/neighbours.json if you do not say

It exits with 1 if a bound that must hold did not.
`;

process.exit(await main());

async function main(): Promise<number> {
  let flags;
  try {
    const options = {
      quick: { type: "boolean" },
      seconds: { type: "string" },
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
  if (flags.seconds !== undefined && !/^[1-9]\d{0,3}$/.test(flags.seconds)) {
    process.stderr.write("--seconds: a whole number from 1 to 9999\n");
    return 2;
  }
  const { quick = false, only = "", out = "bench/results/neighbours.json" } = flags;
  const pace: Pace = quick
    ? { rounds: 1, ms: 2_000, names: NAMES_QUICK }
    : { rounds: 3, ms: Number(flags.seconds ?? 6) * 1_000, names: NAMES };
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
    let result = await measure(scenario, pace);
    print(...pageOf(result));
    if (mayBeTheMachine(result)) {
      result = { ...(await measure(scenario, pace)), before: result };
      print(`Once more: ${pageOf(result).join("\n")}`);
    }
    results.push(result);
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

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
