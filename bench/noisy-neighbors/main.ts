/**
 * `npm run bench:noisy-neighbors`: runs a conversation at a fixed pace. Rounds alone and rounds with slow or hostile
 * neighbors alternate on the same server. The report shows what the neighbors cost the others and the server, and whether
 * the bounds held (verdict.ts).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Server } from "../../test/support/server/server.ts";
import { Child } from "../support/child.ts";
import type { Task as TalkTask, Talk } from "../support/conversation.ts";
import { percentile } from "../support/statistics.ts";
import { processStats } from "../support/process-stats.ts";
import type { Counts, Task as NeighborTask } from "./generator.ts";
import { NAMES, NAMES_QUICK, PEERS, type Scenario, SCENARIOS } from "./kinds.ts";
import { isOnlySlow, type Pace, pageOf, type Result, resultOf, type Round } from "./verdict.ts";

const MESSAGES_PER_SECOND = 40;
const HELP = `npm run bench:noisy-neighbors -- [--quick] [--seconds N] [--only WORDS] [--out FILE]

Measures what slow and hostile neighbors cost the others in their room, and checks the bounds.

  --quick       about a minute: one short round each, the worse half of the scenarios, ${NAMES_QUICK} names instead of ${NAMES}
  --seconds N   length of a round (6)
  --only WORDS  only scenarios whose name contains these words
  --out FILE    the JSON file of the figures (bench/results/noisy-neighbors.json)

It exits with 1 if a bound did not hold.
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
    process.stderr.write(`${why}. "npm run bench:noisy-neighbors -- --help" lists the options.\n`);
    return 2;
  }
  if (flags.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (flags.seconds !== undefined && !/^[1-9]\d{0,3}$/.test(flags.seconds)) {
    process.stderr.write("--seconds: expected a whole number from 1 to 9999\n");
    return 2;
  }
  const { quick = false, only = "", out = "bench/results/noisy-neighbors.json" } = flags;
  const pace: Pace = quick
    ? { rounds: 1, ms: 2_000, names: NAMES_QUICK }
    : { rounds: 3, ms: Number(flags.seconds ?? 6) * 1_000, names: NAMES };
  const chosen = SCENARIOS.filter(
    ({ name, isMinor }) => name.includes(only) && !(quick && isMinor === true),
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
  print(
    `${PEERS} peers, ${MESSAGES_PER_SECOND} messages a second to all of them; ${pace.rounds} rounds of ${pace.ms / 1_000} s alone and disturbed, alternating.`,
    "Medians (least–most): p50 and p99 of all deliveries in ms, CPU in % of a core, memory as the maximum in MiB.",
    "",
  );
  const results: Result[] = [];
  for (const scenario of chosen) {
    let result = await measure(scenario, pace);
    print(...pageOf(result));
    if (isOnlySlow(result)) {
      result = { ...(await measure(scenario, pace)), before: result };
      print(`Second measurement: ${pageOf(result).join("\n")}`);
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
  const server = await Server.starts({ MAX_ONLINE: PEERS + 1_000, MAX_NAMES: pace.names });
  const talk = new Child<TalkTask, Talk>(new URL("../support/conversation.ts", import.meta.url));
  const neighbors = new Child<NeighborTask, Counts>(new URL("generator.ts", import.meta.url));
  try {
    const place = { url: server.url, room: "bench" };
    const { kind, count, isAddressed = false } = scenario;
    // The participants join first, so that their names are evicted last.
    await talk.run({ do: "join", place, peers: PEERS });
    await neighbors.run({ do: "prepare", place, kind, names: pace.names - PEERS });
    // Warm up: the first run is slow, and takes memory that it keeps.
    await play(talk, server.group, Math.min(2_000, pace.ms), isAddressed);
    const alone: Round[] = [];
    const disturbed: Round[] = [];
    const counts = new Map<string, number>();
    for (let number = 0; number < pace.rounds; number++) {
      alone.push(await play(talk, server.group, pace.ms, isAddressed));
      await neighbors.run({ do: "begin", place, kind, count });
      disturbed.push(await play(talk, server.group, pace.ms, isAddressed));
      for (const [what, times] of Object.entries(await neighbors.run({ do: "end" }))) {
        counts.set(what, (counts.get(what) ?? 0) + times);
      }
      await pause(500);
    }
    return resultOf(scenario, { alone, disturbed, counts: Object.fromEntries(counts), pace });
  } finally {
    talk.stop();
    neighbors.stop();
    await server.stop();
  }
}

async function play(
  talk: Child<TalkTask, Talk>,
  group: number,
  ms: number,
  isAddressed: boolean,
): Promise<Round> {
  const before = processStats(group);
  let { rss } = before;
  const sampling = setInterval(() => (rss = Math.max(rss, processStats(group).rss)), 250);
  const start = performance.now();
  const { latencies, missing, ended } = await talk.run({
    do: "talk",
    ms,
    perSecond: MESSAGES_PER_SECOND,
    isAddressed,
  });
  clearInterval(sampling);
  const after = processStats(group);
  const cpu = (100 * (after.cpuMs - before.cpuMs)) / (performance.now() - start);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  return { p50, p99, cpu, rss: Math.max(rss, after.rss), missing, ended };
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
