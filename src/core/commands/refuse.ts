/** Refuses one command, for good: the peer gets an `error`, and the connection stays. */
import type { Refusal } from "../event.ts";
import type { Peer } from "../peers/peers.ts";
import type { CommandContext } from "./command-context.ts";

export function refuse({ pump, counts }: CommandContext, peer: Peer, refusal: Refusal): void {
  counts.refusedCommands++;
  pump.reply(peer, { type: "error", refusal });
}
