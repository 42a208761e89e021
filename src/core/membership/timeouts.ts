/**
 * Peers whose time is over: the key has expired, the acks or the pings stay away.
 *
 * Invariants:
 * - A connection whose key has expired is closed before anything is taken from it or sent to it: at the beginning of the
 *   turn in which either would happen.
 * - R9: nothing here runs in a silent room. No timer waits for a key to expire: there, a connection stays open beyond that,
 *   and gets nothing. The age of pings is checked when peers join or leave.
 */
import type { FlowState } from "../delivery/flow-control.ts";
import { SECOND, STALL_MS } from "../limits.ts";
import { countInFlight } from "../peers/in-flight.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import type { Connections } from "../ports.ts";

/** A `ping` older than this means a dead link. A client that never sent `ping` is not closed for that. */
export const PING_AGE_MS = 150 * SECOND;

/** The least time between two checks of the age of all pings. */
export const PING_CHECK_MS = 15 * SECOND;

/** Plain data. */
export interface TimeoutState {
  readonly flow: Pick<FlowState, "flightBytes" | "marks" | "stallAt">;
  /** No key expires before this, ms since 1970. */
  expiresFrom: number;
  /** When the pings were last checked, ms since 1970. */
  pingsCheckedAt: number;
}

export class Timeouts {
  readonly #peers: Peers;
  readonly #connections: Connections;
  readonly #state: TimeoutState;

  constructor(peers: Peers, connections: Connections, state: TimeoutState) {
    this.#peers = peers;
    this.#connections = connections;
    this.#state = state;
  }

  /** Notes when the key of a new peer expires. */
  track({ expiresAt }: Peer): void {
    this.#state.expiresFrom = Math.min(this.#state.expiresFrom, expiresAt ?? Infinity);
  }

  /** Returns the peers whose key has expired. Walks over all peers only when a key has. */
  expired(now: number): Peer[] {
    if (now < this.#state.expiresFrom) return [];
    this.#state.expiresFrom = Infinity;
    const expired: Peer[] = [];
    for (const peer of this.#peers.values()) {
      if (isExpired(peer, now)) expired.push(peer);
      else this.track(peer);
    }
    return expired;
  }

  /** Returns the peers that have had something in flight, or a mark to show, and acknowledged nothing for `STALL_MS`. */
  stalled(now: number): Peer[] {
    const { stallDue } = this;
    if (stallDue === undefined || stallDue > now) return [];
    let next = now + STALL_MS;
    const stalled: Peer[] = [];
    for (const peer of this.#peers.values()) {
      if (countInFlight(peer.flight) === 0 && peer.marks.length === 0) continue;
      if (peer.lastAckAt + STALL_MS <= now) stalled.push(peer);
      else next = Math.min(next, peer.lastAckAt + STALL_MS);
    }
    this.#state.flow.stallAt = next;
    return stalled;
  }

  /** When `stalled` is due next, ms since 1970; undefined if nothing is in flight and no mark is to be shown. */
  get stallDue(): number | undefined {
    const { flightBytes, marks, stallAt } = this.#state.flow;
    return flightBytes > 0 || marks > 0 ? stallAt : undefined;
  }

  /** Returns the peers whose last sign of life, a `ping` at least, is older than `PING_AGE_MS`. */
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

export const isExpired = (
  { expiresAt }: { readonly expiresAt?: number | undefined },
  now: number,
): boolean => expiresAt !== undefined && expiresAt <= now;

/** A `ping` in the future was sent before the clock was set back; `lastHeardAt` includes it (clock.ts). */
const upTo = (now: number, pinged: number): number => (pinged > now ? 0 : pinged);
