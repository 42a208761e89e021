/**
 * `ready`: the first ends the replay; later ones let the cursor of a peer advance that no entry concerns.
 *
 * Invariant (R9): `ready` is sent only in turns that bring entries or serve the peer; no timer waits for it.
 */
import type { ConnectionRef } from "../../protocol/ids.ts";
import { OUTGOING, type Peer, type Peers } from "../peers/peers.ts";
import { refill } from "../peers/token-bucket.ts";
import { report, sentOf } from "./cursor.ts";
import { GAP_BYTES, type PumpState } from "./pump-state.ts";
import type { TurnOutput } from "./turn-output.ts";

/** Entries that may pass a peer before `ready` reports its position. */
export const READY_ENTRIES = 1_000;

/** Entries in which the positions of all peers are checked once. */
export const SWEEP_ENTRIES = 32;

export class ReadyReports {
  readonly #peers: Peers;
  readonly #output: TurnOutput;
  readonly #state: PumpState;

  constructor(peers: Peers, output: TurnOutput, state: PumpState) {
    this.#peers = peers;
    this.#output = output;
    this.#state = state;
  }

  /**
   * Sends `ready` to peers that no entry has concerned for a while. Each turn checks a share of the peers, in proportion to
   * its new entries, so that a large room is not reported to in one turn; peers that join meanwhile are checked in the next
   * round.
   * @param entries how many this turn brought
   */
  sweep(entries: number, now: number): void {
    const { sweep } = this.#state;
    if (sweep.rest.length === 0 || entries >= SWEEP_ENTRIES) {
      sweep.rest = Array.from(this.#peers.values(), ({ link }): ConnectionRef => link);
      sweep.size = sweep.rest.length;
    }
    const count = Math.ceil((sweep.size * entries) / SWEEP_ENTRIES);
    for (const link of sweep.rest.splice(-count)) {
      const peer = this.#peers.current(link);
      if (peer?.ready === true) this.maybeSend(peer, now);
    }
  }

  /** Sends the first `ready` once everything up to `welcomeHead` was sent, and a later one after `READY_ENTRIES`. */
  maybeSend(peer: Peer, now: number): void {
    const sent = sentOf(peer, this.#state.served);
    if (!peer.ready) {
      if (sent < peer.welcomeHead || peer.pendingReplies.length > 0) return;
      peer.ready = true;
      // A turn may overshoot SWEEP_ENTRIES, so a round can take almost twice that; the margin covers two rounds.
    } else if (sent - peer.reportedSeq < READY_ENTRIES - 4 * SWEEP_ENTRIES) return;
    report(peer, sent);
    this.#output.saveSnapshot(peer);
    if (peer.dialect === "chat.v1") {
      refill(peer.budget, OUTGOING, now);
      this.#output.stage(peer, { type: "ready", seq: sent }, GAP_BYTES);
    }
  }
}
