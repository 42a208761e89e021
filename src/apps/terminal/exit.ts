/** Exit codes for scripts. `--help` documents them; a number never changes its meaning. */
import {
  ChatError,
  ClosedError,
  FateUnknownError,
  RefusedError,
  StorageError,
} from "../../client/errors.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

export const EXIT = {
  success: 0,
  /** A message was rejected, by the room or before it was sent. */
  refused: 1,
  usage: 2,
  /** The room was not reached in time, or the server is not a chat room. */
  unreachable: 3,
  /** The room rejected this name, or closed its connection. */
  notAllowed: 4,
  /** It is unknown whether a message was stored. */
  unknown: 5,
  /** The record on this computer is in use by another process, or cannot be written. */
  record: 6,
  /** A bug of this program. */
  bug: 70,
  /** As in a shell: 128 + the signal's number. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
  /** The reader of the output is gone. */
  brokenPipe: 141,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** @param code the close code with which the client stopped */
export function exitOfClose(code: number): Exit {
  if (code === CLOSE.NORMAL) return EXIT.success;
  // The handshakes of this client are valid, so a server that rejects one as bad is not a chat room.
  if (code === CLOSE.BAD_REQUEST) return EXIT.unreachable;
  // The library uses this code when its storage fails.
  if (code === CLOSE.INTERNAL_ERROR) return EXIT.record;
  if (code === CLOSE.UNSUPPORTED_DATA || code === CLOSE.INVALID_DATA || code === CLOSE.TOO_BIG)
    return EXIT.refused;
  return EXIT.notAllowed;
}

/** @param error why a message was not confirmed */
export function exitOfError(error: unknown): Exit {
  if (error instanceof FateUnknownError) return EXIT.unknown;
  if (error instanceof StorageError) return EXIT.record;
  if (error instanceof ClosedError) return exitOfClose(error.code);
  if (error instanceof RefusedError || error instanceof ChatError) return EXIT.refused;
  return EXIT.bug;
}

/** Precedence when several messages failed: failures that need a person come before those that a rerun fixes. */
const WORST_FIRST: readonly Exit[] = [
  EXIT.bug,
  EXIT.record,
  EXIT.usage,
  EXIT.notAllowed,
  EXIT.unknown,
  EXIT.refused,
  EXIT.unreachable,
];

export const worse = (a: Exit, b: Exit): Exit =>
  WORST_FIRST.find((exit) => exit === a || exit === b) ?? EXIT.success;
