/**
 * Proof of reading: bounds what the runtime queues for connections that do not read.
 *
 * The runtime queues without bound what a socket does not take, and gives no back-pressure. After each stretch of bytes the
 * room sends a `chat.v1` connection a mark with a random `k`. Only a client that has read the stream up to the mark can
 * show its `k`, so an ack counts only up to the oldest mark that was not shown.
 *
 * Invariants (R8):
 * - `unproven` of a peer counts the bytes sent to it since the newest mark that it has shown: `tail`, and the bytes that
 *   end with each mark in `marks`, oldest first. The state's sums are over all peers.
 * - A mark ends a stretch, in the turn that fills it. Where the room's sum is over `UNPROVEN_PRESSURE_BYTES`, it comes with
 *   the next bytes already, so that many readers whose stretches fill together prove their reading in time.
 * - A `chat.v1` peer that has a mark to show is sent nothing more while a window and two stretches of its own are
 *   unproven, or the room's sum is over its bound. A mark that it shows lets it go on, so no peer waits for another. Only
 *   `Timeouts.stalled` closes it, not the sum.
 * - `chat.line` has no acks, so nothing proves that it reads: all of its bytes count. Where their sum is over its bound, the
 *   lines with the most unproven bytes are closed.
 */
import type { ServerMessage } from "../event.ts";
import type { FlowState } from "./flow-control.ts";
import { type Limits, MIB, STALL_MS } from "../limits.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { Peer, Peers } from "../peers/peers.ts";

/**
 * Bytes sent to all `chat.v1` connections of a room together and not proven to be read; and the same of `chat.line`.
 * The runtime may hold both in memory, of which an isolate has 128 MiB.
 */
export const UNPROVEN_ROOM_BYTES = 24 * MIB;

export const UNPROVEN_LINE_BYTES = 24 * MIB;

/**
 * From this many unproven bytes on, marks come before a stretch is full, so that many readers who have not reached a mark
 * yet are not taken for a few that do not read.
 */
export const UNPROVEN_PRESSURE_BYTES = 12 * MIB;

export class Proof {
  readonly #peers: Peers;
  readonly #state: FlowState;
  readonly #stretch: number;
  readonly #most: number;

  /** @param stretch bytes from one mark to the next */
  constructor(peers: Peers, limits: Limits, stretch: number, state: FlowState) {
    this.#peers = peers;
    this.#stretch = stretch;
    this.#most = limits.windowBytes + 2 * stretch;
    this.#state = state;
  }

  /** Returns false while `peer` must show a mark before it is sent more. */
  maySend(peer: Peer): boolean {
    return this.#mayOwe(peer, this.#most);
  }

  /** Returns false for signals and presence while they would take what entries and answers need. */
  maySpare(peer: Peer): boolean {
    return this.#mayOwe(peer, this.#most - this.#stretch);
  }

  /** A peer without a mark to show has less than a stretch unproven. `chat.line` has no marks. */
  #mayOwe({ marks, unproven }: Peer, most: number): boolean {
    if (marks.length === 0) return true;
    return unproven < most && this.#state.unproven < UNPROVEN_ROOM_BYTES;
  }

  /** Counts bytes that were sent to `peer`. @returns whether a mark is due */
  sent(peer: Peer, bytes: number): boolean {
    peer.unproven += bytes;
    peer.tail += bytes;
    if (peer.dialect === "chat.line") {
      this.#state.unprovenLines += bytes;
      return false;
    }
    this.#state.unproven += bytes;
    if (peer.tail >= this.#stretch) return true;
    return peer.marks.length === 0 && this.#state.unproven > UNPROVEN_PRESSURE_BYTES;
  }

  /** Ends the stretch. @param k a random token @returns the item to send in this place */
  mark(peer: Peer, k: string, now: number): ServerMessage {
    if (this.#state.flightBytes === 0 && this.#state.marks === 0) {
      this.#state.stallAt = now + STALL_MS;
    }
    if (peer.marks.length === 0 && peer.flight.bytes === 0) peer.lastAckAt = now;
    peer.marks = [...peer.marks, { k, seq: peer.reportedSeq, bytes: peer.tail }];
    peer.tail = 0;
    this.#state.marks++;
    return { type: "mark", k };
  }

  /** Takes the newest mark that a client has read. @returns false if `k` is of no mark that is still to be shown */
  show(peer: Peer, k: string, now: number): boolean {
    const index = peer.marks.findIndex((mark) => mark.k === k);
    if (index === -1) return false;
    const shown = peer.marks.slice(0, index + 1);
    const bytes = shown.reduce((sum, mark) => sum + mark.bytes, 0);
    peer.marks = peer.marks.slice(index + 1);
    peer.unproven -= bytes;
    peer.lastAckAt = now;
    this.#state.unproven -= bytes;
    this.#state.marks -= shown.length;
    return true;
  }

  /** Returns how far an ack up to `seq` counts: no further than the oldest mark that was not shown. */
  counted(peer: Peer, seq: Seq): Seq {
    const [oldest] = peer.marks;
    return oldest === undefined || seq <= oldest.seq ? seq : oldest.seq;
  }

  /** Returns the lines with the most unproven bytes, as many as bring the sum well below its bound; none below it. */
  debtors(): Peer[] {
    let over = this.#state.unprovenLines - UNPROVEN_LINE_BYTES;
    if (over <= 0) return [];
    over += UNPROVEN_LINE_BYTES * RELIEF;
    const lines = [...this.#peers.values()].filter(({ dialect }) => dialect === "chat.line");
    const debtors: Peer[] = [];
    for (const peer of lines.sort((one, other) => other.unproven - one.unproven)) {
      if (over <= 0) break;
      debtors.push(peer);
      over -= peer.unproven;
    }
    return debtors;
  }

  /** Frees what the peer held; it was removed. */
  release(peer: Peer): void {
    if (peer.dialect === "chat.line") this.#state.unprovenLines -= peer.unproven;
    else this.#state.unproven -= peer.unproven;
    this.#state.marks -= peer.marks.length;
  }
}

/** The part of the bound that closing lines frees beyond it, so that lines do not close one by one, turn by turn. */
const RELIEF = 0.25;
