/**
 * What goes wrong in a round, and when: a pure function of the seed.
 *
 * Invariant: the plan of a shorter round is the beginning of the plan of a longer one, but for the hush.
 */
import type { Vars } from "../support/server/server.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Which way bytes go: to the room, or to the client. */
export type Way = "up" | "down";

/** A link breaks after `bytes` more bytes went one way: between two frames, within one, or within the handshake. */
export interface Cut {
  readonly type: "cut";
  readonly way: Way;
  readonly bytes: number;
  /** RST or FIN. */
  readonly how: "reset" | "end";
  /** Who is told; the other end's TCP stays up, and carries nothing any more. */
  readonly told: "both" | "client" | "room";
  /** The link that is up, or the next one from its first byte on. */
  readonly which: "this" | "next";
}

/** Nothing passes, TCP stays up; what waits is carried after all, or lost with the link. */
export interface Hole {
  readonly type: "hole";
  readonly ways: readonly Way[];
  readonly ms: number;
  readonly end: "passes" | "reset";
}

export type Disturbance =
  | Cut
  | Hole
  /** Every chunk takes this much longer, for a while. */
  | { readonly type: "lag"; readonly lagMs: number; readonly ms: number }
  /** The next handshake waits on its way, while others pass. */
  | { readonly type: "hold"; readonly ms: number }
  /**
   * The client dies without a word, and is made anew from its record after `awayMs`. Its link stays up at the room
   * until `ghostMs` after the handshake of its successor went through.
   */
  | { readonly type: "crash"; readonly awayMs: number; readonly ghostMs: number }
  /** The same, and what it said last is held on its way until then, and arrives before the link ends. */
  | { readonly type: "late words"; readonly heldMs: number; readonly ghostMs: number }
  /** The same while a handshake is held, which goes on its way `lateMs` after its successor's. */
  | { readonly type: "overtaken"; readonly lateMs: number }
  | { readonly type: "leave"; readonly awayMs: number }
  /** The device says that the network is back, true or not. */
  | { readonly type: "awake" }
  | { readonly type: "kill"; readonly downMs: number }
  /** Nobody says or does anything: the room falls asleep, and wakes. */
  | { readonly type: "hush"; readonly ms: number };

export interface Scheduled {
  /** ms since the beginning of the storm */
  readonly at: number;
  /** Whose trouble it is; absent: everyone's. */
  readonly who?: string;
  readonly trouble: Disturbance;
}

export interface World {
  readonly names: readonly string[];
  readonly ms: number;
  /** The server is our own: it can be killed. */
  readonly isOurs: boolean;
}

/** The room sleeps 10 s after the last grace of 15 s has ended. */
const QUIESCE_MS = 28_000;
/** A round shorter than this has no hush. */
const QUIESCE_FROM_MS = 60_000;

export function scheduleOf(
  chance: SeededRandom,
  { names, ms, isOurs }: World,
): readonly Scheduled[] {
  const plan = names.flatMap((who) => troublesOf(chance.of(`troubles of ${who}`), who, ms));
  if (isOurs) plan.push(...killsOf(chance.of("kills"), ms));
  const hush = hushOf(chance.of("hush"), ms);
  const isLoud = ({ at }: Scheduled): boolean =>
    hush === undefined || at < hush.at || at > hush.at + QUIESCE_MS;
  return [...plan.filter(isLoud), ...(hush === undefined ? [] : [hush])].sort(
    (a, b) => a.at - b.at,
  );
}

/** What differs from the defaults of a server of our own: narrow windows, short memories. */
export function varsOf(chance: SeededRandom): Vars {
  const WINDOW = chance.one([2, 4, 16, 256]);
  // What was removed is told as a gap: only where the log is short.
  const LOG_ENTRIES = chance.one([100_000, 100_000, 60]);
  // A name's share of a short log would be used up at once.
  return { WINDOW, LOG_ENTRIES, LOG_SHARE: 0 };
}

function troublesOf(chance: SeededRandom, who: string, ms: number): Scheduled[] {
  const planned: Scheduled[] = [];
  let at = chance.between(200, 1_500);
  while (at < ms) {
    planned.push({ at, who, trouble: troubleOf(chance) });
    at += chance.between(250, 2_500);
  }
  return planned;
}

function troubleOf(chance: SeededRandom): Disturbance {
  const kind = chance.next();
  // Some, as of long absences, come seldom: they take a client out of the game.
  if (kind < 0.34) return cutOf(chance);
  if (kind < 0.5) return holeOf(chance);
  if (kind < 0.58)
    return { type: "lag", lagMs: chance.between(1, 150), ms: chance.between(200, 2_000) };
  if (kind < 0.66) return { type: "hold", ms: chance.between(50, 4_000) };
  if (kind < 0.72) {
    return {
      type: "late words",
      heldMs: chance.between(50, 500),
      ghostMs: chance.between(0, 1_000),
    };
  }
  if (kind < 0.84) {
    const ghostMs = chance.is(0.7) ? chance.between(0, 12) : chance.between(13, 3_000);
    return { type: "crash", awayMs: awayMs(chance), ghostMs };
  }
  if (kind < 0.92) return { type: "overtaken", lateMs: chance.between(0, 400) };
  if (kind < 0.96) return { type: "leave", awayMs: awayMs(chance) };
  return { type: "awake" };
}

/** Mostly at once; sometimes long enough for a short log to forget. */
const awayMs = (chance: SeededRandom): number =>
  chance.is(0.8) ? chance.between(0, 300) : chance.between(1_500, 5_000);

function cutOf(chance: SeededRandom): Cut {
  const which = chance.is(0.7) ? "this" : "next";
  return {
    type: "cut",
    way: chance.one(["up", "down"]),
    // The handshake has about 600 bytes, a small frame 20 to 200.
    bytes: chance.is(0.2) ? 0 : chance.between(1, which === "next" ? 1_500 : 400),
    how: chance.one(["reset", "end"]),
    told: chance.one(["both", "both", "both", "client", "room"]),
    which,
  };
}

function holeOf(chance: SeededRandom): Hole {
  return {
    type: "hole",
    ways: chance.one<readonly Way[]>([["up"], ["down"], ["up", "down"]]),
    ms: chance.between(100, 4_000),
    end: chance.one(["passes", "reset"]),
  };
}

function killsOf(chance: SeededRandom, ms: number): Scheduled[] {
  const planned: Scheduled[] = [];
  let at = chance.between(1_500, 4_000);
  // A server takes some seconds to start: one that is killed all the time is never tried.
  while (at < ms) {
    planned.push({ at, trouble: { type: "kill", downMs: chance.between(0, 1_500) } });
    at += chance.between(12_000, 25_000);
  }
  return planned;
}

function hushOf(chance: SeededRandom, ms: number): Scheduled | undefined {
  if (ms < QUIESCE_FROM_MS || chance.is(0.5)) return undefined;
  const at = chance.between(8_000, ms - QUIESCE_MS - 8_000);
  return { at, trouble: { type: "hush", ms: QUIESCE_MS } };
}
