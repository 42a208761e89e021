/**
 * Links that look alive and are not: found by what the peer fails to say. (What it fails to acknowledge is the pump's.)
 *
 * Invariant (R9): nothing here runs in a silent room; the ages of pings are looked at when somebody comes or goes.
 */
import { PING_AGE_MS, PING_CHECK_MS } from "./limits.ts";
import type { Connections } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import type { BrokerState } from "./state.ts";

export class Liveness {
  readonly #peers: Peers;
  readonly #connections: Connections;
  readonly #state: Pick<BrokerState, "pingsCheckedAt">;

  constructor(peers: Peers, connections: Connections, state: BrokerState) {
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
      return Math.max(upTo(now, pinged), peer.heardAt) + PING_AGE_MS < now;
    });
  }
}

/** A `ping` of the future was before the clock was set back: `heardAt` knows of it (rebase.ts). */
const upTo = (now: number, pinged: number): number => (pinged > now ? 0 : pinged);
