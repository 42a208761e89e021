/** What the three say: a hundred messages, by turns, some for everyone and some for one person. Pure. */
import type { Sent } from "./checker.ts";

export const NAMES = ["alice", "bob", "carol"] as const;
export type Name = (typeof NAMES)[number];

export interface Line extends Sent {
  readonly from: Name;
}

/** @param number from 1; each gives another text */
export function lineOf(number: number): Line {
  const from = nameAt(number);
  const text = `message ${String(number)}, from ${from}`;
  // Of twelve lines in a row, each says two for everyone and one for each of the others.
  if (number % 4 === 1) return { from, text, to: [nameAt(number + 1)] };
  if (number % 4 === 3) return { from, text, to: [nameAt(number + 2)] };
  return { from, text };
}

/** What each says last, for everyone. */
export function lastLineOf(from: Name): Line {
  return { from, text: `good night, from ${from}` };
}

function nameAt(number: number): Name {
  return NAMES[number % NAMES.length] ?? NAMES[0];
}
