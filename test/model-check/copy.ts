/**
 * An exact copy of a room's whole state: changes to one do not affect the other.
 *
 * Fields that are not named here hold plain values. Shared objects never change: connection references, sessions,
 * entries, replies.
 */
import type { Peer } from "../../src/core/peers/peers.ts";
import type { BrokerState } from "../../src/core/state.ts";

export function copyState(state: BrokerState): BrokerState {
  const {
    peers,
    presence,
    broadcast: announcements,
    flow,
    pump,
    allowances,
    eviction: forgetting,
  } = state;
  return {
    ...state,
    peers: mapOf(peers, copyPeer),
    presence: {
      ...presence,
      grace: new Map(presence.grace),
      joined: new Set(presence.joined),
      left: new Set(presence.left),
    },
    broadcast: { ...announcements, recipients: [...announcements.recipients] },
    flow: { ...flow, signals: { ...flow.signals } },
    pump: {
      ...pump,
      runnable: new Set(pump.runnable),
      throttled: new Map(pump.throttled),
      sweep: { ...pump.sweep, rest: [...pump.sweep.rest] },
    },
    allowances: mapOf(allowances, (bucket) => ({ ...bucket })),
    eviction: {
      ...forgetting,
      candidates: [...forgetting.candidates],
      concerned: new Set(forgetting.concerned),
    },
  };
}

const copyPeer = (peer: Peer): Peer => ({
  ...peer,
  flight: { ...peer.flight, seqs: [...peer.flight.seqs], sizes: [...peer.flight.sizes] },
  budget: { ...peer.budget },
  pendingReplies: [...peer.pendingReplies],
});

function mapOf<Key, Value>(map: ReadonlyMap<Key, Value>, copy: (value: Value) => Value) {
  const made = new Map<Key, Value>();
  for (const [key, value] of map) made.set(key, copy(value));
  return made;
}
