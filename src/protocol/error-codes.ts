/** The codes of an `error` frame: why one command was refused, for good. */
export const ERROR_CODES = ["bad-frame", "unknown-peer", "too-large", "bad-ack"] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
