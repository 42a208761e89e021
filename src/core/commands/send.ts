/**
 * A message: it gets its place in the room's order.
 *
 * Invariants:
 * - R6: a message with an unknown recipient is refused as a whole.
 * - R8: retention is by count and size, so no name may fill the log alone. The first entry beyond its quota ends the
 *   connection.
 */
import type { PeerName } from "../../protocol/ids.ts";
import { QUOTA_USED } from "../close-frames.ts";
import type { RoomContext } from "../context.ts";
import type { Command } from "../event.ts";
import { closePeer } from "../membership/leave.ts";
import { consume } from "../peers/log-quota.ts";
import type { Peer } from "../peers/peers.ts";
import type { CommandContext } from "./command-context.ts";
import { refuse } from "./refuse.ts";

/** Returns those of `names` that the room does not know. */
export function unknownNames(
  { peers, storage }: Pick<RoomContext, "peers" | "storage">,
  names: readonly PeerName[],
): PeerName[] {
  return names.filter((name) => !peers.get(name) && !storage.directory.find(name));
}

export function send(
  context: CommandContext,
  peer: Peer,
  { text, to, id, ref, quiet, data }: Extract<Command, { type: "Message" }>,
  now: number,
): void {
  const { entries, output, presence, pump } = context;
  const unknown = unknownNames(context, to ?? []);
  if (unknown.length > 0) {
    const message = `nobody here is called ${unknown.join(", ")}; nothing was sent: ask who is known, or wait until they have joined once`;
    const refusal = { code: "unknown-peer", message, ...(id !== undefined && { id }) } as const;
    return refuse(context, peer, refusal);
  }
  if (ref !== undefined && ref > entries.head) {
    const message = `ref: ${ref} is above the newest entry, ${entries.head}; refer to an entry that you have`;
    return refuse(context, peer, { code: "bad-frame", message, ...(id !== undefined && { id }) });
  }
  const entry = entries.encode({ from: peer.link.name, to, text, id, ref, quiet, data }, now);
  if (!chargeQuota(context, peer, entry.bytes, now)) return;
  entries.add(entry);
  if (peer.dialect !== "chat.line") return;
  // A line sends no ack with which its quota would be saved.
  output.saveSnapshot(peer);
  const away = to?.filter((name) => !presence.isOnline(name)) ?? [];
  if (away.length > 0) pump.reply(peer, { type: "away", names: away });
}

/** @returns false if the quota of the peer's name is used up: the connection ends */
export function chargeQuota(
  context: CommandContext,
  peer: Peer,
  bytes: number,
  now: number,
): boolean {
  if (context.quota === undefined) return true;
  const used = consume(peer.quotaUsed, context.quota, bytes, now);
  if (used !== undefined) peer.quotaUsed = used;
  else closePeer(context, peer, QUOTA_USED, now);
  return used !== undefined;
}
