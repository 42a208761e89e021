/**
 * The way out: the one release of a peer, whichever side ends its connection.
 *
 * Invariants:
 * - R2: a peer leaves by `Peers.remove` alone, called only here, with the connection that ended. Window, marks and schedule are
 *   released in the same step; a late signal of an older connection releases nothing.
 * - A takeover is no departure: the name stays online, and its cursor goes to the newer connection.
 */
import { CLOSE, type CloseFrame } from "../../protocol/close-codes.ts";
import type { ConnectionRef } from "../../protocol/ids.ts";
import type { RoomContext } from "../context.ts";
import type { Peer } from "../peers/peers.ts";
import type { Progress } from "../ports.ts";
import { isExpired } from "./timeouts.ts";

/** How a connection ended. */
export type Ending =
  /** The peer closed it, or it broke. */
  | { readonly type: "disconnected"; readonly code: number }
  /** The room closes it. */
  | ({ readonly type: "closed" } & CloseFrame)
  /** A newer connection of the same name takes over. */
  | ({ readonly type: "replaced" } & CloseFrame);

/** Goodbyes: the peer's own, a Close frame without a code, and those by which an operator ends a connection. */
const CLEAN: ReadonlySet<number> = new Set([
  CLOSE.NORMAL,
  CLOSE.NO_STATUS,
  CLOSE.REMOVED,
  CLOSE.ROOM_CLOSED,
]);

/** The position and the quota of `peer`, as they are saved. */
export const progressOf = (
  { pump }: Pick<RoomContext, "pump">,
  peer: Peer,
): Pick<Progress, "cursor" | "spent"> => ({ cursor: pump.cursorOf(peer), spent: peer.quotaUsed });

/** Removes the peer behind `link` and releases what it held. @returns the peer; undefined if `link` is not current */
export function leave(
  context: RoomContext,
  link: ConnectionRef,
  ending: Ending,
  now: number,
): Peer | undefined {
  const { peers, presence, storage, pump, output, audit } = context;
  const peer = peers.remove(link);
  if (peer === undefined) return undefined;
  if (ending.type === "disconnected") output.discard(link.id);
  else {
    if (ending.type === "closed") stageRefusals(context, peer, now);
    output.close(peer, ending.code, ending.reason);
  }
  if (ending.type !== "replaced") {
    storage.directory.save(link.name, { ...progressOf(context, peer), seen: now });
  }
  pump.release(peer);
  if (ending.type === "replaced") return peer;
  const { code } = ending;
  presence.departed(link.name, CLEAN.has(code), now);
  audit.add({
    event: "leave",
    name: link.name,
    connection: link.id,
    code,
    online: presence.online,
  });
  return peer;
}

/** Closes the connection of `peer` with `frame`. */
export function closePeer(context: RoomContext, peer: Peer, frame: CloseFrame, now: number): void {
  leave(context, peer.link, { type: "closed", code: frame.code, reason: frame.reason }, now);
}

/** Refusals that were decided still go out, unless the key has expired. Pending queries end with the connection. */
function stageRefusals({ output }: RoomContext, peer: Peer, now: number): void {
  if (isExpired(peer, now)) return;
  for (const reply of peer.pendingReplies) if (reply.type === "error") output.stage(peer, reply, 0);
}
