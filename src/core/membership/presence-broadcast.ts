/**
 * Broadcasts presence: round after round, to a share of a large room in each turn.
 *
 * Invariants:
 * - A round goes to the connections that were here when it began. A peer that joined later had the update in its welcome.
 * - Rounds do not overlap, so the last update that a peer gets of a name is the last that happened.
 * - R8: a turn sends at most `PRESENCE_TURN_FRAMES`. The runtime holds each frame until its socket takes it: a frame to
 *   5,000 at once cost 14 KiB a connection, and the process kept that memory.
 */
import type { RoomContext } from "../context.ts";
import { FRAME_OVERHEAD } from "../delivery/turn-output.ts";
import type { ServerMessage } from "../event.ts";
import type { ConnectionRef } from "../../protocol/ids.ts";

/** Frames of presence that one turn sends: the next turn, with its messages, goes in between. */
export const PRESENCE_TURN_FRAMES = 500;

/** Plain data. */
export interface BroadcastState {
  /** The update of this round. */
  update: Extract<ServerMessage, { type: "presence" }> | undefined;
  /** The connections that it was not sent to yet. */
  recipients: ConnectionRef[];
}

export const initialBroadcast = (): BroadcastState => ({ update: undefined, recipients: [] });

export class PresenceBroadcast {
  readonly #context: RoomContext;
  readonly #state: BroadcastState;

  constructor(context: RoomContext, state: BroadcastState) {
    this.#context = context;
    this.#state = state;
  }

  /** When `broadcast` is due next, ms since 1970; undefined if no peer joins or leaves. */
  due(now: number): number | undefined {
    return this.#state.update === undefined ? this.#context.presence.due : now;
  }

  /** Sends the update that is due, to the next share of its recipients. */
  broadcast(now: number): void {
    const { peers, output, pump } = this.#context;
    const state = this.#state;
    if (state.update === undefined) this.#begin(now);
    const { update } = state;
    if (update === undefined) return;
    const bytes = FRAME_OVERHEAD + 32 * (update.joined.length + update.left.length);
    for (const link of state.recipients.splice(0, PRESENCE_TURN_FRAMES)) {
      const peer = peers.current(link);
      if (peer === undefined || output.stageEphemeral(peer, update, bytes, now)) continue;
      const missed = peer.pendingReplies.some(({ type }) => type === "missed");
      if (!missed) pump.reply(peer, { type: "missed" });
    }
    if (state.recipients.length === 0) state.update = undefined;
  }

  #begin(now: number): void {
    const update = this.#context.presence.takeUpdate(now);
    if (update === undefined) return;
    this.#state.update = { type: "presence", ...update };
    this.#state.recipients = Array.from(this.#context.peers.values(), ({ link }) => link);
  }
}
