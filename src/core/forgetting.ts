/**
 * Which names the room forgets when it knows too many.
 *
 * Invariants:
 * - Nobody online is forgotten, nor anybody for whom messages wait, unless they have been away for long.
 * - A search reads the whole directory, so a flood of strangers gets at most one a minute.
 */
import { concerns, type Entry } from "./entry.ts";
import { FORGET_AWAY_MS, FORGET_SEARCH_MS } from "./limits.ts";
import type { PeerName, Seq } from "./names.ts";
import type { Presence } from "./presence.ts";
import type { Directory, Log } from "./storage.ts";

/** Plain data. */
export interface ForgettingState {
  /** Found by the last search and not used yet, best last. */
  candidates: PeerName[];
  /** The head at the last search: what came since may wait for a candidate. */
  searchedHead: Seq;
  searchedAt: number;
}

export const noCandidates = (): ForgettingState => ({
  candidates: [],
  searchedHead: 0 as Seq,
  searchedAt: Number.NEGATIVE_INFINITY,
});

export class Forgetting {
  readonly #log: Log;
  readonly #directory: Directory;
  readonly #presence: Presence;
  readonly #state: ForgettingState;

  constructor(log: Log, directory: Directory, presence: Presence, state: ForgettingState) {
    this.#log = log;
    this.#directory = directory;
    this.#presence = presence;
    this.#state = state;
  }

  /**
   * Forgets one name, if there is one to forget.
   * @param fresh entries of this turn, which the log does not hold yet
   */
  makeRoom(fresh: readonly Entry[], now: number): boolean {
    const state = this.#state;
    if (this.#forgetNext(fresh, now)) return true;
    if (now - state.searchedAt < FORGET_SEARCH_MS) return false;
    state.candidates = this.#directory.forgettable(now - FORGET_AWAY_MS).reverse();
    state.searchedHead = this.#log.head;
    state.searchedAt = now;
    return this.#forgetNext(fresh, now);
  }

  #forgetNext(fresh: readonly Entry[], now: number): boolean {
    for (;;) {
      const name = this.#state.candidates.pop();
      if (name === undefined) return false;
      if (!this.#mayForget(name, fresh, now)) continue;
      this.#directory.forget(name);
      return true;
    }
  }

  #mayForget(name: PeerName, fresh: readonly Entry[], now: number): boolean {
    const known = this.#directory.find(name);
    if (known === undefined || this.#presence.isOnline(name)) return false;
    if (known.seen < now - FORGET_AWAY_MS) return true;
    if (known.seen > this.#state.searchedAt) return false;
    const { end, entries } = this.#log.after(this.#state.searchedHead, name);
    for (const some of [entries, fresh]) {
      for (const entry of some) if (concerns(entry, name)) return false;
    }
    return end >= this.#log.head;
  }
}
