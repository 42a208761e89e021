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
import type { Out } from "../event.ts";
import type { Link } from "../../protocol/ids.ts";
import type { Outbox } from "../delivery/outbox.ts";
import type { Peers } from "../peers/peers.ts";
import type { Presence } from "../peers/presence.ts";
import type { Pump } from "../delivery/pump.ts";

/** Frames of presence that one turn hands out: the next turn, with what others say, goes in between. */
export const PRESENCE_TURN_FRAMES = 500;

/** Plain data. */
export interface AnnouncementState {
  /** What the present round tells. */
  news: Extract<Out, { type: "presence" }> | undefined;
  /** Who has not heard it yet. */
  hearers: Link[];
}

export const noAnnouncement = (): AnnouncementState => ({ news: undefined, hearers: [] });

/** What the announcements need of the broker's parts. */
export interface Means {
  readonly peers: Peers;
  readonly presence: Presence;
  readonly outbox: Outbox;
  readonly pump: Pump;
}

export class Announcements {
  readonly #means: Means;
  readonly #state: AnnouncementState;

  constructor(means: Means, state: AnnouncementState) {
    this.#means = means;
    this.#state = state;
  }

  /** When `tell` is wanted next, ms since 1970; undefined if nobody comes or goes. */
  due(now: number): number | undefined {
    return this.#state.news === undefined ? this.#means.presence.due : now;
  }

  /** Tells what is due, to those whose turn it is. */
  tell(now: number): void {
    const { peers, outbox, pump } = this.#means;
    const state = this.#state;
    if (state.news === undefined) this.#begin(now);
    const { news } = state;
    if (news === undefined) return;
    const bytes = FRAME_OVERHEAD + 32 * (news.joined.length + news.left.length);
    for (const link of state.hearers.splice(0, PRESENCE_TURN_FRAMES)) {
      const peer = peers.current(link);
      if (peer === undefined || outbox.stageIfAffordable(peer, news, bytes, now)) continue;
      const missed = peer.waiting.some(({ type }) => type === "missed");
      if (!missed) pump.answer(peer, { type: "missed" });
    }
    if (state.hearers.length === 0) state.news = undefined;
  }

  #begin(now: number): void {
    const news = this.#means.presence.news(now);
    if (news === undefined) return;
    this.#state.news = { type: "presence", ...news };
    this.#state.hearers = Array.from(this.#means.peers.values(), ({ link }) => link);
  }
}
