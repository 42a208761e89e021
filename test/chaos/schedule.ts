/**
 * The disturbances of a round and their times: a pure function of the seed.
 *
 * Invariant: the schedule of a shorter round is the beginning of that of a longer one, except for `quiesce`.
 *
 * The labels of `fork` are part of what a seed means: a changed label changes the schedule of every seed.
 */
import type { Cut, Direction } from "../support/proxy/cut.ts";
import type { Vars } from "../support/server/server.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Nothing passes while TCP stays open. At the end, queued bytes pass, or are lost with the connection. */
export interface Blackhole {
  readonly type: "blackhole";
  readonly directions: readonly Direction[];
  readonly ms: number;
  readonly end: "passes" | "reset";
}

export type Disturbance =
  | Cut
  | Blackhole
  /** Every chunk takes `lagMs` longer, for `ms`. */
  | { readonly type: "lag"; readonly lagMs: number; readonly ms: number }
  /** The next handshake is held back, while later ones pass. */
  | { readonly type: "hold"; readonly ms: number }
  /**
   * The client dies without a goodbye, and starts again from its record after `awayMs`. Its connection to the room
   * stays open until `halfOpenMs` after its successor's handshake.
   */
  | { readonly type: "crash"; readonly awayMs: number; readonly halfOpenMs: number }
  /** As `crash`, but the client's last frames are held back until then, and arrive before the connection ends. */
  | { readonly type: "late frames"; readonly heldMs: number; readonly halfOpenMs: number }
  /** As `crash`, but with a handshake in transit, which arrives `lateMs` after its successor's. */
  | { readonly type: "overtaken"; readonly lateMs: number }
  | { readonly type: "leave"; readonly awayMs: number }
  /** The device reports that the network is back, whether true or not. */
  | { readonly type: "online event" }
  | { readonly type: "kill"; readonly downMs: number }
  /** Nobody does anything, so that the room hibernates, and then wakes. */
  | { readonly type: "quiesce"; readonly ms: number };

export interface Scheduled {
  /** ms since the start of the disturbances */
  readonly at: number;
  /** The member concerned; absent: everyone. */
  readonly who?: string;
  readonly disturbance: Disturbance;
}

export interface ScheduleOptions {
  readonly names: readonly string[];
  readonly ms: number;
  /** Whether the server is our own, so that it can be killed. */
  readonly isOurs: boolean;
}

/** The room hibernates 10 s after the last grace of 15 s has ended. */
const QUIESCE_MS = 28_000;
/** A shorter round has no `quiesce`. */
const QUIESCE_FROM_MS = 60_000;

export function scheduleOf(
  random: SeededRandom,
  { names, ms, isOurs }: ScheduleOptions,
): readonly Scheduled[] {
  const schedule = names.flatMap((who) =>
    disturbancesOf(random.fork(`troubles of ${who}`), who, ms),
  );
  if (isOurs) schedule.push(...killsOf(random.fork("kills"), ms));
  const quiesce = quiesceOf(random.fork("hush"), ms);
  const isLoud = ({ at }: Scheduled): boolean =>
    quiesce === undefined || at < quiesce.at || at > quiesce.at + QUIESCE_MS;
  return [...schedule.filter(isLoud), ...(quiesce === undefined ? [] : [quiesce])].sort(
    (a, b) => a.at - b.at,
  );
}

/** Returns the vars for our own server that differ from the defaults: narrow windows, short logs. */
export function varsOf(random: SeededRandom): Vars {
  const WINDOW = random.pick([2, 4, 16, 256]);
  // Only a short log produces gaps.
  const LOG_ENTRIES = random.pick([100_000, 100_000, 60]);
  // A name would use up its share of a short log at once.
  return { WINDOW, LOG_ENTRIES, LOG_SHARE: 0 };
}

function disturbancesOf(random: SeededRandom, who: string, ms: number): Scheduled[] {
  const planned: Scheduled[] = [];
  let at = random.between(200, 1_500);
  while (at < ms) {
    planned.push({ at, who, disturbance: disturbanceOf(random) });
    at += random.between(250, 2_500);
  }
  return planned;
}

function disturbanceOf(random: SeededRandom): Disturbance {
  const kind = random.next();
  // Long absences and the like are rare, because they take a client out of the round.
  if (kind < 0.34) return cutOf(random);
  if (kind < 0.5) return blackholeOf(random);
  if (kind < 0.58)
    return { type: "lag", lagMs: random.between(1, 150), ms: random.between(200, 2_000) };
  if (kind < 0.66) return { type: "hold", ms: random.between(50, 4_000) };
  if (kind < 0.72) {
    return {
      type: "late frames",
      heldMs: random.between(50, 500),
      halfOpenMs: random.between(0, 1_000),
    };
  }
  if (kind < 0.84) {
    const halfOpenMs = random.chance(0.7) ? random.between(0, 12) : random.between(13, 3_000);
    return { type: "crash", awayMs: awayMs(random), halfOpenMs };
  }
  if (kind < 0.92) return { type: "overtaken", lateMs: random.between(0, 400) };
  if (kind < 0.96) return { type: "leave", awayMs: awayMs(random) };
  return { type: "online event" };
}

/** Mostly short; sometimes long enough for a short log to be trimmed, or for messages to be changed again and again. */
function awayMs(random: SeededRandom): number {
  const kind = random.next();
  if (kind < 0.75) return random.between(0, 300);
  return kind < 0.92 ? random.between(1_500, 5_000) : random.between(5_000, 15_000);
}

function cutOf(random: SeededRandom): Cut {
  const which = random.chance(0.7) ? "this" : "next";
  return {
    type: "cut",
    direction: random.pick(["up", "down"]),
    // The handshake has about 600 bytes, a small frame 20 to 200.
    bytes: random.chance(0.2) ? 0 : random.between(1, which === "next" ? 1_500 : 400),
    how: random.pick(["reset", "end"]),
    notified: random.pick(["both", "both", "both", "client", "room"]),
    which,
  };
}

function blackholeOf(random: SeededRandom): Blackhole {
  return {
    type: "blackhole",
    directions: random.pick<readonly Direction[]>([["up"], ["down"], ["up", "down"]]),
    ms: random.between(100, 4_000),
    end: random.pick(["passes", "reset"]),
  };
}

function killsOf(random: SeededRandom, ms: number): Scheduled[] {
  const planned: Scheduled[] = [];
  let at = random.between(1_500, 4_000);
  // A server takes some seconds to start, and one that is always down tests nothing.
  while (at < ms) {
    planned.push({ at, disturbance: { type: "kill", downMs: random.between(0, 1_500) } });
    at += random.between(12_000, 25_000);
  }
  return planned;
}

function quiesceOf(random: SeededRandom, ms: number): Scheduled | undefined {
  if (ms < QUIESCE_FROM_MS || random.chance(0.5)) return undefined;
  const at = random.between(8_000, ms - QUIESCE_MS - 8_000);
  return { at, disturbance: { type: "quiesce", ms: QUIESCE_MS } };
}
