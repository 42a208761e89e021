/**
 * What one turn does to the outside: gathered while the broker decides, let out once its rows are written.
 *
 * Invariants:
 * - R3: nothing leaves before `flush`, and `flush` is called only after the commit returned.
 * - One frame per recipient and turn, and one more where a mark is due; what is remembered of a connection is written
 *   after what was sent on it; a close comes last.
 */
import { refill } from "../peers/token-bucket.ts";
import type { ServerMessage } from "../event.ts";
import type { ConnectionId } from "../../protocol/ids.ts";
import type { Peer } from "../peers/peers.ts";
import type { Proof } from "./proof.ts";
import type { Connections, ConnectionSnapshot } from "../ports.ts";
import { MIB } from "../limits.ts";
import { OUTGOING } from "../peers/peers.ts";

/** What signals and presence leave in the budget, so that a flood of them does not starve entries and answers. */
export const EPHEMERAL_RESERVE_BYTES = MIB;

interface Staged {
  /** Undefined for a connection that was turned away. */
  readonly peer: Peer | undefined;
  readonly messages: ServerMessage[];
  /** Bytes already taken from the budget, by estimate. */
  charged: number;
  open: boolean;
  save: boolean;
  close: { readonly code: number; readonly reason: string } | undefined;
}

export class TurnOutput {
  readonly #proof: Proof;
  #staged = new Map<ConnectionId, Staged>();
  /** Frames handed over so far. */
  frames = 0;
  /** Connections turned away so far. */
  refused = 0;

  constructor(proof: Proof) {
    this.#proof = proof;
  }

  open(peer: Peer): void {
    this.#of(peer.link.id, peer).open = true;
  }

  /** @param bytes about how long it is, unless that was charged before */
  stage(peer: Peer, out: ServerMessage, bytes: number): void {
    this.#of(peer.link.id, peer).messages.push(out);
    this.charge(peer, bytes);
  }

  /** For signals and presence. @returns false, and stages nothing, if that would take what entries and answers need */
  stageEphemeral(peer: Peer, out: ServerMessage, bytes: number, now: number): boolean {
    if (!this.#proof.maySpare(peer)) return false;
    if (refill(peer.budget, OUTGOING, now) <= EPHEMERAL_RESERVE_BYTES) return false;
    this.stage(peer, out, bytes);
    return true;
  }

  /** Takes `bytes` from the budget now; the true length is settled when the frame leaves. */
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

  /** Turns away a connection that never became a peer. */
  refuse(id: ConnectionId, code: number, reason: string): void {
    this.refused++;
    this.#of(id, undefined).close = { code, reason };
  }

  /** The connection died: what was meant for it is not sent. */
  discard(id: ConnectionId): void {
    this.#staged.delete(id);
  }

  /** @param memo what to remember of a peer, asked after its frame went out */
  flush(connections: Connections, memo: (peer: Peer) => ConnectionSnapshot, now: number): void {
    for (const [id, { peer, messages, charged, open, save, close }] of this.#staged) {
      if (peer !== undefined) {
        if (open) connections.open(memo(peer));
        let bytes = 0;
        if (messages.length > 0) {
          const sent = connections.send(id, messages);
          // Handed to an open socket: that is what counts as delivered for a line peer.
          if (sent === undefined) peer.sendFailed = true;
          else if (peer.dialect === "chat.line" && !peer.sendFailed) peer.acked = peer.reportedSeq;
          bytes = sent ?? 0;
          this.frames++;
        }
        // A peer that was removed in this turn owes nothing any more.
        if (close === undefined && bytes > 0 && this.#proof.sent(peer, bytes)) {
          const mark = this.#proof.mark(peer, connections.token(id), now);
          const more = connections.send(id, [mark]) ?? 0;
          this.#proof.sent(peer, more);
          this.frames++;
          bytes += more;
        }
        refill(peer.budget, OUTGOING, now);
        peer.budget.level += charged - bytes;
        if (save && !open) connections.saveSnapshot(memo(peer));
      }
      if (close !== undefined) connections.close(id, close.code, close.reason);
    }
    // Not `clear`: a cleared table points to the next one. Once one is old, the collector keeps what all that follow
    // held, turn after turn, until it looks through everything.
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
