/** How the program ends, for scripts. Documented in `--help`; a number once given keeps its meaning. */
import {
  ChatError,
  ClosedError,
  FateUnknownError,
  RefusedError,
  StorageError,
} from "../../client/errors.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

export const EXIT = {
  fine: 0,
  /** A message was refused, by the room or before it left. */
  refused: 1,
  usage: 2,
  /** The room was not reached in time, or what answers is no chat room. */
  unreachable: 3,
  /** The room does not let this name in, or has put it out. */
  notAllowed: 4,
  /** It cannot be known whether a message was stored. */
  unknown: 5,
  /** The record on this computer: another process holds it, or the disk does not take it. */
  record: 6,
  /** A bug of this program. */
  bug: 70,
  /** As a shell tells them: 128 + the signal's number. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
  /** Nobody reads the output any more. */
  brokenPipe: 141,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** @param code how the client was closed for good */
export function exitOfClose(code: number): Exit {
  if (code === CLOSE.NORMAL) return EXIT.fine;
  // Our own handshakes are not bad: what calls one so is another kind of server.
  if (code === CLOSE.BAD_REQUEST) return EXIT.unreachable;
  // The storage failed, says the library.
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

/** What is worse decides, when several things went wrong with messages: what needs a person before what a rerun mends. */
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
  WORST_FIRST.find((exit) => exit === a || exit === b) ?? EXIT.fine;
