/**
 * The way in: which connections may join, from which position, and the welcome.
 *
 * Invariants:
 * - R1: a connection with the key of the name takes over from the older connection in one step; an overtaken handshake
 *   loses.
 * - R6: every rejection has a close code and a sentence that says what to do, checked in the order key, attempt, room.
 * - The birth of a name is set when it is claimed, and never again while the name is known.
 */
import { CLOSE, type CloseFrame } from "../../protocol/close-codes.ts";
import { type ConnectionId, maxSeq, type Seq } from "../../protocol/ids.ts";
import { EXPIRED, REPLACED } from "../close-frames.ts";
import type { RoomContext } from "../context.ts";
import type { Join } from "../event.ts";
import { DAY, SECOND } from "../limits.ts";
import { notAfter } from "../peers/log-quota.ts";
import { newPeer, type Peer } from "../peers/peers.ts";
import type { MemberRecord, QuotaUsage } from "../ports.ts";
import { timingSafeEqual } from "../timing-safe-equal.ts";
import { leave } from "./leave.ts";
import type { NameEviction } from "./name-eviction.ts";
import { isExpired, type Timeouts } from "./timeouts.ts";

/** How old the stored time at which a name was last seen may get before a join renews it. */
export const SEEN_AGE_MS = DAY;

/** Peers up to which a first reconnect takes 30 s at most; at 5 ms a peer, 6,000 peers reach that. */
const SPREAD_PEERS = 25_000;

/**
 * ms over which clients scatter a first reconnect: 5 ms a peer, at most 30 s for up to 25,000 peers. Beyond that it grows
 * with the room, 1.2 ms a peer, so that at most 833 handshakes a second arrive.
 */
export const spreadMs = (online: number): number =>
  Math.min(30 * SECOND * Math.max(1, online / SPREAD_PEERS), online * 5);

export class JoinHandler {
  readonly #context: RoomContext;
  readonly #eviction: NameEviction;
  readonly #timeouts: Timeouts;

  constructor(context: RoomContext, eviction: NameEviction, timeouts: Timeouts) {
    this.#context = context;
    this.#eviction = eviction;
    this.#timeouts = timeouts;
  }

  /** Welcomes a connection, or rejects it. */
  join(id: ConnectionId, join: Join, now: number): void {
    const { peers, presence, pump, output, audit, storage, epoch, entries } = this.#context;
    const { room, name, dialect, session, expiresAt } = join;
    const record = storage.directory.find(name);
    const current = peers.get(name);
    const rejection = this.#rejection(join, record, current, now);
    const who = { name, connection: id };
    if (rejection !== undefined) {
      audit.add({ event: "refusal", ...who, code: rejection.code });
      return output.refuse(id, rejection.code, rejection.reason);
    }

    const { head } = entries;
    const { birth, own, spent } = this.#claimName(join, record, current, head, now);
    const since = cursorInUse(join, maxSeq(own, birth), birth, { head, epoch });
    if (current !== undefined)
      leave(this.#context, current.link, { type: "replaced", ...REPLACED }, now);
    const link = { name, id };
    const identity = { link, room, dialect, session, expiresAt, birth, welcomeHead: head };
    const snapshot = { ...identity, ready: false, acked: since, spent, tail: 0 };
    const peer = newPeer(snapshot, since === head, now);
    peers.add(peer);
    this.#timeouts.track(peer);
    if (current === undefined) {
      presence.arrived(name, now);
      audit.add({ event: "join", ...who, dialect, online: presence.online });
    } else audit.add({ event: "takeover", ...who, dialect, replaced: current.link.id });

    output.open(peer);
    const { online } = presence;
    const crowd = { online, peers: presence.listNames(name), spread: spreadMs(online) };
    output.stage(peer, { type: "welcome", room, name, epoch, head, since, ...crowd }, 0);
    // The name was evicted and claimed again: what it missed until its new birth is lost to it.
    if (since < birth) pump.gap(peer, birth, now);
    pump.schedule(peer);
  }

  /** Claims a new name. @returns the name's birth, the room's own cursor for it, and its quota used */
  #claimName(
    { name, owner }: Join,
    record: MemberRecord | undefined,
    current: Peer | undefined,
    head: Seq,
    now: number,
  ): { birth: Seq; own: Seq; spent: QuotaUsage } {
    const { pump, storage } = this.#context;
    if (record === undefined) {
      storage.directory.claim(name, { owner, birth: head, cursor: head, seen: now, spent: [] });
      return { birth: head, own: head, spent: [] };
    }
    const own = current === undefined ? record.cursor : pump.cursorOf(current);
    const spent = notAfter(current?.quotaUsed ?? record.spent, now);
    // A name whose connections all end in a crash of the room is never saved on leaving.
    if (record.seen < now - SEEN_AGE_MS) {
      storage.directory.save(name, { cursor: own, seen: now, spent });
    }
    return { birth: record.birth, own, spent };
  }

  #rejection(
    join: Join,
    record: MemberRecord | undefined,
    current: Peer | undefined,
    now: number,
  ): CloseFrame | undefined {
    const { name, owner, session } = join;
    if (record !== undefined && !timingSafeEqual(owner, record.owner)) {
      const reason =
        record.owner === ""
          ? "this name was first used without a key: join without one, or choose another"
          : "this name belongs to another key: join with that key, or choose another name";
      return { code: CLOSE.FORBIDDEN, reason };
    }
    // The Worker checked it before queueing; it may have expired since.
    if (isExpired(join, now)) return EXPIRED;
    const rival = current?.session;
    if (session && rival?.token === session.token && session.attempt <= rival.attempt) {
      const reason = "overtaken: a newer attempt of this session is connected";
      return { code: CLOSE.STALE, reason };
    }
    const { entries, presence, storage, limits } = this.#context;
    // A name in grace counts as online, and keeps its place.
    if (!presence.isOnline(name) && presence.online >= limits.online) {
      const reason = `the room is full, ${limits.online} are online: come back later`;
      return { code: CLOSE.FULL, reason };
    }
    if (record !== undefined || storage.directory.count() < limits.names) return undefined;
    if (this.#eviction.evictOne(entries.all, now)) return undefined;
    const reason = `the room knows ${limits.names} names and can forget none: use one of them, or come back later`;
    return { code: CLOSE.FULL, reason };
  }
}

/**
 * Returns the cursor in use. An explicit one of this epoch wins over the room's own, backwards too.
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
