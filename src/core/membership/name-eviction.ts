/**
 * The eviction of names when the room knows too many.
 *
 * Invariants:
 * - No name that is online is evicted, and none for which messages wait, unless it has been away for `EVICT_AWAY_MS`.
 * - A search reads the whole directory, so a flood of new names causes at most one a minute. Later entries are noted as
 *   they come, not searched for.
 */
import { type Entry, namesOf } from "../entry.ts";
import type { PeerName } from "../../protocol/ids.ts";
import type { Presence } from "../peers/presence.ts";
import type { Candidate, Directory } from "../ports.ts";
import { DAY, SECOND } from "../limits.ts";

/** A name that has been away for this long may be evicted although messages wait for it. */
export const EVICT_AWAY_MS = 30 * DAY;

/** The least time between two searches for names to evict. */
export const EVICT_SEARCH_MS = 60 * SECOND;

/** Plain data. */
export interface EvictionState {
  /** Found by the last search and not used yet, best last. */
  candidates: Candidate[];
  searchedAt: number;
  /** Since the last search there was an entry for everyone, or for these names. */
  everyone: boolean;
  readonly concerned: Set<PeerName>;
}

export const initialEviction = (): EvictionState => ({
  candidates: [],
  searchedAt: Number.NEGATIVE_INFINITY,
  everyone: false,
  concerned: new Set(),
});

export class NameEviction {
  readonly #directory: Directory;
  readonly #presence: Presence;
  readonly #state: EvictionState;

  constructor(directory: Directory, presence: Presence, state: EvictionState) {
    this.#directory = directory;
    this.#presence = presence;
    this.#state = state;
  }

  /** Notes an entry: it waits for the names that it concerns. Call it for every entry. */
  onEntry(entry: Entry): void {
    if (this.#state.candidates.length === 0) return;
    if (entry.to === undefined) this.#state.everyone = true;
    else for (const name of namesOf(entry)) this.#state.concerned.add(name);
  }

  /**
   * Evicts one name, if one may be evicted.
   * @param fresh entries of this turn, which a search does not find yet
   */
  evictOne(fresh: readonly Entry[], now: number): boolean {
    const state = this.#state;
    if (this.#evictNext(now)) return true;
    if (now - state.searchedAt < EVICT_SEARCH_MS) return false;
    state.candidates = this.#directory.forgettable(now - EVICT_AWAY_MS).reverse();
    state.searchedAt = now;
    state.everyone = false;
    state.concerned.clear();
    for (const entry of fresh) this.onEntry(entry);
    return this.#evictNext(now);
  }

  #evictNext(now: number): boolean {
    for (;;) {
      const candidate = this.#state.candidates.pop();
      if (candidate === undefined) return false;
      if (!this.#mayEvict(candidate, now)) continue;
      this.#directory.forget(candidate.name);
      return true;
    }
  }

  #mayEvict({ name, seen }: Candidate, now: number): boolean {
    if (this.#presence.isOnline(name)) return false;
    const { everyone, concerned } = this.#state;
    const waits = everyone || concerned.has(name);
    if (waits && seen >= now - EVICT_AWAY_MS) return false;
    // A name that joined or left since the search, or in the same turn, is not what the search found.
    return this.#directory.find(name)?.seen === seen;
  }
}
