/**
 * Measures the longest message of a conversation of two, alone and while another peer replays a long log. The replaying
 * peer runs in a process of its own, so that its cost of reading is not measured.
 */
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { Child } from "../support/child.ts";
import { percentile, type Statistics, statisticsOf } from "../support/statistics.ts";
import { absentName, seedDatabase, type Past } from "./seed-database.ts";
import type { Task, Replayed } from "./replayer.ts";
import { enters, says } from "./talk.ts";
import { measureTurns, type Turns } from "./turns.ts";

const TALK_MS = 3_000;

interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly past: Past;
  /** The peers that replay; only Bob by default. */
  readonly names?: readonly string[];
}

const only =
  (every: number) =>
  (index: number): string =>
    index % every === 0 ? "bob" : "carol";
const nobody = (): string => "carol";

const MANY = Array.from({ length: 20 }, (_, index) => absentName(index));

const small = { text: 100, entriesPerRow: 1 };
/** A log of the largest default size, in the largest rows. */
const large = { entries: 100_000, text: 2_500, entriesPerRow: 200 };

const SCENARIOS: readonly Scenario[] = [
  {
    name: "small-nothing",
    about: "1,000,000 entries, a row each, none for the returning peer",
    past: { ...small, entries: 1_000_000, to: nobody },
  },
  {
    name: "small-all",
    about: "1,000,000 entries, a row each, all for the returning peer",
    past: { ...small, entries: 1_000_000, to: only(1) },
  },
  {
    name: "large-nothing",
    about: "100,000 entries of 2,500 bytes, 200 a row, none for the returning peer",
    past: { ...large, to: nobody },
  },
  {
    name: "large-one",
    about: "the same, one in each row for the returning peer",
    past: { ...large, to: only(large.entriesPerRow) },
  },
  {
    name: "large-all",
    about: "the same, all for the returning peer",
    past: { ...large, to: only(1) },
  },
  {
    name: "large-many",
    about: `the same, ${MANY.length} peers return at once, one entry in each row for each`,
    past: { ...large, to: (index) => MANY[index % large.entriesPerRow] ?? "carol" },
    names: MANY,
  },
];

export interface Interference {
  readonly name: string;
  readonly about: string;
  /** The room's turns, in CPU time of its own thread. */
  readonly turns: Turns;
  /** V8's longest pause for garbage collection during the replays of each round, ms. */
  readonly pauses: Statistics;
  /** The longest message and the 99.9th percentile of each round, ms. */
  readonly alone: { readonly longest: Statistics; readonly p999: Statistics };
  readonly disturbed: { readonly longest: Statistics; readonly p999: Statistics };
  readonly returns: number;
  readonly entries: number;
}

export async function* measureInterference(
  folder: string,
  { rounds, quick, at }: { rounds: number; quick: boolean; at: readonly string[] },
): AsyncGenerator<Interference> {
  for (const { name, about, past: whole, names = ["bob"] } of SCENARIOS) {
    if (at.length > 0 && !at.includes(name)) continue;
    const past = { ...whole, entries: quick ? whole.entries / 100 : whole.entries };
    const turns = measureTurns(folder, past, names);
    let pauses: number[] = [];
    const server = await startWorkerd(ROOM, folder, {
      prepare: (home) => seedDatabase(home, { name, past, absent: names.length }),
      onPause: (ms) => pauses.push(ms),
    });
    const replayer = new Child<Task, Replayed>(new URL("replayer.ts", import.meta.url));
    try {
      const place = { url: server.url.replace("ws", "http"), room: name };
      const erin = await enters(place, "erin");
      await enters(place, "frank");
      const talk = async (): Promise<number[]> => {
        const latencies: number[] = [];
        for (const end = performance.now() + TALK_MS; performance.now() < end;) {
          const start = performance.now();
          await says(erin, ["frank"]);
          latencies.push(performance.now() - start);
        }
        return latencies;
      };
      await talk();
      const all = { alone: [] as number[][], disturbed: [] as number[][], pauses: [] as number[] };
      let returned: Replayed = { times: 0, entries: 0 };
      for (let round = 0; round < rounds; round++) {
        all.alone.push(await talk());
        pauses = [];
        const returning = replayer.run({ place, names, ms: TALK_MS });
        all.disturbed.push(await talk());
        const { times, entries: given } = await returning;
        all.pauses.push(Math.max(0, ...pauses));
        returned = { times: returned.times + times, entries: returned.entries + given };
      }
      const statisticsOfRounds = (some: number[][]): Interference["alone"] => ({
        longest: statisticsOf(some.map((latencies) => Math.max(...latencies))),
        p999: statisticsOf(some.map((latencies) => percentile(latencies, 0.999))),
      });
      yield {
        name,
        about,
        turns,
        pauses: statisticsOf(all.pauses),
        alone: statisticsOfRounds(all.alone),
        disturbed: statisticsOfRounds(all.disturbed),
        returns: returned.times,
        entries: returned.entries,
      };
    } finally {
      replayer.stop();
      await server.stop();
    }
  }
}
