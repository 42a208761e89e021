/**
 * Telling everyone the news of presence: round after round, some of a large room in each turn.
 *
 * Invariants:
 * - A round goes to the connections that were here when it began. Whoever came later was welcomed with what it tells.
 * - One round after the other, so the last that a peer hears of a name is the last that happened.
 * - R8: a turn hands out `PRESENCE_TURN_FRAMES` at most. The runtime holds each frame until its socket took it: a frame
 *   to 5,000 at once cost 14 KiB a connection, which stayed with the process.
 */
import { FRAME_OVERHEAD } from "../delivery/outbox.ts";
import type { ServerMessage } from "../event.ts";
import type { ConnectionRef } from "../../protocol/ids.ts";
import type { TurnOutput } from "../delivery/outbox.ts";
import type { Peers } from "../peers/peers.ts";
import type { Presence } from "../peers/presence.ts";
import type { Pump } from "../delivery/pump.ts";

/** Frames of presence that one turn hands out: the next turn, with what others say, goes in between. */
export const PRESENCE_TURN_FRAMES = 500;

/** Plain data. */
export interface BroadcastState {
  /** What the present round tells. */
  update: Extract<ServerMessage, { type: "presence" }> | undefined;
  /** Who has not heard it yet. */
  recipients: ConnectionRef[];
}

export const initialBroadcast = (): BroadcastState => ({ update: undefined, recipients: [] });

/** What the announcements need of the broker's parts. */
export interface Means {
  readonly peers: Peers;
  readonly presence: Presence;
  readonly outbox: TurnOutput;
  readonly pump: Pump;
}

export class PresenceBroadcast {
  readonly #means: Means;
  readonly #state: BroadcastState;

  constructor(means: Means, state: BroadcastState) {
    this.#means = means;
    this.#state = state;
  }

  /** When `tell` is wanted next, ms since 1970; undefined if nobody comes or goes. */
  due(now: number): number | undefined {
    return this.#state.update === undefined ? this.#means.presence.due : now;
  }

  /** Tells what is due, to those whose turn it is. */
  broadcast(now: number): void {
    const { peers, outbox, pump } = this.#means;
    const state = this.#state;
    if (state.update === undefined) this.#begin(now);
    const { update } = state;
    if (update === undefined) return;
    const bytes = FRAME_OVERHEAD + 32 * (update.joined.length + update.left.length);
    for (const link of state.recipients.splice(0, PRESENCE_TURN_FRAMES)) {
      const peer = peers.current(link);
      if (peer === undefined || outbox.stageEphemeral(peer, update, bytes, now)) continue;
      const missed = peer.pendingReplies.some(({ type }) => type === "missed");
      if (!missed) pump.reply(peer, { type: "missed" });
    }
    if (state.recipients.length === 0) state.update = undefined;
  }

  #begin(now: number): void {
    const news = this.#means.presence.takeUpdate(now);
    if (news === undefined) return;
    this.#state.update = { type: "presence", ...news };
    this.#state.recipients = Array.from(this.#means.peers.values(), ({ link }) => link);
  }
}
