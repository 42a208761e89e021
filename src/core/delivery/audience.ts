/** Which of a turn's entries concern whom. */
import { type Entry, isOperatorPatch } from "../entry.ts";
import type { PeerName } from "../../protocol/ids.ts";

/** The entries of one turn, in order. */
export interface TurnAudience {
  /** The entries for everyone: what a name without a list of its own gets. */
  readonly everyone: Entry[];
  /** Of each name that sent or was sent an addressed entry: all that concern it. */
  readonly personal: ReadonlyMap<PeerName, Entry[]>;
}

export function audienceOf(entries: readonly Entry[]): TurnAudience {
  const everyone: Entry[] = [];
  const personal = new Map<PeerName, Entry[]>();
  for (const entry of entries) {
    const { to, from } = entry;
    if (to === undefined) continue;
    if (!personal.has(from) && !isOperatorPatch(entry)) personal.set(from, []);
    for (const name of to) if (!personal.has(name)) personal.set(name, []);
  }
  for (const entry of entries) {
    if (entry.to === undefined) {
      everyone.push(entry);
      for (const list of personal.values()) list.push(entry);
    } else {
      const author = isOperatorPatch(entry) ? undefined : entry.from;
      if (author !== undefined) personal.get(author)?.push(entry);
      for (const name of entry.to) if (name !== author) personal.get(name)?.push(entry);
    }
  }
  return { everyone, personal };
}
