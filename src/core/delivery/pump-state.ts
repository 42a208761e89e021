/** The state of the pump, as plain data. */
import type { ConnectionRef, PeerName, Seq } from "../../protocol/ids.ts";

/** The size at which a `gap` or a `ready` counts in a window or a budget. */
export const GAP_BYTES = 64;

export interface PumpState {
  /** The head up to which live peers have been served. */
  served: Seq;
  /** Peers to serve next turn: those with a pending reply, and those that are behind and have a window. */
  readonly runnable: Set<PeerName>;
  /** Peers out of budget, with the time at which a page fits again, ms since 1970. */
  readonly throttled: Map<PeerName, number>;
  /** Peers still to be checked in this round, last first, and how many the round began with. */
  readonly sweep: { rest: ConnectionRef[]; size: number };
}

export const initialPump = (): PumpState => ({
  served: 0 as Seq,
  runnable: new Set(),
  throttled: new Map(),
  sweep: { rest: [], size: 0 },
});
