/**
 * The room's bounds: those that the operator sets, and those that several parts of the core share. A bound with one user
 * stands beside that user. Each has a name, a unit and a reason.
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The operator's limits, checked. */
export interface Limits {
  /** Bytes of one message's text. */
  readonly text: number;
  /** Bytes of one entry's `data` as JSON; 0: the room takes none. */
  readonly data: number;
  /** Hours within which an author may change the text and the data of an entry; 0: never. */
  readonly patchHours: number;
  /** Bytes of one frame from a client. */
  readonly frame: number;
  /** Names that one message may be addressed to. */
  readonly recipients: number;
  /** Entries, and their bytes, that a connection may have in flight, unacknowledged. */
  readonly window: number;
  readonly windowBytes: number;
  /** Items a second of one name, and how many at once. */
  readonly rate: number;
  readonly burst: number;
  /** Peers online, and names known. */
  readonly online: number;
  readonly names: number;
  /** Retention of the log, in entries, days and MiB: the first bound that is reached counts. */
  readonly logEntries: number;
  readonly logDays: number;
  readonly logMebibytes: number;
  /** Percent of the log that one name may add in 24 hours; 0: no bound. */
  readonly share: number;
  /** The longest time in ms that a message in a busy room waits for others to be committed with it. */
  readonly commitInterval: number;
}

/** Entries that one turn scans for peers that are behind, and one `history` for its page. */
export const SCAN_ENTRIES = 5_000;
/**
 * Bytes of rows after which a scan reads no further one. Reading and parsing a row takes about 2 ms a MiB, in which no
 * other peer is served.
 */
export const SCAN_BYTES = 256 * KIB;
/** Bytes that one connection may be sent at once, and its refill a second. */
export const BUDGET_BYTES = 4 * MIB;
export const BUDGET_BYTES_PER_SECOND = 4 * MIB;
/** No ack for this long, with something in flight, means a dead link. */
export const STALL_MS = 90 * SECOND;
/** Bytes sent to a `chat.v1` connection from one mark to the next. */
export const STRETCH_BYTES = 256 * KIB;
