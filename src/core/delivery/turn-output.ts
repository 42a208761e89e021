/**
 * The output of one turn: gathered while the broker decides, sent once its rows are written.
 *
 * Invariants:
 * - R3: nothing leaves before `flush`, and `flush` is called only after the commit returned.
 * - One frame per recipient and turn, and one more where a mark is due. The snapshot of a connection is written after what
 *   was sent on it; a close comes last.
 */
import { refill } from "../peers/token-bucket.ts";
import type { ServerMessage } from "../event.ts";
import type { ConnectionId } from "../../protocol/ids.ts";
import { OUTGOING, type Peer } from "../peers/peers.ts";
import { handOver } from "./cursor.ts";
import type { Proof } from "./proof.ts";
import type { CloseFrame } from "../../protocol/close-codes.ts";
import type { Connections, ConnectionSnapshot } from "../ports.ts";
import { MIB } from "../limits.ts";

/** Bytes that signals and presence leave in a budget, so that a flood of them does not starve entries and replies. */
export const EPHEMERAL_RESERVE_BYTES = MIB;

interface Staged {
  /** Undefined for a connection that was rejected. */
  readonly peer: Peer | undefined;
  readonly messages: ServerMessage[];
  /** Bytes already taken from the budget, by estimate. */
  charged: number;
  open: boolean;
  save: boolean;
  close: CloseFrame | undefined;
}

export class TurnOutput {
  readonly #proof: Proof;
  #staged = new Map<ConnectionId, Staged>();
  /** Frames handed to sockets so far. */
  frames = 0;
  /** Connections rejected so far. */
  refused = 0;

  constructor(proof: Proof) {
    this.#proof = proof;
  }

  open(peer: Peer): void {
    this.#of(peer.link.id, peer).open = true;
  }

  /** @param bytes about how long it is, unless that was charged before */
  stage(peer: Peer, message: ServerMessage, bytes: number): void {
    this.#of(peer.link.id, peer).messages.push(message);
    this.charge(peer, bytes);
  }

  /** Stages a signal or presence. @returns false, and stages nothing, if that would take what entries and replies need */
  stageEphemeral(peer: Peer, message: ServerMessage, bytes: number, now: number): boolean {
    if (!this.#proof.maySpare(peer)) return false;
    if (refill(peer.budget, OUTGOING, now) <= EPHEMERAL_RESERVE_BYTES) return false;
    this.stage(peer, message, bytes);
    return true;
  }

  /** Takes `bytes` from the budget now; `flush` corrects it by the true length of the frame. */
  charge(peer: Peer, bytes: number): void {
    this.#of(peer.link.id, peer).charged += bytes;
    peer.budget.level -= bytes;
  }

  saveSnapshot(peer: Peer): void {
    this.#of(peer.link.id, peer).save = true;
  }

  close(peer: Peer, code: number, reason: string): void {
    this.#of(peer.link.id, peer).close = { code, reason };
  }

  /** Rejects a connection that never became a peer. */
  refuse(id: ConnectionId, code: number, reason: string): void {
    this.refused++;
    this.#of(id, undefined).close = { code, reason };
  }

  /** Drops what was staged for a connection that ended. */
  discard(id: ConnectionId): void {
    this.#staged.delete(id);
  }

  /** Sends it all. @param snapshot makes the snapshot of a peer, after its frame was sent */
  flush(connections: Connections, snapshot: (peer: Peer) => ConnectionSnapshot, now: number): void {
    for (const [id, { peer, messages, charged, open, save, close }] of this.#staged) {
      if (peer !== undefined) {
        if (open) connections.open(snapshot(peer));
        let bytes = 0;
        if (messages.length > 0) {
          const sent = connections.send(id, messages);
          // A line sends no acks: what an open socket took counts as processed.
          if (sent === undefined) peer.sendFailed = true;
          else if (peer.dialect === "chat.line" && !peer.sendFailed) handOver(peer);
          bytes = sent ?? 0;
          this.frames++;
        }
        // A peer that was removed in this turn has no mark to show.
        if (close === undefined && bytes > 0 && this.#proof.sent(peer, bytes)) {
          const mark = this.#proof.mark(peer, connections.token(id), now);
          const more = connections.send(id, [mark]) ?? 0;
          this.#proof.sent(peer, more);
          this.frames++;
          bytes += more;
        }
        refill(peer.budget, OUTGOING, now);
        peer.budget.level += charged - bytes;
        if (save && !open) connections.saveSnapshot(snapshot(peer));
      }
      if (close !== undefined) connections.close(id, close.code, close.reason);
    }
    // A new Map instead of `clear()`: V8 links a cleared table to its successor, so one old table keeps all later ones
    // alive until the next major GC.
    this.#staged = new Map();
  }

  #of(id: ConnectionId, peer: Peer | undefined): Staged {
    let staged = this.#staged.get(id);
    if (staged === undefined) {
      staged = { peer, messages: [], charged: 0, open: false, save: false, close: undefined };
      this.#staged.set(id, staged);
    }
    return staged;
  }
}

/** About what a frame costs beside its contents, in bytes. */
export const FRAME_OVERHEAD = 128;
