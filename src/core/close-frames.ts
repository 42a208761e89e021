/** The close frames that the broker sends, except those whose reason names a limit of the operator's. */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";

/** A `Quit`. */
export const GOODBYE: CloseFrame = { code: CLOSE.NORMAL, reason: "goodbye" };

/** The older connection of a name, after a takeover. */
export const REPLACED: CloseFrame = {
  code: CLOSE.REPLACED,
  reason: "replaced by a newer connection of this name: use that one, or choose another name",
};

/** A key that expired at the handshake or later. */
export const EXPIRED: CloseFrame = {
  code: CLOSE.KEY_EXPIRED,
  reason: "the key has expired: come back with a fresh one",
};

/** A peer that needs what the storage cannot read or write. */
export const STORAGE_FAILED: CloseFrame = {
  code: CLOSE.UNAVAILABLE,
  reason: "the room cannot read or write its storage now: come back later",
};

/** A peer with something in flight, or a mark to show, that acknowledges nothing for `STALL_MS`. */
export const STALLED: CloseFrame = {
  code: CLOSE.STALE,
  reason: "no ack for 90 s: come back, and send acks, each with the k of the newest mark",
};

/** A peer that once sent `ping` and has sent nothing for `PING_AGE_MS`. */
export const SILENT: CloseFrame = {
  code: CLOSE.STALE,
  reason: "no ping for 150 s: the link looks dead: come back",
};

/** A line that owes most proof of reading, where the room's sum is over its bound. */
export const UNPROVEN: CloseFrame = {
  code: CLOSE.STALE,
  reason: "much was sent, and nothing shows that you read it: come back",
};

/** A name whose quota of the log is used up. */
export const QUOTA_USED: CloseFrame = {
  code: CLOSE.TOO_FAST,
  reason: "this name has filled its share of the log for 24 h: come back later",
};

/** A name that an operator removed. */
export const REMOVED: CloseFrame = {
  code: CLOSE.REMOVED,
  reason: "an operator removed you, and the room forgot your name",
};

/** Every peer of a room that an operator erased. */
export const ROOM_CLOSED: CloseFrame = {
  code: CLOSE.ROOM_CLOSED,
  reason: "an operator closed this room, and erased what was in it",
};
