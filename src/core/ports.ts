/**
 * The ports of the core: the storage (the log, the directory of names, and the transaction around both) and the
 * connections. `store/` implements the storage on SQLite; one contract suite runs against every implementation.
 *
 * Invariants of a storage:
 * - Nothing is visible to a later instance before `transaction` returned. If it throws, nothing of it stays, and this
 *   instance must not be used again.
 * - `seq` rises by one per entry and is never used twice within an epoch.
 * - The newest entry is never trimmed.
 */
import type { Entry } from "./entry.ts";
import type { ConnectionId, ConnectionRef, PeerName, RoomName, Seq } from "../protocol/ids.ts";
import type { Dialect, ServerMessage, Session } from "./event.ts";

/** A stretch of the log, read as far as the reader wants. */
export interface Scan {
  /**
   * The end of the stretch: this entry when reading forward, just above it when reading backward. Read it after the
   * entries were taken: a scan that has to read much ends early.
   */
  readonly end: Seq;
  /** Bytes of rows read so far. */
  readonly bytes: number;
  /** The entries in reading order. Some may not concern the name that was given: the reader checks. */
  readonly entries: Iterable<Entry>;
}

/** The names that a part of the log concerns. */
export interface Audience {
  /** The last entry for everyone; 0 if there is none. */
  readonly everyone: Seq;
  /** The last addressed entry of each name that one concerns. */
  readonly personal: ReadonlyMap<PeerName, Seq>;
}

/** The bounds of the log; beyond them, the oldest entries are trimmed. */
export interface Retention {
  readonly entries: number;
  readonly ageMs: number;
  readonly bytes: number;
}

/** An entry, and the bytes of the stored row that was read for it. */
export interface Found {
  readonly entry: Entry;
  readonly rowBytes: number;
}

export interface Log {
  /** The newest entry; 0 before the first. */
  readonly head: Seq;
  /** The `at` of the newest entry; 0 before the first. */
  readonly headAt: number;
  /** The oldest entry still kept; `head + 1` if none is. */
  readonly first: Seq;
  /** The size and the age that retention counts; times are ms since 1970, undefined if no entry is kept. */
  readonly extent: { readonly bytes: number; readonly oldestAt: number | undefined };
  /**
   * Adds entries, the first at `head + 1`, and replaces older ones by those of `changed`, each by its `seq`. Costs one row
   * for the new entries, and one for each older row that is touched; rows that grow long are split, and cost one a part.
   * Retention by size counts the larger of an entry's old and new size. Only inside `transaction`.
   */
  append(entries: readonly Entry[], changed?: readonly Entry[]): void;
  /** Drops the oldest segments beyond `retention`, never the newest. Only inside `transaction`. */
  trim(retention: Retention, now: number): void;
  /**
   * @returns the entry at `seq`; undefined if it is no longer kept, or not there yet
   * @throws if its row cannot be read
   */
  find(seq: Seq): Found | undefined;
  /**
   * Reads forward from just above `seq`, about `SCAN_ENTRIES` far or to the head; less far if about `SCAN_BYTES` were
   * read before. Rows without an entry for `name` may be skipped unread; without a name, none are.
   */
  after(seq: Seq, name?: PeerName): Scan;
  /** Reads backward from just below `seq`, as far as `after` does, entries for everyone included. */
  before(seq: Seq, name: PeerName): Scan;
  /** Returns the audience of the entries above `seq`, and maybe of some below. Reads the log's index, and no entry. */
  audienceAbove(seq: Seq): Audience;
}

/** The stored record of a name. */
export interface MemberRecord {
  /** Hash of the key that claimed the name; empty if it was claimed without one. */
  readonly owner: string;
  /** The head when the name was claimed: entries at or below it never concern this owner. */
  readonly birth: Seq;
  /** Everything up to here is processed. A lower bound: a crash can only repeat. */
  readonly cursor: Seq;
  /** When it was last seen, ms since 1970. */
  readonly seen: number;
  /** Its quota used at that time. */
  readonly spent: QuotaUsage;
}

/** The changing part of a record, as it is saved. */
export type Progress = Pick<MemberRecord, "cursor" | "seen" | "spent">;

/** A name that may be evicted, and when it was last seen, ms since 1970. */
export interface Candidate {
  readonly name: PeerName;
  readonly seen: number;
}

/** The directory of names. `find` sees changes at once; the next `transaction` writes them. */
export interface Directory {
  /** Some change waits for the next `transaction`. */
  readonly isChanged: boolean;
  find(name: PeerName): MemberRecord | undefined;
  /** Returns how many names are known. */
  count(): number;
  /** Adds a new name. Costs one row. */
  claim(name: PeerName, record: MemberRecord): void;
  /** Saves the progress of a known name. Costs one row. */
  save(name: PeerName, progress: Progress): void;
  /** Removes a name. Costs one row. */
  forget(name: PeerName): void;
  /** Names above `after`, sorted by their UTF-8 bytes, at most `limit`. */
  page(after: string, limit: number): PeerName[];
  /**
   * Returns names that may be evicted, best first: those that could only get a gap, those that nothing waits for, those
   * that have been away since before `awayBefore`; within each group, longest away first. Judged by committed rows. Reads
   * the whole directory and the log's index.
   */
  forgettable(awayBefore: number): Candidate[];
  /**
   * Returns for how many names messages wait, of those that are not in `online`. Judged by committed rows. Reads the whole
   * directory and the log's index.
   */
  waiting(online: { has(name: PeerName): boolean }): number;
  /**
   * Saves the progress of all online names in one row. It carries on the previous checkpoint for names that have not
   * returned since. Of it and `save`, the later one counts. Only inside `transaction`.
   */
  checkpoint(online: ReadonlyMap<PeerName, Omit<Progress, "seen">>): void;
}

export interface Storage {
  /** A random id of this database: another one means that every cursor is void. */
  readonly id: string;
  readonly log: Log;
  readonly directory: Directory;
  /** Runs `work` and writes the directory's changes, all or nothing. @throws what the storage throws */
  transaction(work: () => void): void;
  /**
   * Erases everything, all or nothing. This instance must not be used again: the next one has another id.
   * @throws what the storage throws
   */
  erase(): void;
}

/** The state of one connection that outlives hibernation. Its fields are stored: they keep their names. */
export interface ConnectionSnapshot {
  readonly link: ConnectionRef;
  readonly room: RoomName;
  readonly dialect: Dialect;
  readonly session: Session | undefined;
  readonly expiresAt: number | undefined;
  readonly birth: Seq;
  readonly welcomeHead: Seq;
  readonly ready: boolean;
  readonly acked: Seq;
  readonly spent: QuotaUsage;
  /** Bytes sent since the newest mark (proof.ts). */
  readonly tail: number;
}

/** The port to the sockets. No method throws; a connection that has ended takes everything silently. */
export interface Connections {
  /** Accepts a joining connection. */
  open(snapshot: ConnectionSnapshot): void;
  /** Sends the frame of one turn. @returns its length in bytes; undefined if the connection is not open any more */
  send(id: ConnectionId, messages: readonly ServerMessage[]): number | undefined;
  saveSnapshot(snapshot: ConnectionSnapshot): void;
  /** Closes a connection, or rejects a joining one, for good: it does not return after a wake either. */
  close(id: ConnectionId, code: number, reason: string): void;
  /** Returns a random token for the stream of a connection, 8 characters of `A-Za-z0-9_-`. */
  token(id: ConnectionId): string;
  /** Returns when the connection last sent `ping`, ms since 1970; undefined if it never did. */
  pinged(id: ConnectionId): number | undefined;
}

/** Entries and bytes that a name has added to the log in the last 24 hours, oldest slot first. Plain data. */
export type QuotaUsage = readonly QuotaSlot[];

/** Entries and bytes added in `SHARE_SLOT_MS` from `at` on, ms since 1970. */
export interface QuotaSlot {
  readonly at: number;
  readonly entries: number;
  readonly bytes: number;
}
