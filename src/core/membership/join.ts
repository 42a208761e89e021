/**
 * The way in: who may enter, from which position, and the welcome.
 *
 * Invariants:
 * - R1: whoever holds the name's key takes it over from the older connection in one step; an overtaken handshake loses.
 * - R6: every refusal has a close code and a sentence that says what to do, in the order key, attempt, room.
 * - The birth of a name is set when it is claimed, and never again while it is known.
 */
import type { Entry } from "../entry.ts";
import type { Join } from "../event.ts";
import { type Expiry, isExpired } from "./expiry.ts";
import type { NameEviction } from "./name-eviction.ts";
import { type Limits } from "../limits.ts";
import { type ConnectionId, maxSeq, type Seq } from "../../protocol/ids.ts";
import type { AuditBuffer } from "../audit-log.ts";
import type { TurnOutput } from "../delivery/outbox.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import type { Presence } from "../peers/presence.ts";
import type { Pump } from "../delivery/pump.ts";
import { timingSafeEqual } from "../timing-safe-equal.ts";
import { notAfter } from "../peers/log-quota.ts";
import { type QuotaUsage } from "../ports.ts";
import { newPeer } from "../peers/peers.ts";
import type { MemberRecord, Storage } from "../ports.ts";
import { CLOSE, type CloseFrame } from "../../protocol/close-codes.ts";
import { EXPIRED, REPLACED } from "../close-frames.ts";
import { SECOND } from "../limits.ts";
import { DAY } from "../limits.ts";

/** How old the room's knowledge of when a name was last seen may get before a join renews it. */
export const SEEN_AGE_MS = DAY;

/**
 * ms over which clients scatter a first reconnect: 5 ms a peer, at most 30 s for up to 25,000 peers. Beyond that it grows
 * with the room, 1.2 ms a peer, so that no more than 833 handshakes a second come back.
 */
export const spreadMs = (online: number): number =>
  Math.min(30 * SECOND * Math.max(1, online / SPREAD_PEERS), online * 5);

/** Peers up to which a first reconnect takes 30 s at most; at 5 ms a peer that is reached by 6,000. */
const SPREAD_PEERS = 25_000;

interface Surroundings {
  readonly peers: Peers;
  readonly presence: Presence;
  readonly pump: Pump;
  readonly outbox: TurnOutput;
  readonly notes: AuditBuffer;
  readonly forgetting: NameEviction;
  readonly expiry: Expiry;
  readonly storage: Storage;
  readonly limits: Limits;
  readonly epoch: string;
}

export class JoinHandler {
  readonly #at: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#at = surroundings;
  }

  /**
   * Welcomes a connection, or turns it away.
   * @param fresh entries of this turn, which the log does not hold yet
   */
  join(id: ConnectionId, join: Join, fresh: readonly Entry[], now: number): void {
    const { peers, presence, pump, outbox, notes, storage, epoch, expiry } = this.#at;
    const { room, name, dialect, session, expiresAt } = join;
    const known = storage.directory.find(name);
    const current = peers.get(name);
    const refusal = this.#refusal(join, known, current, fresh, now);
    const who = { name, connection: id };
    if (refusal !== undefined) {
      notes.add({ event: "refusal", ...who, code: refusal.code });
      return outbox.refuse(id, refusal.code, refusal.reason);
    }

    const head = fresh.at(-1)?.seq ?? storage.log.head;
    const { birth, own, spent } = this.#claimName(join, known, current, head, now);
    const since = cursorInUse(join, maxSeq(own, birth), birth, { head, epoch });
    if (current !== undefined) {
      // The takeover. It is no news: the name never went away.
      peers.remove(current.link);
      pump.release(current);
      outbox.close(current, REPLACED.code, REPLACED.reason);
    }
    const link = { name, id };
    const memo = {
      link,
      room,
      dialect,
      session,
      expiresAt,
      birth,
      welcomeHead: head,
      ready: false,
    };
    const peer = newPeer({ ...memo, acked: since, spent, tail: 0 }, since === head, now);
    peers.add(peer);
    expiry.watch(peer);
    if (current === undefined) {
      presence.arrived(name, now);
      notes.add({ event: "join", ...who, dialect, online: presence.online });
    } else notes.add({ event: "takeover", ...who, dialect, replaced: current.link.id });

    outbox.open(peer);
    const { online } = presence;
    const crowd = { online, peers: presence.listNames(name), spread: spreadMs(online) };
    outbox.stage(peer, { type: "welcome", room, name, epoch, head, since, ...crowd }, 0);
    // The name was forgotten in between: what it missed until its new birth is gone for it.
    if (since < birth) pump.gap(peer, birth, now);
    pump.schedule(peer);
  }

  /** @returns the name's birth, the room's own cursor for it, and what it has added to the log of late */
  #claimName(
    { name, owner }: Join,
    known: MemberRecord | undefined,
    current: Peer | undefined,
    head: Seq,
    now: number,
  ): { birth: Seq; own: Seq; spent: QuotaUsage } {
    const { pump, storage } = this.#at;
    if (known === undefined) {
      storage.directory.claim(name, { owner, birth: head, cursor: head, seen: now, spent: [] });
      return { birth: head, own: head, spent: [] };
    }
    const own = current === undefined ? known.cursor : pump.cursorOf(current);
    const spent = notAfter(current?.quotaUsed ?? known.spent, now);
    // Somebody whose links always end in a crash is never seen to leave.
    if (known.seen < now - SEEN_AGE_MS) {
      storage.directory.save(name, { cursor: own, seen: now, spent });
    }
    return { birth: known.birth, own, spent };
  }

  #refusal(
    join: Join,
    known: MemberRecord | undefined,
    current: Peer | undefined,
    fresh: readonly Entry[],
    now: number,
  ): CloseFrame | undefined {
    const { name, owner, session } = join;
    if (known !== undefined && !timingSafeEqual(owner, known.owner)) {
      const reason =
        known.owner === ""
          ? "this name was first used without a key: join without one, or choose another"
          : "this name belongs to another key: join with that key, or choose another name";
      return { code: CLOSE.FORBIDDEN, reason };
    }
    // It was valid when the Worker looked.
    if (isExpired(join, now)) return EXPIRED;
    const rival = current?.session;
    if (session && rival?.token === session.token && session.attempt <= rival.attempt) {
      return {
        code: CLOSE.STALE,
        reason: "overtaken: a newer attempt of this session is connected",
      };
    }
    const { presence, storage, forgetting, limits } = this.#at;
    // Who is in grace counts as online, and keeps their place.
    if (!presence.isOnline(name) && presence.online >= limits.online) {
      const reason = `the room is full, ${limits.online} are online: come back later`;
      return { code: CLOSE.FULL, reason };
    }
    if (known !== undefined || storage.directory.count() < limits.names) return undefined;
    if (forgetting.evictOne(fresh, now)) return undefined;
    const reason = `the room knows ${limits.names} names and can forget none: use one of them, or come back later`;
    return { code: CLOSE.FULL, reason };
  }
}

/**
 * The cursor in use. An explicit one of this epoch wins over the room's own, backwards too.
 * @param own   the room's own cursor for the name, at or above its birth
 * @param room  the head and the epoch
 */
function cursorInUse(
  { since, epoch }: Join,
  own: Seq,
  birth: Seq,
  room: { readonly head: Seq; readonly epoch: string },
): Seq {
  if (since === undefined || since > room.head) return own;
  // `since=0` alone: all that still concerns this owner, and no gap for what never did.
  if (epoch === undefined) return maxSeq(since, birth);
  return epoch === room.epoch ? since : own;
}
