/** The messages that members send: each text once; to everyone, to some, or to an unknown name. */
import type { SentMessage } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A name that no client ever has. */
const NOBODY = "nobody";
/** Characters of one, two, three and four bytes in UTF-8. */
const FILL_CHARACTERS = ["x", "é", "語", "🦀"];

export type NewMessage = Omit<SentMessage, "fate">;

/**
 * Returns the next message of `from`.
 * @param number makes its text unique for `from`
 */
export function nextMessage(
  random: SeededRandom,
  from: string,
  number: number,
  names: readonly string[],
): NewMessage {
  // Mostly short; some fill several packets.
  const length = random.chance(0.1) ? random.between(500, 2_000) : random.between(0, 30);
  const text = `${from} ${number} ${random.pick(FILL_CHARACTERS).repeat(length)}`.trim();
  const kind = random.next();
  if (kind < 0.5) return { text, isInvalid: false };
  if (kind < 0.95) {
    const to = new Set([random.pick(names), random.pick(names)]);
    return { text, to: [...to], isInvalid: false };
  }
  return { text, to: [random.pick(names), NOBODY], isInvalid: true };
}

/** Returns the ms until the next message: mostly a pause, sometimes none. */
export const pauseOf = (random: SeededRandom): number =>
  random.chance(0.25) ? random.between(0, 5) : random.between(50, 500);
