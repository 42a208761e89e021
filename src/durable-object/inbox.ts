/**
 * The inbox: what the platform signalled, until the next turn takes it.
 *
 * Invariant: an item holds what came and decides nothing; whose it is, is asked when it is taken.
 */
import type { CloseFrame } from "../protocol/close-codes.ts";
import type { Join } from "../core/event.ts";
import { MIB } from "../core/limits.ts";
import type { ConnectionId, ConnectionRef } from "../protocol/ids.ts";
import type { AdminRequest } from "../protocol/admin.ts";

/** What waits for the next turn. */
export type InboxItem =
  | { readonly type: "join"; readonly id: ConnectionId; readonly join: Join }
  | { readonly type: "frame"; readonly ws: WebSocket; readonly text: string }
  | { readonly type: "invalidFrame"; readonly ws: WebSocket; readonly closing: CloseFrame }
  | { readonly type: "closed"; readonly ws: WebSocket; readonly code: number }
  /** A connection that the runtime would not accept. */
  | { readonly type: "acceptFailed"; readonly link: ConnectionRef }
  | { readonly type: "order"; readonly ask: number; readonly order: AdminRequest }
  | { readonly type: "tick" };

/** What may wait for a turn, in UTF-16 units of text; beyond it the turn is taken at once. */
export const INBOX_UNITS = 4 * MIB;
/** What an item weighs besides its text. */
const ITEM_UNITS = 128;

export const sizeOf = (item: InboxItem): number =>
  ITEM_UNITS + (item.type === "frame" ? item.text.length : 0);

export const socketsOf = (inbox: readonly InboxItem[]): WebSocket[] =>
  inbox.flatMap((item) => ("ws" in item ? [item.ws] : []));

export function* textsOf(inbox: readonly InboxItem[]): Generator<string, void> {
  for (const item of inbox) if (item.type === "frame") yield item.text;
}

/** Whatever stands before an erasure is handed over before it, and what comes after finds the new room. */
export function splitAtErase<
  One extends { readonly type: string; readonly order?: { readonly type: string } },
>(inbox: readonly One[]): One[][] {
  const parts: One[][] = [];
  let start = 0;
  inbox.forEach((item, index) => {
    if (item.order?.type !== "Erase") return;
    parts.push(inbox.slice(start, index), [item]);
    start = index + 1;
  });
  parts.push(inbox.slice(start));
  return parts.filter((part) => part.length > 0);
}
