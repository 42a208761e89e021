/**
 * The peers: which names are connected, by which connection, and how far each has been served.
 *
 * Invariants:
 * - R1: one peer per name.
 * - R2: `remove` is the only removal. It compares the connection: a late signal of an older connection matches nothing, a
 *   second signal finds nothing.
 * - Only delivery/cursor.ts writes the position of a peer.
 */
import type { Bucket } from "./token-bucket.ts";
import type { Dialect, PendingReply, Session } from "../event.ts";
import { initialInFlight, type InFlight } from "./in-flight.ts";
import type { ConnectionRef, PeerName, RoomName, Seq } from "../../protocol/ids.ts";
import type { ConnectionSnapshot, QuotaUsage } from "../ports.ts";
import { BUDGET_BYTES, BUDGET_BYTES_PER_SECOND } from "../limits.ts";
import { type Entry, concerns } from "../entry.ts";

/** The budget of one connection. */
export const OUTGOING = { capacity: BUDGET_BYTES, perSecond: BUDGET_BYTES_PER_SECOND };

/** One connected peer. Plain data. */
export interface Peer {
  readonly link: ConnectionRef;
  readonly room: RoomName;
  readonly dialect: Dialect;
  readonly session: Session | undefined;
  /** When its key expires, ms since 1970; undefined: never. */
  readonly expiresAt: number | undefined;
  /** Entries at or below it never concern this peer. */
  readonly birth: Seq;
  /** The head when it was welcomed. */
  readonly welcomeHead: Seq;
  /** It was sent everything up to `welcomeHead`, and the first `ready`. */
  ready: boolean;

  /** The peer has acknowledged everything up to here (`chat.line`: its open socket took it). */
  acked: Seq;
  /** The last entry that was considered for this peer; a live peer has been considered for all later ones too. */
  sent: Seq;
  /** Live: served from memory as entries come. Otherwise behind: fed from the log. */
  live: boolean;
  readonly flight: InFlight;
  /** When it last acknowledged something, or something came into flight after nothing was, ms since 1970. */
  lastAckAt: number;
  /** The last position that an entry, a gap or `ready` has shown the peer. */
  reportedSeq: Seq;

  /** Bytes that it may still be sent. */
  readonly budget: Bucket;
  /** Entries and bytes that its name has added to the log in the last 24 hours. */
  quotaUsed: QuotaUsage;
  /** Replies that wait for their turn or for the budget. */
  readonly pendingReplies: PendingReply[];
  /** Its socket did not take a frame: from then on nothing counts as processed by a line. */
  sendFailed: boolean;
  /** When it last sent a frame, ms since 1970. */
  lastHeardAt: number;
  /** Bytes sent and not proven to be read; of these, the bytes since the newest mark; the marks still to be shown. */
  unproven: number;
  tail: number;
  marks: readonly Mark[];
}

export class Peers {
  readonly #peers: Map<PeerName, Peer>;

  constructor(peers: Map<PeerName, Peer>) {
    this.#peers = peers;
  }

  get size(): number {
    return this.#peers.size;
  }

  get(name: PeerName): Peer | undefined {
    return this.#peers.get(name);
  }

  /** The fence. @returns the peer behind `link`, if that is still the current connection of its name */
  current(link: ConnectionRef): Peer | undefined {
    const peer = this.#peers.get(link.name);
    return peer?.link.id === link.id ? peer : undefined;
  }

  /** Adds a peer. Its name must be free: a takeover removes the older connection first. */
  add(peer: Peer): void {
    this.#peers.set(peer.link.name, peer);
  }

  /** R2: the only removal. A late failure of an older connection matches nothing. */
  remove({ name, id }: ConnectionRef): Peer | undefined {
    const peer = this.#peers.get(name);
    if (peer?.link.id !== id) return undefined;
    this.#peers.delete(name);
    return peer;
  }

  values(): MapIterator<Peer> {
    return this.#peers.values();
  }

  names(): MapIterator<PeerName> {
    return this.#peers.keys();
  }
}

/** A place in a connection's stream. */
export interface Mark {
  /** Random, and sent to this connection alone. */
  readonly k: string;
  /** The last position that was sent before the mark. */
  readonly seq: Seq;
  /** Bytes from the previous mark to this one. */
  readonly bytes: number;
}

/** Returns what must outlive hibernation of `peer`. @param acked its cursor (delivery/cursor.ts) */
export const snapshotOf = (peer: Peer, acked: Seq): ConnectionSnapshot => ({
  link: peer.link,
  room: peer.room,
  dialect: peer.dialect,
  session: peer.session,
  expiresAt: peer.expiresAt,
  birth: peer.birth,
  welcomeHead: peer.welcomeHead,
  ready: peer.ready,
  acked,
  spent: peer.quotaUsed,
  tail: peer.tail,
});

/** Returns a peer that has been served nothing since `snapshot`. */
export const newPeer = (snapshot: ConnectionSnapshot, live: boolean, now: number): Peer => ({
  link: snapshot.link,
  room: snapshot.room,
  dialect: snapshot.dialect,
  session: snapshot.session,
  expiresAt: snapshot.expiresAt,
  birth: snapshot.birth,
  welcomeHead: snapshot.welcomeHead,
  ready: snapshot.ready,
  acked: snapshot.acked,
  sent: snapshot.acked,
  live,
  flight: initialInFlight(),
  lastAckAt: now,
  reportedSeq: snapshot.acked,
  budget: { level: BUDGET_BYTES, at: now },
  quotaUsed: snapshot.spent,
  pendingReplies: [],
  sendFailed: false,
  lastHeardAt: 0,
  // A room with a mark to be shown does not hibernate: a crash loses the count of a stretch or two.
  unproven: snapshot.tail,
  tail: snapshot.tail,
  marks: [],
});

/** An entry for everyone may be read by every peer; another one only by the names it concerns, since their birth. */
export const mayRead = (peer: Peer, entry: Entry): boolean =>
  entry.to === undefined || (entry.seq > peer.birth && concerns(entry, peer.link.name));
