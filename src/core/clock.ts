/**
 * What happens to deadlines when the room's clock is set: they move with it.
 *
 * The platform has one clock, and that is the wall clock: it may be set while the room is awake. `elapsed` finds that out
 * from turn to turn; where it does, the time since the last turn counts as none, and every moment that a duration is
 * counted from moves with the clock. So no deadline is postponed by more than its own duration, and nobody is ended for a
 * time that did not pass. What is stored, and what is a date by itself (the expiry of a key, `at`, retention by days,
 * shares of the log), stays as it is.
 *
 * A clock that is set forward while nothing is due looks like a quiet hour, and is taken for one.
 */
import type { ConnectionId } from "../protocol/ids.ts";
import type { BrokerState } from "./state.ts";
import { SECOND } from "./limits.ts";

/** A turn that comes this much after it was due shows that the clock was set, or that the process stood still. */
export const LATE_MS = 5 * SECOND;

/**
 * Was the clock set, or did the process stand still, since the last turn?
 * @param due when this turn was wanted at the latest; undefined if nothing was due
 * @returns ms by which deadlines must move; 0 if time simply went by
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
  const { peers, presence, flow, pump, forgetting, allowances } = state;
  for (const peer of peers.values()) {
    peer.lastHeardAt = Math.max(peer.lastHeardAt, pinged(peer.link.id) ?? 0) + by;
    peer.lastAckAt += by;
    peer.budget.at += by;
  }
  for (const [name, until] of presence.grace) presence.grace.set(name, until + by);
  if (presence.flushAt !== undefined) presence.flushAt += by;
  for (const [name, due] of pump.throttled) pump.throttled.set(name, due + by);
  flow.signals.at += by;
  // How much came back since the last turn is not known: an honest name must not be ended for it.
  allowances.clear();
  flow.stallAt += by;
  forgetting.searchedAt += by;
  state.pingsCheckedAt += by;
}
