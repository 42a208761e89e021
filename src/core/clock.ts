/**
 * Deadlines move with the room's clock when that is set.
 *
 * The platform has one clock, the wall clock, which may be set while the room is awake. `clockStep` detects that from turn
 * to turn. Then the time since the last turn counts as zero, and every moment that a duration is counted from moves with
 * the clock. So no deadline is postponed by more than its own duration, and no connection ends for time that did not pass.
 * Stored times and dates (the expiry of a key, `at`, retention by days, quotas of the log) stay as they are.
 *
 * A clock that is set forward while nothing is due is not distinguished from a quiet hour.
 */
import type { ConnectionId } from "../protocol/ids.ts";
import type { BrokerState } from "./state.ts";
import { SECOND } from "./limits.ts";

/** A turn that starts this much after it was due shows that the clock was set, or that the process was suspended. */
export const LATE_MS = 5 * SECOND;

/**
 * Returns how far the clock was set, or the process suspended, since the last turn.
 * @param due when this turn was due at the latest; undefined if nothing was due
 * @returns ms by which deadlines must move; 0 if time passed as usual
 */
export function clockStep(lastTurn: number, due: number | undefined, now: number): number {
  const isLate = due !== undefined && now > due + LATE_MS;
  return now < lastTurn || isLate ? now - lastTurn : 0;
}

/**
 * Moves every moment in memory that a duration is counted from.
 * @param by     ms; below 0 if the clock was set back
 * @param pinged when a connection last sent `ping`, by the clock as it was
 */
export function rebase(
  state: BrokerState,
  by: number,
  pinged: (id: ConnectionId) => number | undefined,
): void {
  const { peers, presence, flow, pump, eviction: forgetting, allowances } = state;
  for (const peer of peers.values()) {
    peer.lastHeardAt = Math.max(peer.lastHeardAt, pinged(peer.link.id) ?? 0) + by;
    peer.lastAckAt += by;
    peer.budget.at += by;
  }
  for (const [name, until] of presence.grace) presence.grace.set(name, until + by);
  if (presence.flushAt !== undefined) presence.flushAt += by;
  for (const [name, due] of pump.throttled) pump.throttled.set(name, due + by);
  flow.signals.at += by;
  // How much refilled since the last turn is unknown: an honest name must not be closed for that.
  allowances.clear();
  flow.stallAt += by;
  forgetting.searchedAt += by;
  state.pingsCheckedAt += by;
}
