/**
 * Two who converse, a message at a time, alone and then beside somebody who returns to a long log: the longest that one
 * of their messages took. Who returns is a process of its own, so that what it costs to read is not in it.
 */
import { ROOM } from "../speed/systems-under-test.ts";
import { startWorkerd } from "../speed/rig/workerd.ts";
import { Child } from "../support/child.ts";
import { percentile, type Spread, spreadOf } from "../support/statistics.ts";
import { absentName, fill, type Past } from "./seed-database.ts";
import type { Order, Returned } from "./replayer.ts";
import { enters, says } from "./talk.ts";
import { measureTurns, type Turns } from "./turns.ts";

const TALK_MS = 3_000;

interface Scene {
  readonly name: string;
  readonly about: string;
  readonly past: Past;
  /** Bob alone, if nobody is named. */
  readonly names?: readonly string[];
}

const only =
  (every: number) =>
  (index: number): string =>
    index % every === 0 ? "bob" : "carol";
const nobody = (): string => "carol";

const MANY = Array.from({ length: 20 }, (_, index) => absentName(index));

const small = { text: 100, entriesPerRow: 1 };
/** As much as a log holds by default, in the largest rows. */
const large = { entries: 100_000, text: 2_500, entriesPerRow: 200 };

const SCENES: readonly Scene[] = [
  {
    name: "small-nothing",
    about: "1,000,000 entries, a row each, nothing for who returns",
    past: { ...small, entries: 1_000_000, to: nobody },
  },
  {
    name: "small-all",
    about: "1,000,000 entries, a row each, all for who returns",
    past: { ...small, entries: 1_000_000, to: only(1) },
  },
  {
    name: "large-nothing",
    about: "100,000 entries of 2,500 bytes, 200 a row, nothing for who returns",
    past: { ...large, to: nobody },
  },
  {
    name: "large-one",
    about: "the same, one in each row for who returns",
    past: { ...large, to: only(large.entriesPerRow) },
  },
  {
    name: "large-all",
    about: "the same, all for who returns",
    past: { ...large, to: only(1) },
  },
  {
    name: "large-many",
    about: `the same, ${MANY.length} return at once, one in each row for each of them`,
    past: { ...large, to: (index) => MANY[index % large.entriesPerRow] ?? "carol" },
    names: MANY,
  },
];

export interface Beside {
  readonly name: string;
  readonly about: string;
  /** What the room did at a stretch, in CPU of its own thread. */
  readonly turns: Turns;
  /** ms for which V8's collector held everything up, each time while somebody returned; the longest of each round. */
  readonly pauses: Spread;
  /** ms, of each round; and what all but a thousandth took at most. */
  readonly alone: { readonly longest: Spread; readonly p999: Spread };
  readonly beside: { readonly longest: Spread; readonly p999: Spread };
  readonly returns: number;
  readonly entries: number;
}

export async function* besides(
  folder: string,
  { rounds, quick, at }: { rounds: number; quick: boolean; at: readonly string[] },
): AsyncGenerator<Beside> {
  for (const { name, about, past: whole, names = ["bob"] } of SCENES) {
    if (at.length > 0 && !at.includes(name)) continue;
    const past = { ...whole, entries: quick ? whole.entries / 100 : whole.entries };
    const turns = measureTurns(folder, past, names);
    let pauses: number[] = [];
    const server = await startWorkerd(ROOM, folder, {
      prepare: (home) => fill(home, { name, past, absent: names.length }),
      onPause: (ms) => pauses.push(ms),
    });
    const returner = new Child<Order, Returned>(new URL("returner.ts", import.meta.url));
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
      const all = { alone: [] as number[][], beside: [] as number[][], pauses: [] as number[] };
      let returned: Returned = { times: 0, entries: 0 };
      for (let round = 0; round < rounds; round++) {
        all.alone.push(await talk());
        pauses = [];
        const returning = returner.does({ place, names, ms: TALK_MS });
        all.beside.push(await talk());
        const { times, entries: given } = await returning;
        all.pauses.push(Math.max(0, ...pauses));
        returned = { times: returned.times + times, entries: returned.entries + given };
      }
      const told = (some: number[][]): Beside["alone"] => ({
        longest: spreadOf(some.map((latencies) => Math.max(...latencies))),
        p999: spreadOf(some.map((latencies) => percentile(latencies, 0.999))),
      });
      yield {
        name,
        about,
        turns,
        pauses: spreadOf(all.pauses),
        alone: told(all.alone),
        beside: told(all.beside),
        returns: returned.times,
        entries: returned.entries,
      };
    } finally {
      returner.ends();
      await server.stop();
    }
  }
}
