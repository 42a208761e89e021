/**
 * Who counts as online, and the news of it.
 *
 * Invariants:
 * - A name is online while it is connected or in grace. In grace it counts everywhere, so a quick return is no news.
 * - News are sets: the last state of a name wins, and a name is in one of them at most.
 * - Nothing is due in a room where nobody comes or goes.
 * - R8: everyone is told, so the larger the room the seldomer: a storm of joins costs a frame or so each, not one a peer.
 */
import { SECOND } from "../limits.ts";
import type { PeerName } from "../../protocol/ids.ts";
import type { Peers } from "./peers.ts";

// Presence
/** News of who came and went are gathered for this long, in a room of up to 1,000. */
export const PRESENCE_MS = 200;

/** Frames of presence that a larger room makes a second: there, news are gathered for longer. */
export const PRESENCE_FRAMES_PER_SECOND = 5_000;

/** How long a name counts as online after its link broke. */
export const GRACE_MS = 15 * SECOND;

/** Names in one list of `welcome` or `presence`. */
export const NAMES_LISTED = 100;

/** Plain data. */
export interface PresenceState {
  /** Names whose link broke, and until when they still count as online. In order of expiry. */
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
  /** More happened than is listed. */
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

  /** To be told after the peer was added. */
  arrived(name: PeerName, now: number): void {
    if (this.#state.grace.delete(name)) return;
    this.#announce(name, this.#state.joined, this.#state.left, now);
  }

  /** To be told after the peer was removed, unless a newer connection takes over. */
  departed(name: PeerName, clean: boolean, now: number): void {
    if (clean) this.#announce(name, this.#state.left, this.#state.joined, now);
    else this.#state.grace.set(name, now + GRACE_MS);
  }

  /** An operator dismissed the name, whether it was here or in grace. */
  dismissed(name: PeerName, now: number): void {
    if (this.#state.grace.delete(name))
      this.#announce(name, this.#state.left, this.#state.joined, now);
  }

  /** Something happened that nobody was told: everyone is told that much. */
  lost(now: number): void {
    this.#state.missed = true;
    this.#gather(now);
  }

  /** Ends what is over at `now`. @returns the news to tell, if they are due */
  takeUpdate(now: number): PresenceUpdate | undefined {
    const { grace, joined, left } = this.#state;
    for (const [name, until] of grace) {
      if (until > now) break;
      grace.delete(name);
      this.#announce(name, left, joined, now);
    }
    if (this.#state.flushAt === undefined || this.#state.flushAt > now) return undefined;
    const news = {
      joined: [...joined].slice(0, NAMES_LISTED),
      left: [...left].slice(0, NAMES_LISTED),
      online: this.online,
      missed: this.#state.missed || joined.size > NAMES_LISTED || left.size > NAMES_LISTED,
    };
    joined.clear();
    left.clear();
    this.#state.missed = false;
    this.#state.flushAt = undefined;
    return news;
  }

  /** When `news` should be asked for again, ms since 1970. */
  get due(): number | undefined {
    const { value: expiry } = this.#state.grace.values().next();
    const { flushAt } = this.#state;
    return expiry === undefined ? flushAt : Math.min(expiry, flushAt ?? expiry);
  }

  /** Adds to one list and takes from the other; a name in neither could be somebody's last, wrong news. */
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
