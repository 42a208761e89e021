/**
 * The position of a peer: the only code that writes `acked`, `sent`, `reportedSeq` and `live`.
 *
 * Invariants:
 * - `acked ≤ sent ≤ head`, and none of them falls.
 * - What concerns the peer in (acked, sent] is in flight. With nothing in flight, everything up to `sent` is processed.
 * - A live peer has been considered for every entry up to `PumpState.served`; a peer that is behind, up to its own `sent`.
 */
import { maxSeq, type Seq } from "../../protocol/ids.ts";
import { countInFlight } from "../peers/in-flight.ts";
import type { Peer } from "../peers/peers.ts";

/** Returns the last entry that was considered for `peer`. */
export const sentOf = (peer: Peer, served: Seq): Seq =>
  peer.live ? maxSeq(peer.sent, served) : peer.sent;

/** Returns the position up to which `peer` has processed everything. */
export const cursorOf = (peer: Peer, served: Seq): Seq =>
  countInFlight(peer.flight) === 0 && !peer.sendFailed ? sentOf(peer, served) : peer.acked;

/** Everything up to `seq` was considered for `peer`. */
export function advance(peer: Peer, seq: Seq): void {
  peer.sent = maxSeq(peer.sent, seq);
}

/** The peer cannot take what comes after `seq` now: the log feeds it from there. */
export function fallBehind(peer: Peer, seq: Seq): void {
  peer.live = false;
  advance(peer, seq);
}

/** The peer has been considered for the whole log. */
export function catchUp(peer: Peer): void {
  peer.live = true;
}

/** An entry, a gap or `ready` shows the peer that it is at `seq`. */
export function report(peer: Peer, seq: Seq): void {
  peer.reportedSeq = seq;
}

/** Nothing was in flight, so everything up to `below` counts as processed. */
export function beginFlight(peer: Peer, below: Seq): void {
  peer.acked = maxSeq(peer.acked, below);
}

/** The peer says that it has processed everything up to `seq`. */
export function acknowledge(peer: Peer, seq: Seq): void {
  peer.acked = seq;
  peer.reportedSeq = maxSeq(peer.reportedSeq, seq);
}

/** A frame for a `chat.line` peer was handed to its open socket: that counts as processed. */
export function handOver(peer: Peer): void {
  peer.acked = peer.reportedSeq;
}
