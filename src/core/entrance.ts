/**
 * Who may enter, and from which position: decisions about a join, without effects but for names forgotten to make room.
 *
 * Invariant (R6): every refusal has a close code and a sentence that says what to do.
 */
import type { Join } from "./event.ts";
import type { Forgetting } from "./forgetting.ts";
import type { Entry } from "./entry.ts";
import type { Limits } from "./limits.ts";
import { laterOf, type Seq } from "./names.ts";
import type { Peer } from "./peers.ts";
import type { Presence } from "./presence.ts";
import type { Directory, Known } from "./storage.ts";

export interface Closing {
  readonly code: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason: string;
}

export class Entrance {
  readonly #presence: Presence;
  readonly #directory: Directory;
  readonly #forgetting: Forgetting;
  readonly #limits: Limits;

  constructor(presence: Presence, directory: Directory, forgetting: Forgetting, limits: Limits) {
    this.#presence = presence;
    this.#directory = directory;
    this.#forgetting = forgetting;
    this.#limits = limits;
  }

  /**
   * In the order of the protocol: key, attempt, room.
   * @param fresh entries of this turn, which the log does not hold yet
   */
  refusal(
    { name, owner, session }: Join,
    known: Known | undefined,
    current: Peer | undefined,
    fresh: readonly Entry[],
    now: number,
  ): Closing | undefined {
    if (known !== undefined && known.owner !== owner) {
      const reason =
        known.owner === ""
          ? "this name was first used without a key: join without one, or choose another"
          : "this name belongs to another key: join with that key, or choose another name";
      return { code: 4003, reason };
    }
    const rival = current?.session;
    if (session && rival?.token === session.token && session.attempt <= rival.attempt) {
      return { code: 4201, reason: "overtaken: a newer attempt of this session is connected" };
    }
    const { online, names } = this.#limits;
    // Who is in grace counts as online, and keeps their place.
    if (!this.#presence.isOnline(name) && this.#presence.online >= online) {
      return { code: 4100, reason: `the room is full, ${online} are online: come back later` };
    }
    if (known !== undefined || this.#directory.count() < names) return undefined;
    if (this.#forgetting.makeRoom(fresh, now)) return undefined;
    const reason = `the room knows ${names} names and can forget none: use one of them, or come back later`;
    return { code: 4100, reason };
  }
}

/**
 * The cursor in use. An explicit one of this epoch wins over the room's own, backwards too.
 * @param own   the room's own cursor for the name, at or above its birth
 * @param room  the head and the epoch
 */
export function cursorInUse(
  { since, epoch }: Join,
  own: Seq,
  birth: Seq,
  room: { readonly head: Seq; readonly epoch: string },
): Seq {
  if (since === undefined || since > room.head) return own;
  // `since=0` alone: all that still concerns this owner, and no gap for what never did.
  if (epoch === undefined) return laterOf(since, birth);
  return epoch === room.epoch ? since : own;
}
