/**
 * The peers: who is connected, by which connection, and how far each has been served.
 *
 * Invariants:
 * - R1: one peer per name.
 * - R2: `remove` is the only removal. It asks whose failure it is: a late signal of an older connection matches
 *   nothing, a second signal finds nothing.
 * - `acked ≤ sent ≤ head` for every peer (see pump.ts).
 */
import type { Bucket } from "./token-bucket.ts";
import type { Dialect, Session } from "../event.ts";
import { initialInFlight, type InFlight } from "./in-flight.ts";
import type { ConnectionRef, PeerName, RoomName, Seq } from "../../protocol/ids.ts";
import type { PendingReply } from "../event.ts";
import type { QuotaUsage } from "../ports.ts";
import { BUDGET_BYTES } from "../limits.ts";
import type { ConnectionSnapshot } from "../ports.ts";
import { type Entry, concerns } from "../entry.ts";
import { BUDGET_BYTES_PER_SECOND } from "../limits.ts";

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
  /** The head when it was welcomed: `ready` is due when it was sent everything up to here. */
  readonly welcomeHead: Seq;
  ready: boolean;

  /** Everything up to here is processed, by the peer's own word (`chat.line`: handed to an open socket). */
  acked: Seq;
  /** The last entry that was considered for this peer; a live one has been considered for all since. */
  sent: Seq;
  /** Live: served from memory as entries come. Otherwise behind: fed from the log. */
  live: boolean;
  readonly flight: InFlight;
  /** Since when nothing was acknowledged although something is in flight. */
  lastAckAt: number;
  /** The last position that the peer was told of, by an entry, a gap or `ready`. */
  reportedSeq: Seq;

  /** What it may still be sent. */
  readonly budget: Bucket;
  /** What it has added to the log of late. */
  quotaUsed: QuotaUsage;
  /** Answers that wait for their turn or for the budget. */
  readonly pendingReplies: PendingReply[];
  /** Its socket did not take a frame: nothing counts as handed over from then on. */
  sendFailed: boolean;
  /** When the peer last said something, ms since 1970. */
  lastHeardAt: number;
  /** Bytes sent that nothing proves to be read; of these, those since the newest mark; the marks still to be shown. */
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

  /** The fence: the peer behind `link`, if that is still the current connection of its name. */
  current(link: ConnectionRef): Peer | undefined {
    const peer = this.#peers.get(link.name);
    return peer?.link.id === link.id ? peer : undefined;
  }

  /** The name must be free: whoever takes it over removes the older connection first. */
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
  /** Bytes from the mark before up to this one. */
  readonly bytes: number;
}
/** A peer that has been served nothing since `memo`. */
export const newPeer = (memo: ConnectionSnapshot, live: boolean, now: number): Peer => ({
  link: memo.link,
  room: memo.room,
  dialect: memo.dialect,
  session: memo.session,
  expiresAt: memo.expiresAt,
  birth: memo.birth,
  welcomeHead: memo.welcomeHead,
  ready: memo.ready,
  acked: memo.acked,
  sent: memo.acked,
  live,
  flight: initialInFlight(),
  lastAckAt: now,
  reportedSeq: memo.acked,
  budget: { level: BUDGET_BYTES, at: now },
  quotaUsed: memo.spent,
  pendingReplies: [],
  sendFailed: false,
  lastHeardAt: 0,
  // A room with a mark to be shown does not sleep: what is forgotten with lost memory is a stretch or two.
  unproven: memo.tail,
  tail: memo.tail,
  marks: [],
});
/** What was for everyone belongs to the room; the rest to whom it concerned, since they claimed their name. */
export const mayRead = (peer: Peer, entry: Entry): boolean =>
  entry.to === undefined || (entry.seq > peer.birth && concerns(entry, peer.link.name));
