/** What members say: each text once, to everyone, to some, or to somebody who is not there. */
import type { SentMessage } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A name that nobody ever has here. */
const NOBODY = "nobody";
/** Characters that cost one, two, three and four bytes. */
const FILLING = ["x", "é", "語", "🦀"];

export type Line = Omit<SentMessage, "fate">;

/**
 * The next thing that `from` says.
 * @param number which makes its text unlike any other of `from`
 */
export function lineOf(
  chance: SeededRandom,
  from: string,
  number: number,
  names: readonly string[],
): Line {
  // Mostly short; now and then it fills many packets, or many small ones fit one frame.
  const length = chance.is(0.1) ? chance.between(500, 2_000) : chance.between(0, 30);
  const text = `${from} ${number} ${chance.one(FILLING).repeat(length)}`.trim();
  const kind = chance.next();
  if (kind < 0.5) return { text, isWrong: false };
  if (kind < 0.95) {
    const to = new Set([chance.one(names), chance.one(names)]);
    return { text, to: [...to], isWrong: false };
  }
  return { text, to: [chance.one(names), NOBODY], isWrong: true };
}

/** ms until it says the next: mostly a pause, sometimes none. */
export const pauseOf = (chance: SeededRandom): number =>
  chance.is(0.25) ? chance.between(0, 5) : chance.between(50, 500);
