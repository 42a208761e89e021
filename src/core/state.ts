/**
 * The whole state of a room in memory, as plain data: it can be copied out, put back, and made anew.
 *
 * Invariant: everything here can be had again from the memos of the sockets and the storage (`wakeState`), but for
 * hints: allowances, news of presence, who is in grace.
 */
import { type AnnouncementState, noAnnouncement } from "./membership/presence-broadcast.ts";
import type { Bucket } from "./peers/token-bucket.ts";
import type { ExpiryState } from "./membership/expiry.ts";
import type { LivenessState } from "./membership/timeouts.ts";
import { type FlowState, noFlow } from "./delivery/flow-control.ts";
import { type ForgettingState, noCandidates } from "./membership/name-eviction.ts";
import { SCAN_ENTRIES, STALL_MS } from "./limits.ts";
import { laterOf, type PeerName, shift, START } from "../protocol/ids.ts";
import type { Memo } from "./ports.ts";
import { newPeer, type Peer } from "./peers/peers.ts";
import { type PresenceState, quietPresence } from "./peers/presence.ts";
import { idlePump, type PumpState } from "./delivery/pump.ts";
import type { Log } from "./ports.ts";

export interface BrokerState extends ExpiryState, LivenessState {
  readonly peers: Map<PeerName, Peer>;
  readonly presence: PresenceState;
  readonly announcements: AnnouncementState;
  readonly flow: FlowState;
  readonly pump: PumpState;
  readonly allowances: Map<string, Bucket>;
  readonly forgetting: ForgettingState;
  /** When the last turn was, ms since 1970. */
  turnedAt: number;
}

/**
 * The state of a room that wakes: from what its sockets remember, and one look at whom the end of the log concerns.
 *
 * Nothing is announced. `replaced`: memos of connections that a newer one of the same name has overtaken; they are
 * not peers, and their sockets are to be closed. `flaw`: what went wrong with the look.
 */
export function wakeState(
  memos: Iterable<Memo>,
  log: Log,
  now: number,
): { state: BrokerState; replaced: Memo[]; flaw?: unknown } {
  const current = new Map<PeerName, Memo>();
  const replaced: Memo[] = [];
  for (const memo of memos) {
    const other = current.get(memo.link.name);
    const [newer, older] = other && other.link.id > memo.link.id ? [other, memo] : [memo, other];
    current.set(memo.link.name, newer);
    if (older !== undefined) replaced.push(older);
  }

  const pump = { ...idlePump(), served: log.head };
  const flow = { ...noFlow(now), stallAt: now + STALL_MS };
  const peers = new Map<PeerName, Peer>();
  const { isLive, flaw } = tryLiveness(current.values(), log);
  for (const memo of current.values()) {
    const peer = newPeer(memo, isLive(memo), now);
    peers.set(memo.link.name, peer);
    if (peer.dialect === "chat.line") flow.unprovenLines += peer.unproven;
    else flow.unproven += peer.unproven;
    if (!peer.live || !peer.ready) pump.hungry.add(memo.link.name);
  }
  const forgetting = noCandidates();
  const presence = quietPresence();
  const announcements = noAnnouncement();
  const allowances = new Map<string, Bucket>();
  const hints = { presence, announcements, flow, pump, allowances, forgetting };
  // Not before the first turn: then everyone's key is looked at.
  const looks = { pingsCheckedAt: 0, expiresFrom: 0, turnedAt: now };
  return { state: { peers, ...hints, ...looks }, replaced, flaw };
}

/**
 * A row that cannot be read is not everybody's trouble: without the look everyone is behind, and reads from their own
 * cursor on only what they need.
 */
function tryLiveness(
  memos: Iterable<Memo>,
  log: Log,
): { isLive: (memo: Memo) => boolean; flaw?: unknown } {
  try {
    return { isLive: liveness(memos, log) };
  } catch (flaw) {
    return { isLive: () => false, flaw };
  }
}

/** Decides by ONE look at the index who has nothing to get: who is further back than that is behind. */
function liveness(memos: Iterable<Memo>, log: Log): (memo: Memo) => boolean {
  const floor = laterOf(shift(log.head, -SCAN_ENTRIES), shift(log.first, -1));
  let start = log.head;
  for (const { acked } of memos) if (acked < start && acked >= floor) start = acked;
  const { everyone, personal } = log.concerns(start);
  return ({ link, acked, birth }) =>
    acked >= floor && laterOf(everyone, personal.get(link.name) ?? START) <= laterOf(acked, birth);
}
