/**
 * The pump: the one way by which entries reach a peer, live or replayed.
 *
 * Invariants:
 * - The next thing that a peer gets is the next entry that concerns it (cursor.ts has the positions).
 * - Replies go before entries, so an `error` never follows the confirmation of a later message.
 * - A peer that needs an unreadable row is closed (`failed`); other peers are not affected, and the row is never skipped.
 * - A full window or a spent budget keeps nothing in memory: the peer falls behind and goes on from the log.
 */
import { addSeq, type PeerName, type Seq } from "../../protocol/ids.ts";
import { concerns, type Entry, isOperatorPatch } from "../entry.ts";
import type { PendingReply, ServerMessage } from "../event.ts";
import {
  BUDGET_BYTES_PER_SECOND,
  KIB,
  MIB,
  SCAN_ENTRIES,
  SECOND,
  STRETCH_BYTES,
} from "../limits.ts";
import { OUTGOING, type Peer, type Peers } from "../peers/peers.ts";
import { refill } from "../peers/token-bucket.ts";
import type { Log } from "../ports.ts";
import { audienceOf } from "./audience.ts";
import { advance, catchUp, cursorOf, fallBehind, sentOf } from "./cursor.ts";
import type { FlowControl } from "./flow-control.ts";
import type { Proof } from "./proof.ts";
import { GAP_BYTES, type PumpState } from "./pump-state.ts";
import { ReadyReports } from "./ready-reports.ts";
import type { TurnOutput } from "./turn-output.ts";

/** Bytes of replies after which one turn begins no further one: the next turn, with its messages, goes in between. */
export const TURN_REPLY_BYTES = MIB;

/** Bytes of the log that one turn reads and stages for all peers that are behind; after that no further page is begun. */
export const TURN_REPLAY_BYTES = 512 * KIB;

/** A spent budget is used again once it holds this much: the peer gets pages, not drops. */
export const BUDGET_RESUME_BYTES = 256 * KIB;

/** Builds the message that answers a query, or reports an error. Second: about how many bytes that is. */
export type ReplyBuilder = (peer: Peer, reply: PendingReply) => readonly [ServerMessage, number];

type Entries = Extract<ServerMessage, { type: "entries" }>;

export class Pump {
  readonly #peers: Peers;
  readonly #log: Log;
  readonly #output: TurnOutput;
  readonly #flow: FlowControl;
  readonly #proof: Proof;
  readonly #ready: ReadyReports;
  readonly #state: PumpState;
  /** Peers that could not be served in this turn, each with the error. */
  readonly #failed = new Map<Peer, unknown>();

  constructor(
    peers: Peers,
    log: Log,
    sending: { readonly output: TurnOutput; readonly flow: FlowControl; readonly proof: Proof },
    state: PumpState,
  ) {
    this.#peers = peers;
    this.#log = log;
    this.#output = sending.output;
    this.#flow = sending.flow;
    this.#proof = sending.proof;
    this.#ready = new ReadyReports(peers, sending.output, state);
    this.#state = state;
  }

  /** Returns the last entry that was considered for `peer`. */
  sentOf(peer: Peer): Seq {
    return sentOf(peer, this.#state.served);
  }

  /** Returns the position up to which `peer` has processed everything. */
  cursorOf(peer: Peer): Seq {
    return cursorOf(peer, this.#state.served);
  }

  /** Queues a reply to `peer`; it goes out in this turn if the budget allows. */
  reply(peer: Peer, reply: PendingReply): void {
    peer.pendingReplies.push(reply);
    this.schedule(peer);
  }

  /** Serves `peer` in this turn. */
  schedule(peer: Peer): void {
    this.#state.runnable.add(peer.link.name);
  }

  /** Takes a cumulative ack up to `seq`, which must not be above the head. @returns whether it advanced anything */
  ack(peer: Peer, seq: Seq, now: number): boolean {
    if (seq <= peer.acked) return false;
    this.#flow.onAcked(peer, seq, now);
    this.#output.saveSnapshot(peer);
    if (!peer.live) {
      // After a wake the room does not know how much it sent: the ack shows it.
      advance(peer, seq);
      this.schedule(peer);
    }
    return true;
  }

  /** Frees what the peer held; it was removed. */
  release(peer: Peer): void {
    this.#flow.release(peer);
    this.#proof.release(peer);
    this.#state.runnable.delete(peer.link.name);
    this.#state.throttled.delete(peer.link.name);
  }

  /** When `serve` is due next, ms since 1970; undefined if no peer waits to be served. */
  due(now: number): number | undefined {
    const { runnable, throttled } = this.#state;
    if (runnable.size > 0) return now;
    const times = [...throttled.values()];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Stages what this turn sends: replies, the new entries, pages of the log.
   * @param fresh the entries appended in this turn; the log ends with them
   */
  serve(fresh: readonly Entry[], build: ReplyBuilder, now: number): void {
    const { runnable, throttled } = this.#state;
    for (const [name, due] of throttled) {
      if (due > now) continue;
      throttled.delete(name);
      runnable.add(name);
    }
    let left = TURN_REPLY_BYTES;
    for (const name of runnable) {
      if (left <= 0) break;
      const peer = this.#peers.get(name);
      if (peer !== undefined) left -= this.sendReplies(peer, build, now, left);
    }
    if (fresh.length > 0) this.#deliverLive(fresh, now);
    this.#state.served = this.#log.head;
    this.#replay(now);
    if (fresh.length > 0) this.#ready.sweep(fresh.length, now);
  }

  /** Returns the peers that could not be served, each with the error. Close them after what was read has been sent. */
  failed(): [Peer, unknown][] {
    const failed = [...this.#failed];
    this.#failed.clear();
    return failed;
  }

  /** Sends `gap` up to `to`, which the log no longer holds. @returns false if the window has no place for that yet */
  gap(peer: Peer, to: Seq, now: number): boolean {
    if (!this.#fits(peer, GAP_BYTES, now)) return false;
    const from = addSeq(peer.sent, 1);
    this.#flow.onSent(peer, to, GAP_BYTES, peer.sent, now);
    this.#output.stage(peer, { type: "gap", from, to }, GAP_BYTES);
    advance(peer, to);
    return true;
  }

  /**
   * Stages the pending replies of `peer`, as far as its budget goes.
   * @param most bytes after which no further one is begun
   * @returns about how many bytes they have
   */
  sendReplies(peer: Peer, build: ReplyBuilder, now: number, most = Infinity): number {
    refill(peer.budget, OUTGOING, now);
    let count = 0;
    let staged = 0;
    try {
      for (const reply of peer.pendingReplies) {
        if (peer.budget.level <= 0 || staged >= most) break;
        // More than a stretch at once would be sent before the first mark can be shown.
        const isStretch = staged >= STRETCH_BYTES && peer.dialect === "chat.v1";
        if (isStretch || !this.#proof.maySend(peer)) break;
        const [message, bytes] = build(peer, reply);
        this.#output.stage(peer, message, bytes);
        staged += bytes;
        count++;
      }
    } catch (error) {
      this.#failed.set(peer, error);
    }
    peer.pendingReplies.splice(0, count);
    return staged;
  }

  #deliverLive(fresh: readonly Entry[], now: number): void {
    const { everyone, personal } = audienceOf(fresh);
    if (everyone.length === 0) {
      for (const [name, entries] of personal) {
        const peer = this.#peers.get(name);
        if (peer?.live) this.#stageEntries(peer, { type: "entries", entries }, now);
      }
      return;
    }
    // One object for all peers that get the same, so that its text is made once.
    const shared: Entries = { type: "entries", entries: everyone, shared: true };
    for (const peer of this.#peers.values()) {
      if (!peer.live) continue;
      const entries = personal.get(peer.link.name);
      const message: Entries = entries === undefined ? shared : { type: "entries", entries };
      this.#stageEntries(peer, message, now);
    }
  }

  /** Stages new entries for a live peer; with the first that does not fit, the peer falls behind. */
  #stageEntries(peer: Peer, message: Entries, now: number): void {
    // A peer that joined in this very turn has been considered for the entries before it.
    const { entries } =
      peer.sent > this.#state.served
        ? { entries: message.entries.filter((entry) => entry.seq > peer.sent) }
        : message;
    refill(peer.budget, OUTGOING, now);
    let count = 0;
    for (const entry of entries) {
      if (!this.#reserve(peer, entry, now)) {
        fallBehind(peer, addSeq(entry.seq, -1));
        break;
      }
      count++;
    }
    if (count === message.entries.length) this.#stage(peer, message);
    else if (count > 0) this.#stage(peer, { type: "entries", entries: entries.slice(0, count) });
  }

  /** Serves the runnable peers in turn: at most a stretch of the log, and at most so many bytes of it. */
  #replay(now: number): void {
    const { runnable } = this.#state;
    let scanned = 0;
    let staged = 0;
    // A copy: a peer that is not done yet is put back at the end, for the next turn.
    for (const name of Array.from(runnable)) {
      if (scanned >= SCAN_ENTRIES || staged >= TURN_REPLAY_BYTES) return;
      runnable.delete(name);
      const peer = this.#peers.get(name);
      if (peer === undefined) continue;
      if (!peer.live) {
        const page = this.#page(peer, now);
        scanned += page.passed;
        staged += page.bytes;
      }
      this.#ready.maybeSend(peer, now);
      if (peer.pendingReplies.length === 0) continue;
      // Its replies wait for a mark to be shown, for its budget, or for their turn behind others.
      if (!this.#proof.maySend(peer)) continue;
      if (peer.budget.level > 0) this.schedule(peer);
      else this.#throttle(peer, now);
    }
  }

  /** Stages one page of the log. @returns how many entries were passed, and the bytes read and staged */
  #page(peer: Peer, now: number): { readonly passed: number; readonly bytes: number } {
    const { first, head } = this.#log;
    const start = peer.sent;
    if (addSeq(start, 1) < first && !this.gap(peer, addSeq(first, -1), now)) {
      this.#throttle(peer, now);
      return { passed: 0, bytes: 0 };
    }
    const scan = this.#log.after(peer.sent, peer.link.name);
    const page: Entry[] = [];
    let full = false;
    try {
      for (const entry of scan.entries) {
        if (entry.seq > peer.birth && concerns(entry, peer.link.name)) {
          full = !this.#reserve(peer, entry, now);
          if (full) {
            advance(peer, addSeq(entry.seq, -1));
            break;
          }
          page.push(entry);
        }
        advance(peer, entry.seq);
      }
      if (!full) advance(peer, scan.end);
    } catch (error) {
      this.#failed.set(peer, error);
    }
    if (page.length > 0) this.#stage(peer, { type: "entries", entries: page });
    const bytes = page.reduce((sum, entry) => sum + entry.bytes, 0) + scan.bytes;
    const served = { passed: peer.sent - start, bytes };
    if (this.#failed.has(peer)) return served;
    if (peer.sent >= head) catchUp(peer);
    else if (full) this.#throttle(peer, now);
    else this.schedule(peer);
    return served;
  }

  /** Reserves window and budget for one entry. @returns false if it does not fit */
  #reserve(peer: Peer, entry: Entry, now: number): boolean {
    if (!this.#fits(peer, entry.bytes, now)) return false;
    this.#flow.onSent(peer, entry.seq, entry.bytes, addSeq(entry.seq, -1), now);
    this.#output.charge(peer, entry.bytes + 1);
    return true;
  }

  #fits(peer: Peer, bytes: number, now: number): boolean {
    if (!this.#proof.maySend(peer)) return false;
    if (peer.budget.level <= 0 || peer.pendingReplies.length > 0) {
      this.#throttle(peer, now);
      return false;
    }
    return this.#flow.hasRoom(peer, bytes);
  }

  /** Stages entries that were reserved. A line gets no quiet ones, and its own only if it named itself. */
  #stage(peer: Peer, message: Entries): void {
    let staged = message;
    if (peer.dialect === "chat.line") {
      const me = peer.link.name;
      const entries = message.entries.filter((entry) => isShownOnLine(entry, me));
      if (entries.length === 0) return;
      staged = entries.length === message.entries.length ? message : { type: "entries", entries };
      this.#output.saveSnapshot(peer);
    }
    this.#output.stage(peer, staged, 0);
  }

  /** A peer without budget is retried once the budget has refilled; a peer with a full window resumes with its next ack. */
  #throttle(peer: Peer, now: number): void {
    const level = refill(peer.budget, OUTGOING, now);
    if (level > 0) return;
    const wait = ((BUDGET_RESUME_BYTES - level) / BUDGET_BYTES_PER_SECOND) * SECOND;
    this.#state.throttled.set(peer.link.name, now + Math.ceil(wait));
  }
}

/** A line knows its own messages, but not that an operator has erased one. */
const isShownOnLine = (entry: Entry, me: PeerName): boolean =>
  !entry.quiet && (entry.from !== me || isOperatorPatch(entry) || entry.to?.includes(me) === true);
