/**
 * Links that look alive and are not: found by what the peer fails to say. (What it fails to acknowledge is the pump's.)
 *
 * Invariant (R9): nothing here runs in a silent room; the ages of pings are looked at when somebody comes or goes.
 */
import type { Connections } from "../ports.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import { SECOND } from "../limits.ts";

/** A `ping` older than this means a dead link; a client that never pinged is not judged so. */
export const PING_AGE_MS = 150 * SECOND;

/** The least time between two looks at the age of everyone's `ping`. */
export const PING_CHECK_MS = 15 * SECOND;

/** Plain data. */
export interface LivenessState {
  /** When everyone's last `ping` was looked at, ms since 1970. */
  pingsCheckedAt: number;
}

export class Liveness {
  readonly #peers: Peers;
  readonly #connections: Connections;
  readonly #state: LivenessState;

  constructor(peers: Peers, connections: Connections, state: LivenessState) {
    this.#peers = peers;
    this.#connections = connections;
    this.#state = state;
  }

  /** Peers whose last sign of life, a `ping` at least, is too old. Who never pinged is not judged so. */
  silent(now: number): Peer[] {
    if (now - this.#state.pingsCheckedAt < PING_CHECK_MS) return [];
    this.#state.pingsCheckedAt = now;
    return [...this.#peers.values()].filter((peer) => {
      const pinged = this.#connections.pinged(peer.link.id);
      if (pinged === undefined) return false;
      return Math.max(upTo(now, pinged), peer.lastHeardAt) + PING_AGE_MS < now;
    });
  }
}

/** A `ping` of the future was before the clock was set back: `heardAt` knows of it (rebase.ts). */
const upTo = (now: number, pinged: number): number => (pinged > now ? 0 : pinged);
