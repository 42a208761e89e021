/** A signal: passed on to the `chat.v1` peers that are online, not stored, and dropped where it does not fit a budget. */
import { utf8Length } from "../../protocol/ids.ts";
import { FRAME_OVERHEAD } from "../delivery/turn-output.ts";
import type { Command } from "../event.ts";
import type { Peer } from "../peers/peers.ts";
import type { CommandContext } from "./command-context.ts";

export function signal(
  { flow, output, peers }: CommandContext,
  peer: Peer,
  { data, to }: Extract<Command, { type: "Signal" }>,
  now: number,
): void {
  if (!flow.mayCarrySignal(now)) return;
  const message = { type: "signal", from: peer.link.name, to, data } as const;
  const recipients = to?.map((name) => peers.get(name)) ?? peers.values();
  const names = (to ?? []).reduce((sum, name) => sum + utf8Length(name) + 3, 0);
  const bytes = utf8Length(data) + names + FRAME_OVERHEAD;
  for (const other of recipients) {
    if (other === undefined || other === peer || other.dialect !== "chat.v1") continue;
    if (output.stageEphemeral(other, message, bytes, now)) flow.carrySignal(bytes);
  }
}
