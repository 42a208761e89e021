/** The messages of the scenario: a hundred, sent in turns, some for everyone and some for one person. Pure. */
import type { Sent } from "./checker.ts";

export const NAMES = ["alice", "bob", "carol"] as const;
export type Name = (typeof NAMES)[number];

export interface ScriptMessage extends Sent {
  readonly from: Name;
}

/** @param number from 1; each number has its own text */
export function messageOf(number: number): ScriptMessage {
  const from = nameAt(number);
  const text = `message ${String(number)}, from ${from}`;
  // In twelve consecutive messages, each participant sends two to everyone and one to each of the others.
  if (number % 4 === 1) return { from, text, to: [nameAt(number + 1)] };
  if (number % 4 === 3) return { from, text, to: [nameAt(number + 2)] };
  return { from, text };
}

/** The last message of a participant, for everyone. */
export function lastMessageOf(from: Name): ScriptMessage {
  return { from, text: `good night, from ${from}` };
}

function nameAt(number: number): Name {
  return NAMES[number % NAMES.length] ?? NAMES[0];
}
