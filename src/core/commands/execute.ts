/** Takes one command of a peer: charges it, and dispatches it by its type. */
import { QUERY_COST } from "../../protocol/limits.ts";
import { GOODBYE } from "../close-frames.ts";
import type { Command } from "../event.ts";
import { closePeer } from "../membership/leave.ts";
import type { Peer } from "../peers/peers.ts";
import { ack } from "./ack.ts";
import { charge } from "./charge.ts";
import type { CommandContext } from "./command-context.ts";
import { patch } from "./patch.ts";
import { refuse } from "./refuse.ts";
import { send } from "./send.ts";
import { signal } from "./signal.ts";

export function execute(context: CommandContext, peer: Peer, command: Command, now: number): void {
  if (command.type === "Ack") return ack(context, peer, command, now);
  const cost = command.type === "History" || command.type === "Who" ? QUERY_COST : 1;
  if (!charge(context, peer, cost, now)) return;
  const { pump } = context;
  switch (command.type) {
    case "Message":
      return send(context, peer, command, now);
    case "Patch":
      return patch(context, peer, command, now);
    case "Signal":
      return signal(context, peer, command, now);
    case "History":
    case "Who":
      return pump.reply(peer, command);
    case "Help":
      return pump.reply(peer, { type: "help" });
    case "Invalid":
      return refuse(context, peer, command.refusal);
    case "Quit":
      // Replies to requests before the goodbye are still sent.
      pump.sendReplies(peer, context.buildReply, now);
      return closePeer(context, peer, GOODBYE, now);
    case "Empty":
      return;
    default:
      command satisfies never;
  }
}
