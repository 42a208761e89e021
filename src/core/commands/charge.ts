/** R8: what a command costs its sender. The rate belongs to the name, so a reconnect does not refill it. */
import { CLOSE } from "../../protocol/close-codes.ts";
import { closePeer } from "../membership/leave.ts";
import type { Peer } from "../peers/peers.ts";
import type { CommandContext } from "./command-context.ts";

/** Takes `cost` items from the allowance of the peer's name. @returns false if that is used up: the connection ends */
export function charge(context: CommandContext, peer: Peer, cost: number, now: number): boolean {
  if (context.rateLimiter.take(peer.link.name, cost, now)) return true;
  const { rate, burst } = context.limits;
  const reason = `too fast: at most ${rate} items a second, ${burst} at once`;
  closePeer(context, peer, { code: CLOSE.TOO_FAST, reason }, now);
  return false;
}
