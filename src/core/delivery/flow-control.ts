/**
 * Flow control: how much may be in flight to a peer, and to all of a room together.
 *
 * Invariants:
 * - R8: at most a window of entries and bytes is in flight to a `chat.v1` peer; one entry may always go. Windows shrink
 *   as the room's bound fills. A `chat.line` peer has no window: its budget alone paces it.
 * - `flightBytes` is the sum over all peers. While it is 0 and no mark is to be shown (proof.ts), no look for dead links
 *   is due.
 * - R8: signals wait for nobody and are acknowledged by nobody: what they make the room send is bounded by a rate.
 */
import { type Bucket, refill } from "../peers/token-bucket.ts";
import { countInFlight, ackUpTo, push } from "../peers/in-flight.ts";
import { type Limits, STALL_MS } from "../limits.ts";
import { maxSeq, type Seq } from "../../protocol/ids.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import { MIB } from "../limits.ts";

// Flow control
/** Bytes in flight, unacknowledged, to all connections of a room together. */
export const ROOM_FLIGHT_BYTES = 32 * MIB;

/**
 * Bytes of signals that all connections of a room together may be sent at once, and the refill a second. The last one
 * may overdraw it, so that a signal goes to all or to none.
 */
export const ROOM_SIGNAL_BYTES = 16 * MIB;

/** Plain data. */
export interface FlowState {
  /** Bytes in flight to all peers together. */
  flightBytes: number;
  /** Bytes sent to all `chat.v1` peers together that nothing proves to be read; the same of `chat.line`. */
  unproven: number;
  unprovenLines: number;
  /** Marks that are still to be shown. */
  marks: number;
  /** When to look for dead links next, ms since 1970. */
  stallAt: number;
  /** What signals may still make the room send. */
  readonly signals: Bucket;
}

const SIGNALS = { capacity: ROOM_SIGNAL_BYTES, perSecond: ROOM_SIGNAL_BYTES };

export const initialFlow = (now: number): FlowState => ({
  flightBytes: 0,
  unproven: 0,
  unprovenLines: 0,
  marks: 0,
  stallAt: 0,
  signals: { level: ROOM_SIGNAL_BYTES, at: now },
});

export class FlowControl {
  readonly #peers: Peers;
  readonly #limits: Limits;
  readonly #state: FlowState;

  constructor(peers: Peers, limits: Limits, state: FlowState) {
    this.#peers = peers;
    this.#limits = limits;
    this.#state = state;
  }

  /** Has the peer's window a place for this many bytes more? */
  hasRoom(peer: Peer, bytes: number): boolean {
    const count = countInFlight(peer.flight);
    if (peer.dialect === "chat.line" || count === 0) return true;
    return count < this.#limits.window && peer.flight.bytes + bytes <= this.#windowBytes();
  }

  /** @param below everything up to here was considered before */
  onSent(peer: Peer, seq: Seq, bytes: number, below: Seq, now: number): void {
    peer.reportedSeq = seq;
    if (peer.dialect === "chat.line") return;
    if (countInFlight(peer.flight) === 0) {
      peer.acked = maxSeq(peer.acked, below);
      // A mark that is still to be shown is waited for from when it was sent.
      if (peer.marks.length === 0) peer.lastAckAt = now;
    }
    if (this.#state.flightBytes === 0 && this.#state.marks === 0)
      this.#state.stallAt = now + STALL_MS;
    push(peer.flight, seq, bytes);
    this.#state.flightBytes += bytes;
  }

  /** The peer has processed everything up to `seq`. */
  onAcked(peer: Peer, seq: Seq, now: number): void {
    this.#state.flightBytes -= ackUpTo(peer.flight, seq);
    peer.acked = seq;
    peer.lastAckAt = now;
    peer.reportedSeq = maxSeq(peer.reportedSeq, seq);
  }

  /** The peer was removed. */
  release(peer: Peer): void {
    this.#state.flightBytes -= peer.flight.bytes;
  }

  /** May a signal go out? @returns false if those before it have spent what signals may take */
  mayCarrySignal(now: number): boolean {
    return refill(this.#state.signals, SIGNALS, now) > 0;
  }

  /** Bytes of a signal, to all who got it together. The last signal may overdraw: it goes to all or to none. */
  carrySignal(bytes: number): void {
    this.#state.signals.level -= bytes;
  }

  /** Peers that have had something in flight, or a mark to show, and have acknowledged nothing for too long. */
  stalled(now: number): Peer[] {
    if (this.due === undefined || this.due > now) return [];
    let next = now + STALL_MS;
    const dead: Peer[] = [];
    for (const peer of this.#peers.values()) {
      if (countInFlight(peer.flight) === 0 && peer.marks.length === 0) continue;
      if (peer.lastAckAt + STALL_MS <= now) dead.push(peer);
      else next = Math.min(next, peer.lastAckAt + STALL_MS);
    }
    this.#state.stallAt = next;
    return dead;
  }

  /** When `stalled` is wanted next, ms since 1970; undefined if nothing is in flight and no mark is to be shown. */
  get due(): number | undefined {
    return this.#state.flightBytes > 0 || this.#state.marks > 0 ? this.#state.stallAt : undefined;
  }

  /** The window shrinks from half of the room's bound on, down to nothing. */
  #windowBytes(): number {
    const free = 1 - this.#state.flightBytes / ROOM_FLIGHT_BYTES;
    return this.#limits.windowBytes * Math.max(0, Math.min(1, 2 * free));
  }
}
