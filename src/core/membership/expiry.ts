/**
 * Keys that expire while their connection is open.
 *
 * Invariants:
 * - A connection whose key has expired is ended before anything is taken from it or handed to it: at the beginning of
 *   the turn in which either would happen.
 * - R9: nothing waits for an expiry. In a silent room a connection outlives its key, and has nothing of it.
 */
import type { Peer, Peers } from "../peers/peers.ts";

/** Plain data. */
export interface ExpiryState {
  /** No key expires before this, ms since 1970. */
  expiresFrom: number;
}

export class Expiry {
  readonly #peers: Peers;
  readonly #state: ExpiryState;

  constructor(peers: Peers, state: ExpiryState) {
    this.#peers = peers;
    this.#state = state;
  }

  /** To be told of every peer that is added. */
  watch({ expiresAt }: Peer): void {
    this.#state.expiresFrom = Math.min(this.#state.expiresFrom, expiresAt ?? Infinity);
  }

  /** The peers whose key has expired. Looks at everyone only when somebody's has. */
  expired(now: number): Peer[] {
    if (now < this.#state.expiresFrom) return [];
    this.#state.expiresFrom = Infinity;
    const expired: Peer[] = [];
    for (const peer of this.#peers.values()) {
      if (isExpired(peer, now)) expired.push(peer);
      else this.watch(peer);
    }
    return expired;
  }
}

export const isExpired = (
  { expiresAt }: { readonly expiresAt?: number | undefined },
  now: number,
): boolean => expiresAt !== undefined && expiresAt <= now;
