/** The codes of an `error` frame: why one command was refused, for good. */
export const ERROR_CODES = [
  "bad-frame",
  "unknown-peer",
  "too-large",
  "bad-ack",
  /** A patch of an entry that is not kept, or that its sender may not read: the code does not tell which. */
  "unknown-ref",
  /** A patch of an entry that its sender may read and may not change. */
  "forbidden",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
