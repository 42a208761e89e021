/**
 * Proof of reading: bounds what the runtime queues for connections that do not read.
 *
 * The runtime queues without bound what a socket does not take, and gives no back-pressure. After each stretch of bytes a
 * `chat.v1` connection is sent a mark with a random `k`. Only a client that has read the stream up to the mark can show
 * its `k`, so an ack counts only up to the oldest mark that was not shown.
 *
 * Invariants (R8):
 * - `unproven` of a peer is what was sent to it since the newest mark that it has shown: `tail`, and the bytes that end
 *   with each mark in `marks`, oldest first. The state's `unproven` and `marks` are the sums over all peers.
 * - A `chat.v1` peer with a window and two stretches unproven is sent nothing more until it shows a mark. It owes one
 *   then, for every stretch ends with a mark in the same turn.
 * - `chat.line` has no acks, so nothing proves that it reads: all of its bytes count. Where the room's sum is over
 *   `UNPROVEN_ROOM_BYTES`, the connections that owe most end.
 */
import type { Out } from "./event.ts";
import type { FlowState } from "./flow.ts";
import { type Limits, STALL_MS, UNPROVEN_ROOM_BYTES } from "./limits.ts";
import type { Seq } from "./names.ts";
import type { Peer, Peers } from "./peers.ts";

/** A place in a connection's stream. */
export interface Mark {
  /** Random, and sent to this connection alone. */
  readonly k: string;
  /** The last position that was sent before the mark. */
  readonly seq: Seq;
  /** Bytes from the mark before up to this one. */
  readonly bytes: number;
}

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
    return peer.unproven < this.#most || peer.dialect === "chat.line";
  }

  /** Returns false for signals and presence while they would take what entries and answers need. */
  maySpare(peer: Peer): boolean {
    return peer.unproven < this.#most - this.#stretch || peer.dialect === "chat.line";
  }

  /** Counts bytes that were sent to `peer`. @returns whether a stretch is full, so that a mark is due */
  sent(peer: Peer, bytes: number): boolean {
    peer.unproven += bytes;
    peer.tail += bytes;
    this.#state.unproven += bytes;
    return peer.tail >= this.#stretch && peer.dialect === "chat.v1";
  }

  /** Ends the stretch. @param k a random token @returns the item to send in this place */
  mark(peer: Peer, k: string, now: number): Out {
    if (this.#state.flightBytes === 0 && this.#state.marks === 0) {
      this.#state.stallAt = now + STALL_MS;
    }
    if (peer.marks.length === 0 && peer.flight.bytes === 0) peer.progressAt = now;
    peer.marks = [...peer.marks, { k, seq: peer.told, bytes: peer.tail }];
    peer.tail = 0;
    this.#state.marks++;
    return { type: "mark", k };
  }

  /** Takes the newest mark that a client has read. @returns false if it is none that is still to be shown */
  show(peer: Peer, k: string, now: number): boolean {
    const index = peer.marks.findIndex((mark) => mark.k === k);
    if (index === -1) return false;
    const shown = peer.marks.slice(0, index + 1);
    const bytes = shown.reduce((sum, mark) => sum + mark.bytes, 0);
    peer.marks = peer.marks.slice(index + 1);
    peer.unproven -= bytes;
    peer.progressAt = now;
    this.#state.unproven -= bytes;
    this.#state.marks -= shown.length;
    return true;
  }

  /** How far an ack up to `seq` counts: no further than the oldest mark that was not shown. */
  counted(peer: Peer, seq: Seq): Seq {
    const [oldest] = peer.marks;
    return oldest === undefined || seq <= oldest.seq ? seq : oldest.seq;
  }

  /** The connections that owe most, as many as bring the room's sum well below its bound; none while it is kept. */
  debtors(): Peer[] {
    if (this.#state.unproven <= UNPROVEN_ROOM_BYTES) return [];
    let over = this.#state.unproven - UNPROVEN_ROOM_BYTES * RELIEF;
    const debtors: Peer[] = [];
    for (const peer of [...this.#peers.values()].sort((a, b) => b.unproven - a.unproven)) {
      if (over <= 0) break;
      debtors.push(peer);
      over -= peer.unproven;
    }
    return debtors;
  }

  /** The peer was removed. */
  release(peer: Peer): void {
    this.#state.unproven -= peer.unproven;
    this.#state.marks -= peer.marks.length;
  }
}

/** The share of its bound to which the room's sum is brought, so that connections do not end one by one, turn by turn. */
const RELIEF = 0.75;
