/**
 * Flow control: how much may be in flight to a peer, and to all of a room together.
 *
 * Invariants:
 * - R8: at most a window of entries and bytes is in flight to a `chat.v1` peer; one entry may always go. Windows shrink
 *   as the room's bound fills. A `chat.line` peer has no window: its budget alone paces it.
 * - `flightBytes` is the sum over all peers. While it is 0 and no mark is to be shown (proof.ts), no peer can stall.
 * - R8: signals have no window and no ack: a rate bounds what they make the room send.
 */
import { type Bucket, refill } from "../peers/token-bucket.ts";
import { ackUpTo, countInFlight, push } from "../peers/in-flight.ts";
import { type Limits, MIB, STALL_MS } from "../limits.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Peer } from "../peers/peers.ts";
import { acknowledge, beginFlight, report } from "./cursor.ts";

/** Bytes in flight, unacknowledged, to all connections of a room together. */
export const ROOM_FLIGHT_BYTES = 32 * MIB;

/**
 * Bytes of signals that the room may send at once to all connections together, and the refill a second. The last signal
 * may overdraw it, so that a signal goes to all or to none.
 */
export const ROOM_SIGNAL_BYTES = 16 * MIB;

/** Plain data. */
export interface FlowState {
  /** Bytes in flight to all peers together. */
  flightBytes: number;
  /** Bytes sent to all `chat.v1` peers together and not proven to be read; the same of `chat.line`. */
  unproven: number;
  unprovenLines: number;
  /** Marks that are still to be shown. */
  marks: number;
  /** When peers are checked for stalling next, ms since 1970. */
  stallAt: number;
  /** Bytes of signals that the room may still send. */
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
  readonly #limits: Limits;
  readonly #state: FlowState;

  constructor(limits: Limits, state: FlowState) {
    this.#limits = limits;
    this.#state = state;
  }

  /** Returns whether the window of `peer` has a place for this many bytes more. */
  hasRoom(peer: Peer, bytes: number): boolean {
    const count = countInFlight(peer.flight);
    if (peer.dialect === "chat.line" || count === 0) return true;
    return count < this.#limits.window && peer.flight.bytes + bytes <= this.#windowBytes();
  }

  /** Counts what is sent to `peer`. @param below everything up to here was considered before */
  onSent(peer: Peer, seq: Seq, bytes: number, below: Seq, now: number): void {
    report(peer, seq);
    if (peer.dialect === "chat.line") return;
    if (countInFlight(peer.flight) === 0) {
      beginFlight(peer, below);
      // The wait for a mark that is still to be shown began when the mark was sent.
      if (peer.marks.length === 0) peer.lastAckAt = now;
    }
    if (this.#state.flightBytes === 0 && this.#state.marks === 0)
      this.#state.stallAt = now + STALL_MS;
    push(peer.flight, seq, bytes);
    this.#state.flightBytes += bytes;
  }

  /** The peer says that it has processed everything up to `seq`. */
  onAcked(peer: Peer, seq: Seq, now: number): void {
    this.#state.flightBytes -= ackUpTo(peer.flight, seq);
    acknowledge(peer, seq);
    peer.lastAckAt = now;
  }

  /** Frees what the peer held; it was removed. */
  release(peer: Peer): void {
    this.#state.flightBytes -= peer.flight.bytes;
  }

  /** Returns whether a signal may go out: false once earlier ones have used up their rate. */
  mayCarrySignal(now: number): boolean {
    return refill(this.#state.signals, SIGNALS, now) > 0;
  }

  /** Takes the bytes of a signal, one copy for each recipient. The last signal may overdraw the rate. */
  carrySignal(bytes: number): void {
    this.#state.signals.level -= bytes;
  }

  /** The window shrinks from half of the room's bound on, down to nothing. */
  #windowBytes(): number {
    const free = 1 - this.#state.flightBytes / ROOM_FLIGHT_BYTES;
    return this.#limits.windowBytes * Math.max(0, Math.min(1, 2 * free));
  }
}
