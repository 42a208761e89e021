/**
 * Which names count as online, and the updates to broadcast.
 *
 * Invariants:
 * - A name is online while it is connected or in grace. In grace it counts everywhere, so a quick return is not announced.
 * - An update is two sets: the last state of a name wins, and a name is in at most one of them.
 * - Nothing is due in a room where no peer joins or leaves.
 * - R8: presence is broadcast, so the interval grows with the room: a join storm costs about one frame per peer, not one
 *   per join and peer.
 */
import { SECOND } from "../limits.ts";
import type { PeerName } from "../../protocol/ids.ts";
import type { Peers } from "./peers.ts";

// Presence
/** How long joins and leaves are gathered for one update, in a room of up to 1,000. */
export const PRESENCE_MS = 200;

/** Frames of presence that a larger room sends a second: there, an update is gathered for longer. */
export const PRESENCE_FRAMES_PER_SECOND = 5_000;

/** How long a name counts as online after its connection broke. */
export const GRACE_MS = 15 * SECOND;

/** Names in one list of `welcome` or `presence`. */
export const NAMES_LISTED = 100;

/** Plain data. */
export interface PresenceState {
  /** Names whose connection broke, and until when they still count as online. In order of expiry. */
  readonly grace: Map<PeerName, number>;
  readonly joined: Set<PeerName>;
  readonly left: Set<PeerName>;
  missed: boolean;
  flushAt: number | undefined;
}

export interface PresenceUpdate {
  readonly joined: readonly PeerName[];
  readonly left: readonly PeerName[];
  readonly online: number;
  /** More joined or left than is listed. */
  readonly missed: boolean;
}

export const initialPresence = (): PresenceState => ({
  grace: new Map(),
  joined: new Set(),
  left: new Set(),
  missed: false,
  flushAt: undefined,
});

export class Presence {
  readonly #peers: Peers;
  readonly #state: PresenceState;

  constructor(peers: Peers, state: PresenceState) {
    this.#peers = peers;
    this.#state = state;
  }

  get online(): number {
    return this.#peers.size + this.#state.grace.size;
  }

  isOnline(name: PeerName): boolean {
    return this.#peers.get(name) !== undefined || this.#state.grace.has(name);
  }

  /** Up to `NAMES_LISTED` names that are online, `self` among them. */
  listNames(self: PeerName): PeerName[] {
    const names = [self];
    for (const some of [this.#peers.names(), this.#state.grace.keys()]) {
      for (const name of some) {
        if (names.length === NAMES_LISTED) return names;
        if (name !== self) names.push(name);
      }
    }
    return names;
  }

  /** Call it after the peer was added. */
  arrived(name: PeerName, now: number): void {
    if (this.#state.grace.delete(name)) return;
    this.#announce(name, this.#state.joined, this.#state.left, now);
  }

  /** Call it after the peer was removed, unless a newer connection takes over. */
  departed(name: PeerName, clean: boolean, now: number): void {
    if (clean) this.#announce(name, this.#state.left, this.#state.joined, now);
    else this.#state.grace.set(name, now + GRACE_MS);
  }

  /** An operator removed the name, whether it was connected or in grace. */
  dismissed(name: PeerName, now: number): void {
    if (this.#state.grace.delete(name))
      this.#announce(name, this.#state.left, this.#state.joined, now);
  }

  /** Joins or leaves were lost: the next update says so. */
  lost(now: number): void {
    this.#state.missed = true;
    this.#gather(now);
  }

  /** Ends the graces that are over at `now`. @returns the update to broadcast, if one is due */
  takeUpdate(now: number): PresenceUpdate | undefined {
    const { grace, joined, left } = this.#state;
    for (const [name, until] of grace) {
      if (until > now) break;
      grace.delete(name);
      this.#announce(name, left, joined, now);
    }
    if (this.#state.flushAt === undefined || this.#state.flushAt > now) return undefined;
    const update = {
      joined: [...joined].slice(0, NAMES_LISTED),
      left: [...left].slice(0, NAMES_LISTED),
      online: this.online,
      missed: this.#state.missed || joined.size > NAMES_LISTED || left.size > NAMES_LISTED,
    };
    joined.clear();
    left.clear();
    this.#state.missed = false;
    this.#state.flushAt = undefined;
    return update;
  }

  /** When `takeUpdate` is due next, ms since 1970. */
  get due(): number | undefined {
    const { value: expiry } = this.#state.grace.values().next();
    const { flushAt } = this.#state;
    return expiry === undefined ? flushAt : Math.min(expiry, flushAt ?? expiry);
  }

  /**
   * Adds to one list and removes from the other. A name always stays in one: dropping a join and a leave that cancel out
   * could leave some peer with the wrong last state.
   */
  #announce(name: PeerName, list: Set<PeerName>, other: Set<PeerName>, now: number): void {
    other.delete(name);
    list.add(name);
    this.#gather(now);
  }

  #gather(now: number): void {
    const fair = (this.#peers.size / PRESENCE_FRAMES_PER_SECOND) * SECOND;
    this.#state.flushAt ??= now + Math.max(PRESENCE_MS, Math.ceil(fair));
  }
}
