/**
 * The close codes of a connection, each with what a client does next (docs/protocol.md, section 4).
 *
 * Codes below 4000 are those of RFC 6455. 40xx: stop. 41xx: reconnect with full-jitter backoff. 42xx: reconnect at once.
 */
export const CLOSE = {
  /** A goodbye of either side. */
  NORMAL: 1000,
  GOING_AWAY: 1001,
  /** A binary frame. */
  UNSUPPORTED_DATA: 1003,
  /** Never sent: a Close frame without a code. */
  NO_STATUS: 1005,
  /** Never sent: the connection ended without a Close frame. */
  ABNORMAL: 1006,
  INVALID_DATA: 1007,
  /** A frame beyond `FRAME_BYTES`. */
  TOO_BIG: 1009,
  /** Never sent by the room: the client library ended, because its storage failed. */
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  BAD_REQUEST: 4000,
  /** A newer connection of the same name took over. */
  REPLACED: 4001,
  /** A key, a token or an origin that is not accepted. */
  FORBIDDEN: 4003,
  /** An operator removed the name. */
  REMOVED: 4004,
  /** An operator erased the room. */
  ROOM_CLOSED: 4005,
  /** The room is full. */
  FULL: 4100,
  /** The storage, or the issuer of keys, cannot be reached now. */
  UNAVAILABLE: 4102,
  /** The allowance or the quota of the name is used up. */
  TOO_FAST: 4103,
  KEY_EXPIRED: 4104,
  /** A dead connection, an overtaken attempt, or a reader that proves nothing. */
  STALE: 4201,
} as const;

/** Checks the hundred of a code: clients treat an unknown code like the others of its hundred. */
const isOf = (hundred: number) => (code: number) => code >= hundred && code < hundred + 100;
/** Reconnecting would fail again. */
export const isFinalClose = isOf(4000);
/** Reconnect with backoff. */
export const isTemporaryClose = isOf(4100);
/** Reconnect at once. */
export const isStaleClose = isOf(4200);

/** Bytes of the reason of a Close frame. RFC 6455: a control frame has 125 bytes of payload, two of them for the code. */
export const REASON_BYTES = 123;

/** A Close frame: its code, and what to do. */
export interface CloseFrame {
  readonly code: number;
  /** ASCII, at most `REASON_BYTES`. */
  readonly reason: string;
}
