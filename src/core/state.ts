/**
 * The whole state of a room in memory, as plain data: it can be copied out, put back, and made anew.
 *
 * Invariant: everything here can be had again from the memos of the sockets and the storage (`wakeState`), but for
 * hints: allowances, news of presence, who is in grace.
 */
import { type BroadcastState, initialBroadcast } from "./membership/presence-broadcast.ts";
import type { Bucket } from "./peers/token-bucket.ts";
import type { ExpiryState } from "./membership/expiry.ts";
import type { LivenessState } from "./membership/timeouts.ts";
import { type FlowState, initialFlow } from "./delivery/flow-control.ts";
import { type EvictionState, initialEviction } from "./membership/name-eviction.ts";
import { SCAN_ENTRIES, STALL_MS } from "./limits.ts";
import { maxSeq, type PeerName, addSeq, SEQ_ZERO } from "../protocol/ids.ts";
import type { ConnectionSnapshot } from "./ports.ts";
import { newPeer, type Peer } from "./peers/peers.ts";
import { type PresenceState, initialPresence } from "./peers/presence.ts";
import { initialPump, type PumpState } from "./delivery/pump.ts";
import type { Log } from "./ports.ts";

export interface BrokerState extends ExpiryState, LivenessState {
  readonly peers: Map<PeerName, Peer>;
  readonly presence: PresenceState;
  readonly announcements: BroadcastState;
  readonly flow: FlowState;
  readonly pump: PumpState;
  readonly allowances: Map<string, Bucket>;
  readonly forgetting: EvictionState;
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
  memos: Iterable<ConnectionSnapshot>,
  log: Log,
  now: number,
): { state: BrokerState; replaced: ConnectionSnapshot[]; flaw?: unknown } {
  const current = new Map<PeerName, ConnectionSnapshot>();
  const replaced: ConnectionSnapshot[] = [];
  for (const memo of memos) {
    const other = current.get(memo.link.name);
    const [newer, older] = other && other.link.id > memo.link.id ? [other, memo] : [memo, other];
    current.set(memo.link.name, newer);
    if (older !== undefined) replaced.push(older);
  }

  const pump = { ...initialPump(), served: log.head };
  const flow = { ...initialFlow(now), stallAt: now + STALL_MS };
  const peers = new Map<PeerName, Peer>();
  const { isLive, flaw } = tryLiveness(current.values(), log);
  for (const memo of current.values()) {
    const peer = newPeer(memo, isLive(memo), now);
    peers.set(memo.link.name, peer);
    if (peer.dialect === "chat.line") flow.unprovenLines += peer.unproven;
    else flow.unproven += peer.unproven;
    if (!peer.live || !peer.ready) pump.runnable.add(memo.link.name);
  }
  const forgetting = initialEviction();
  const presence = initialPresence();
  const announcements = initialBroadcast();
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
  memos: Iterable<ConnectionSnapshot>,
  log: Log,
): { isLive: (memo: ConnectionSnapshot) => boolean; flaw?: unknown } {
  try {
    return { isLive: liveness(memos, log) };
  } catch (flaw) {
    return { isLive: () => false, flaw };
  }
}

/** Decides by ONE look at the index who has nothing to get: who is further back than that is behind. */
function liveness(
  memos: Iterable<ConnectionSnapshot>,
  log: Log,
): (memo: ConnectionSnapshot) => boolean {
  const floor = maxSeq(addSeq(log.head, -SCAN_ENTRIES), addSeq(log.first, -1));
  let start = log.head;
  for (const { acked } of memos) if (acked < start && acked >= floor) start = acked;
  const { everyone, personal } = log.audienceAbove(start);
  return ({ link, acked, birth }) =>
    acked >= floor && maxSeq(everyone, personal.get(link.name) ?? SEQ_ZERO) <= maxSeq(acked, birth);
}
