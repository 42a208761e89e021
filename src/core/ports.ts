/**
 * The ports to what outlives memory: the log (everybody's mailbox), the directory of names, and the
 * transaction around both. `store/` implements them on SQLite; one contract suite runs against every
 * implementation.
 *
 * Invariants of an implementation:
 * - Nothing is visible to a later instance before `atomically` returned; if it throws, nothing of it stays,
 *   and this instance is not to be used again.
 * - `seq` rises by one per entry and is never used twice within an epoch.
 * - The newest entry is never trimmed.
 */
import type { Entry } from "./entry.ts";
import type { ConnectionId, ConnectionRef, PeerName, RoomName, Seq } from "../protocol/ids.ts";
import type { Dialect, ServerMessage, Session } from "./event.ts";

/** A stretch of the log, read as far as the reader wants. */
export interface Scan {
  /**
   * The stretch ends here: with this entry when reading forward, just above it when reading backward. To be asked when
   * the entries were taken: much to read makes it short.
   */
  readonly end: Seq;
  /** Bytes that had to be read so far. */
  readonly bytes: number;
  /** Entry by entry in reading order. May hold entries that concern nobody who asked: the reader decides. */
  readonly entries: Iterable<Entry>;
}

/** Whom a part of the log concerns. */
export interface Audience {
  /** The last entry for everyone; 0 if there is none. */
  readonly everyone: Seq;
  /** Of each name that the others concern, the last one. */
  readonly personal: ReadonlyMap<PeerName, Seq>;
}

/** What the log may hold; beyond it, the oldest goes. */
export interface Retention {
  readonly entries: number;
  readonly ageMs: number;
  readonly bytes: number;
}

export interface Log {
  /** The newest entry; 0 before the first. */
  readonly head: Seq;
  /** The `at` of the newest entry; 0 before the first. */
  readonly headAt: number;
  /** The oldest entry still kept; `head + 1` if none is. */
  readonly first: Seq;
  /** What retention counts; the times are ms since 1970, undefined if no entry is kept. */
  readonly extent: { readonly bytes: number; readonly oldestAt: number | undefined };
  /** Adds entries, the first at `head + 1`. Only inside `atomically`. */
  append(entries: readonly Entry[]): void;
  /** Drops the oldest segments beyond `retention`, never the newest. Only inside `atomically`. */
  trim(retention: Retention, now: number): void;
  /** @returns the entry at `seq`; undefined if it is no longer kept, or not there yet */
  find(seq: Seq): Entry | undefined;
  /**
   * Puts `entry` in the place of the one that has its `seq`. Only inside `atomically`. Costs one row. Retention by size
   * may go on counting what was there.
   */
  replace(entry: Entry): void;
  /**
   * Reads forward from just above `seq`, about `SCAN_ENTRIES` far or to the head; less far if about `SCAN_BYTES` were
   * read before. What holds nothing for `name` may be skipped unread; without a name, nothing is.
   */
  after(seq: Seq, name?: PeerName): Scan;
  /** Reads backward from just below `seq`, as far as `after` does, what is for everyone included. */
  before(seq: Seq, name: PeerName): Scan;
  /** Whom the entries above `seq` concern, and maybe some below. Reads the log's index, and no entry. */
  audienceAbove(seq: Seq): Audience;
}

/** What the room remembers of a name. */
export interface MemberRecord {
  /** Hash of the key that claimed the name; empty if it was claimed without one. */
  readonly owner: string;
  /** The head when the name was claimed: entries at or below it never concern this owner. */
  readonly birth: Seq;
  /** Everything up to here is processed. A lower bound: a crash can only repeat. */
  readonly cursor: Seq;
  /** When it was last seen, ms since 1970. */
  readonly seen: number;
  /** What it had added to the log of late when that was. */
  readonly spent: QuotaUsage;
}

/** Where a name stands, at the moment at which that is saved. */
export type Progress = Pick<MemberRecord, "cursor" | "seen" | "spent">;

/** A name that may be forgotten, and when it was last seen, ms since 1970. */
export interface Candidate {
  readonly name: PeerName;
  readonly seen: number;
}

/** Changes are seen by `find` at once, and written by the next `atomically`. */
export interface Directory {
  /** Something waits for the next `atomically`. */
  readonly isChanged: boolean;
  find(name: PeerName): MemberRecord | undefined;
  /** How many names are known. */
  count(): number;
  /** Remembers a new name. Costs one row. */
  claim(name: PeerName, known: MemberRecord): void;
  /** Remembers where a known name stopped. Costs one row. */
  save(name: PeerName, standing: Progress): void;
  /** Costs one row. */
  forget(name: PeerName): void;
  /** Names above `after`, sorted by their UTF-8 bytes, at most `limit`. */
  page(after: string, limit: number): PeerName[];
  /**
   * Names that may be forgotten, best first: who could only get a gap, who has nothing waiting, who has been away
   * since before `awayBefore`; within each, longest away first. Judged by what is committed. Reads the whole directory
   * and the log's index.
   */
  forgettable(awayBefore: number): Candidate[];
  /**
   * How many names have something waiting, of those that are not in `online`. Judged by what is committed. Reads the
   * whole directory and the log's index.
   */
  waiting(online: { has(name: PeerName): boolean }): number;
  /**
   * Saves where all online stand, in one row, along with what the last one said of those who have not come back
   * since. Of it and `save`, the later counts. Only inside `atomically`.
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
   * Erases everything, all or nothing. This instance is not to be used again: the next one has another id.
   * @throws what the storage throws
   */
  erase(): void;
}
/** What must outlive hibernation for one connection. */
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
/** The port to the sockets. No verb throws; a connection that is gone takes everything silently. */
export interface Connections {
  /** Lets a joining connection in. */
  open(memo: ConnectionSnapshot): void;
  /** Hands over one turn's frame. @returns its length in bytes; undefined if the connection is not open any more */
  send(id: ConnectionId, outs: readonly ServerMessage[]): number | undefined;
  saveSnapshot(memo: ConnectionSnapshot): void;
  /** Ends a connection, or turns a joining one away. For good: it never comes back, through a wake neither. */
  close(id: ConnectionId, code: number, reason: string): void;
  /** A random token for the stream of a connection, 8 characters of `A-Za-z0-9_-`. */
  token(id: ConnectionId): string;
  /** When the connection last sent `ping`, ms since 1970; undefined if it never did. */
  pinged(id: ConnectionId): number | undefined;
}

/** What a name has added to the log of late, oldest slot first. Plain data. */
export type QuotaUsage = readonly QuotaSlot[];

/** What was added in `SHARE_SLOT_MS` from `at` on, ms since 1970. */
export interface QuotaSlot {
  readonly at: number;
  readonly entries: number;
  readonly bytes: number;
}
