/**
 * The whole state of a room in memory, as plain data: it can be copied, restored and rebuilt.
 *
 * Invariant: everything here can be rebuilt from the snapshots of the connections and the storage (`wakeState`), except
 * hints: rate limits, pending presence, names in grace.
 */
import { type BroadcastState, initialBroadcast } from "./membership/presence-broadcast.ts";
import type { Bucket } from "./peers/token-bucket.ts";
import type { TimeoutState } from "./membership/timeouts.ts";
import { type FlowState, initialFlow } from "./delivery/flow-control.ts";
import { type EvictionState, initialEviction } from "./membership/name-eviction.ts";
import { SCAN_ENTRIES, STALL_MS } from "./limits.ts";
import { maxSeq, type PeerName, addSeq, SEQ_ZERO } from "../protocol/ids.ts";
import type { ConnectionSnapshot, Log } from "./ports.ts";
import { newPeer, type Peer } from "./peers/peers.ts";
import { type PresenceState, initialPresence } from "./peers/presence.ts";
import { initialPump, type PumpState } from "./delivery/pump-state.ts";

export interface BrokerState extends TimeoutState {
  readonly peers: Map<PeerName, Peer>;
  readonly presence: PresenceState;
  readonly broadcast: BroadcastState;
  readonly flow: FlowState;
  readonly pump: PumpState;
  readonly allowances: Map<string, Bucket>;
  readonly eviction: EvictionState;
  /** When the last turn was, ms since 1970. */
  turnedAt: number;
}

/**
 * Returns the state of a room that wakes: from the snapshots of its connections, and one read of the log's index.
 *
 * Nothing is announced. `replaced`: snapshots of connections that a newer one of the same name has overtaken; they are not
 * peers, and the caller closes their sockets. `corruption`: the error of the read, if it failed.
 */
export function wakeState(
  snapshots: Iterable<ConnectionSnapshot>,
  log: Log,
  now: number,
): { state: BrokerState; replaced: ConnectionSnapshot[]; corruption?: unknown } {
  const current = new Map<PeerName, ConnectionSnapshot>();
  const replaced: ConnectionSnapshot[] = [];
  for (const snapshot of snapshots) {
    const other = current.get(snapshot.link.name);
    const isOtherNewer = other !== undefined && other.link.id > snapshot.link.id;
    const [newer, older] = isOtherNewer ? [other, snapshot] : [snapshot, other];
    current.set(snapshot.link.name, newer);
    if (older !== undefined) replaced.push(older);
  }

  const pump = { ...initialPump(), served: log.head };
  const flow = { ...initialFlow(now), stallAt: now + STALL_MS };
  const peers = new Map<PeerName, Peer>();
  const { isLive, corruption } = tryLiveness(current.values(), log);
  for (const snapshot of current.values()) {
    const peer = newPeer(snapshot, isLive(snapshot), now);
    peers.set(snapshot.link.name, peer);
    if (peer.dialect === "chat.line") flow.unprovenLines += peer.unproven;
    else flow.unproven += peer.unproven;
    if (!peer.live || !peer.ready) pump.runnable.add(snapshot.link.name);
  }
  const state: BrokerState = {
    peers,
    presence: initialPresence(),
    broadcast: initialBroadcast(),
    flow,
    pump,
    allowances: new Map<string, Bucket>(),
    eviction: initialEviction(),
    pingsCheckedAt: 0,
    // The first turn checks all keys.
    expiresFrom: 0,
    turnedAt: now,
  };
  return { state, replaced, corruption };
}

/**
 * If the index is corrupt, every peer counts as behind: each reads only what it needs, and only those that need the corrupt
 * row fail.
 */
function tryLiveness(
  snapshots: Iterable<ConnectionSnapshot>,
  log: Log,
): { isLive: (snapshot: ConnectionSnapshot) => boolean; corruption?: unknown } {
  try {
    return { isLive: liveness(snapshots, log) };
  } catch (corruption) {
    return { isLive: () => false, corruption };
  }
}

/** Decides by ONE read of the index which peers lack nothing. A peer that is further back than that reaches is behind. */
function liveness(
  snapshots: Iterable<ConnectionSnapshot>,
  log: Log,
): (snapshot: ConnectionSnapshot) => boolean {
  const floor = maxSeq(addSeq(log.head, -SCAN_ENTRIES), addSeq(log.first, -1));
  let start = log.head;
  for (const { acked } of snapshots) if (acked < start && acked >= floor) start = acked;
  const { everyone, personal } = log.audienceAbove(start);
  return ({ link, acked, birth }) =>
    acked >= floor && maxSeq(everyone, personal.get(link.name) ?? SEQ_ZERO) <= maxSeq(acked, birth);
}
