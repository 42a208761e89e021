/**
 * The pump: the one way by which entries reach a peer, live or replayed.
 *
 * Invariants:
 * - `acked ≤ sent ≤ head`. What concerns the peer in (acked, sent] is in flight. With nothing in flight everything up
 *   to `sent` is processed: up to `sent`, never up to the head.
 * - A live peer has been considered for every entry up to `served`; a peer that is behind, up to its own `sent`.
 *   Either way the next thing it gets is the next entry that concerns it.
 * - Answers go before entries, so an `error` never follows the confirmation of a later message.
 * - Whoever needs what the storage cannot read ends alone (`failed`), and nothing is passed over for them.
 * - A full window or a spent budget keeps nothing in memory: the peer falls behind and goes on from the log.
 */
import { refill } from "../peers/token-bucket.ts";
import type { Entry } from "../entry.ts";
import { concerns } from "../entry.ts";
import type { PendingReply, ServerMessage } from "../event.ts";
import { countInFlight } from "../peers/in-flight.ts";
import type { FlowControl } from "./flow-control.ts";
import { BUDGET_BYTES_PER_SECOND, SCAN_ENTRIES, SECOND, STRETCH_BYTES } from "../limits.ts";
import { maxSeq, type ConnectionRef, type PeerName, type Seq, addSeq } from "../../protocol/ids.ts";
import { type TurnOutput } from "./outbox.ts";
import { OUTGOING } from "../peers/peers.ts";
import type { Peer, Peers } from "../peers/peers.ts";
import type { Proof } from "./proof.ts";
import type { Log } from "../ports.ts";
import { KIB, MIB } from "../limits.ts";

/** Entries that may pass a peer before `ready` tells it so. */
export const READY_ENTRIES = 1_000;

/** Entries in which everyone is looked at once, whether `ready` is due to them. */
export const SWEEP_ENTRIES = 32;

/** The size at which a `gap` counts in a window. */
export const GAP_BYTES = 64;

/** Bytes of answers that one turn gives to all together: the next turn, with what others say, goes in between. */
export const TURN_ANSWER_BYTES = MIB;

/** Bytes of the past that one turn reads and gives, to all who are behind together; after that no further page is begun. */
export const TURN_REPLAY_BYTES = 512 * KIB;

/** Once spent, the budget is waited for until it holds this much: pages, not drops. */
export const BUDGET_RESUME_BYTES = 256 * KIB;

/** Puts an answer into words. Second: about how many bytes that is. */
export type ReplyBuilder = (peer: Peer, answer: PendingReply) => readonly [ServerMessage, number];

/** Plain data. */
export interface PumpState {
  /** The head up to which live peers have been served. */
  served: Seq;
  /** Who can be served more: an answer waits, or it is behind and may be handed something. */
  readonly runnable: Set<PeerName>;
  /** Whose budget is spent, and when it will do for a page again. */
  readonly throttled: Map<PeerName, number>;
  /** Who is still to be looked at in this round, last first, and how many the round began with. */
  readonly sweep: { rest: ConnectionRef[]; size: number };
}

export const initialPump = (): PumpState => ({
  served: 0 as Seq,
  runnable: new Set(),
  throttled: new Map(),
  sweep: { rest: [], size: 0 },
});

export class Pump {
  readonly #peers: Peers;
  readonly #log: Log;
  readonly #outbox: TurnOutput;
  readonly #flow: FlowControl;
  readonly #proof: Proof;
  readonly #state: PumpState;
  /** Of this turn. */
  readonly #failed = new Map<Peer, unknown>();

  constructor(
    peers: Peers,
    log: Log,
    {
      outbox,
      flow,
      proof,
    }: { readonly outbox: TurnOutput; readonly flow: FlowControl; readonly proof: Proof },
    state: PumpState,
  ) {
    this.#peers = peers;
    this.#log = log;
    this.#outbox = outbox;
    this.#flow = flow;
    this.#proof = proof;
    this.#state = state;
  }

  /** The head up to which live peers have been served. */
  get served(): Seq {
    return this.#state.served;
  }

  /** The last entry that was considered for `peer`. */
  sentOf(peer: Peer): Seq {
    return peer.live ? maxSeq(peer.sent, this.#state.served) : peer.sent;
  }

  /** Everything up to here is processed by `peer`. */
  cursorOf(peer: Peer): Seq {
    return countInFlight(peer.flight) === 0 && !peer.sendFailed ? this.sentOf(peer) : peer.acked;
  }

  /** Owes `peer` an answer; it goes out in this turn if the budget allows. */
  reply(peer: Peer, answer: PendingReply): void {
    peer.pendingReplies.push(answer);
    this.schedule(peer);
  }

  /** Serves `peer` in this turn. */
  schedule(peer: Peer): void {
    this.#state.runnable.add(peer.link.name);
  }

  /** Believes a cumulative ack up to `seq`, which must not be above the head. @returns whether it advanced anything */
  ack(peer: Peer, seq: Seq, now: number): boolean {
    if (seq <= peer.acked) return false;
    this.#flow.onAcked(peer, seq, now);
    this.#outbox.saveSnapshot(peer);
    if (!peer.live) {
      // After a wake the room has forgotten how much it sent: the ack tells.
      peer.sent = maxSeq(peer.sent, seq);
      this.schedule(peer);
    }
    return true;
  }

  /** The peer was removed. */
  release(peer: Peer): void {
    this.#flow.release(peer);
    this.#proof.release(peer);
    this.#state.runnable.delete(peer.link.name);
    this.#state.throttled.delete(peer.link.name);
  }

  /** When `serve` is wanted next, ms since 1970; undefined if nothing waits. */
  due(now: number): number | undefined {
    const { runnable, throttled } = this.#state;
    if (runnable.size > 0) return now;
    const times = [...throttled.values()];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Hands out what this turn brought: answers, the new entries, pages of the log.
   * @param fresh   the entries appended in this turn; the log ends with them
   */
  serve(fresh: readonly Entry[], compute: ReplyBuilder, now: number): void {
    const { runnable, throttled } = this.#state;
    for (const [name, due] of throttled) {
      if (due > now) continue;
      throttled.delete(name);
      runnable.add(name);
    }
    let left = TURN_ANSWER_BYTES;
    for (const name of runnable) {
      if (left <= 0) break;
      const peer = this.#peers.get(name);
      if (peer !== undefined) left -= this.sendReplies(peer, compute, now, left);
    }
    if (fresh.length > 0) this.#deliverLive(fresh, now);
    this.#state.served = this.#log.head;
    this.#replay(now);
  }

  /** Who could not be served in this turn, and why; to be ended when what was read for them has left. */
  failed(): [Peer, unknown][] {
    const failed = [...this.#failed];
    this.#failed.clear();
    return failed;
  }

  /**
   * Tells those whom nothing concerned for long how far they are. A share of all is looked at with each entry, so that a
   * large room is not told in one turn; who comes meanwhile is looked at in the next round.
   * @param entries how many came in this turn
   */
  sweep(entries: number, now: number): void {
    const { sweep } = this.#state;
    if (sweep.rest.length === 0 || entries >= SWEEP_ENTRIES) {
      sweep.rest = Array.from(this.#peers.values(), ({ link }) => link);
      sweep.size = sweep.rest.length;
    }
    const share = Math.ceil((sweep.size * entries) / SWEEP_ENTRIES);
    for (const link of sweep.rest.splice(-share)) {
      const peer = this.#peers.current(link);
      if (peer?.ready === true) this.#maybeSendReady(peer, now);
    }
  }

  /** A stretch of the log that `peer` can no longer have. @returns false if its window has no place for that yet */
  gap(peer: Peer, to: Seq, now: number): boolean {
    if (!this.#fits(peer, GAP_BYTES, now)) return false;
    const from = addSeq(peer.sent, 1);
    this.#flow.onSent(peer, to, GAP_BYTES, peer.sent, now);
    this.#outbox.stage(peer, { type: "gap", from, to }, GAP_BYTES);
    peer.sent = to;
    return true;
  }

  /**
   * Stages the answers that the peer is owed, as far as its budget goes.
   * @param most bytes after which no further one is begun
   * @returns about how many bytes they have
   */
  sendReplies(peer: Peer, compute: ReplyBuilder, now: number, most = Infinity): number {
    refill(peer.budget, OUTGOING, now);
    let paid = 0;
    let staged = 0;
    try {
      for (const answer of peer.pendingReplies) {
        if (peer.budget.level <= 0 || staged >= most) break;
        // So much at once would be sent before the first mark can be shown.
        const isStretch = staged >= STRETCH_BYTES && peer.dialect === "chat.v1";
        if (isStretch || !this.#proof.maySend(peer)) break;
        const [out, bytes] = compute(peer, answer);
        this.#outbox.stage(peer, out, bytes);
        staged += bytes;
        paid++;
      }
    } catch (error) {
      this.#failed.set(peer, error);
    }
    peer.pendingReplies.splice(0, paid);
    return staged;
  }

  #deliverLive(fresh: readonly Entry[], now: number): void {
    const everyone: Entry[] = [];
    const personal = new Map<PeerName, Entry[]>();
    for (const { to, from } of fresh) {
      if (to === undefined) continue;
      if (!personal.has(from)) personal.set(from, []);
      for (const name of to) if (!personal.has(name)) personal.set(name, []);
    }
    for (const entry of fresh) {
      if (entry.to === undefined) {
        everyone.push(entry);
        for (const list of personal.values()) list.push(entry);
      } else {
        personal.get(entry.from)?.push(entry);
        for (const name of entry.to) if (name !== entry.from) personal.get(name)?.push(entry);
      }
    }
    if (everyone.length === 0) {
      for (const [name, list] of personal) {
        const peer = this.#peers.get(name);
        if (peer?.live) this.#stageEntries(peer, { type: "entries", entries: list }, now);
      }
      return;
    }
    // One object for all who get just the same, so that its text is made once.
    const shared: ServerMessage = { type: "entries", entries: everyone, shared: true };
    for (const peer of this.#peers.values()) {
      if (!peer.live) continue;
      const list = personal.get(peer.link.name);
      this.#stageEntries(
        peer,
        list === undefined ? shared : { type: "entries", entries: list },
        now,
      );
    }
  }

  /** Hands new entries to a live peer; with the first that does not fit, it falls behind. */
  #stageEntries(peer: Peer, out: Extract<ServerMessage, { type: "entries" }>, now: number): void {
    // A peer that joined in this very turn has been considered for the entries before it.
    const { entries } =
      peer.sent > this.#state.served
        ? { entries: out.entries.filter((entry) => entry.seq > peer.sent) }
        : out;
    refill(peer.budget, OUTGOING, now);
    let handed = 0;
    for (const entry of entries) {
      if (!this.#reserve(peer, entry, now)) {
        peer.live = false;
        peer.sent = addSeq(entry.seq, -1);
        break;
      }
      handed++;
    }
    if (handed === out.entries.length) this.#report(peer, out);
    else if (handed > 0) this.#report(peer, { type: "entries", entries: entries.slice(0, handed) });
  }

  /** Serves who is hungry, in turn: a bounded stretch of the log, and a bounded length of what is handed out of it. */
  #replay(now: number): void {
    const { runnable } = this.#state;
    let scanned = 0;
    let handed = 0;
    // A copy: who is not done yet is put back at the end, for the next turn.
    for (const name of Array.from(runnable)) {
      if (scanned >= SCAN_ENTRIES || handed >= TURN_REPLAY_BYTES) return;
      runnable.delete(name);
      const peer = this.#peers.get(name);
      if (peer === undefined) continue;
      if (!peer.live) {
        const page = this.#page(peer, now);
        scanned += page.passed;
        handed += page.bytes;
      }
      this.#maybeSendReady(peer, now);
      if (peer.pendingReplies.length === 0) continue;
      // It waits for a mark to be shown, for its budget, or for its turn behind others.
      if (!this.#proof.maySend(peer)) continue;
      if (peer.budget.level > 0) this.schedule(peer);
      else this.#throttle(peer, now);
    }
  }

  /** Feeds one page of the log. @returns how many entries were passed, and the bytes read and handed out */
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
            peer.sent = maxSeq(peer.sent, addSeq(entry.seq, -1));
            break;
          }
          page.push(entry);
        }
        peer.sent = entry.seq;
      }
      if (!full) peer.sent = maxSeq(peer.sent, scan.end);
    } catch (error) {
      this.#failed.set(peer, error);
    }
    if (page.length > 0) this.#report(peer, { type: "entries", entries: page });
    const bytes = page.reduce((sum, entry) => sum + entry.bytes, 0) + scan.bytes;
    const served = { passed: peer.sent - start, bytes };
    if (this.#failed.has(peer)) return served;
    if (peer.sent >= head) peer.live = true;
    else if (full) this.#throttle(peer, now);
    else this.schedule(peer);
    return served;
  }

  /** Reserves window and budget for one entry. @returns false if it does not fit */
  #reserve(peer: Peer, entry: Entry, now: number): boolean {
    if (!this.#fits(peer, entry.bytes, now)) return false;
    this.#flow.onSent(peer, entry.seq, entry.bytes, addSeq(entry.seq, -1), now);
    this.#outbox.charge(peer, entry.bytes + 1);
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

  #report(peer: Peer, out: Extract<ServerMessage, { type: "entries" }>): void {
    let shown = out;
    if (peer.dialect === "chat.line") {
      const me = peer.link.name;
      // A person knows what they wrote: it comes back only if they named themselves.
      const entries = out.entries.filter(({ from, to }) => from !== me || to?.includes(me));
      if (entries.length === 0) return;
      shown = entries.length === out.entries.length ? out : { type: "entries", entries };
      this.#outbox.saveSnapshot(peer);
    }
    this.#outbox.stage(peer, shown, 0);
  }

  /** The first `ready`, as soon as everything up to the head of its welcome was sent; later, at long silences. */
  #maybeSendReady(peer: Peer, now: number): void {
    const sent = this.sentOf(peer);
    if (!peer.ready) {
      if (sent < peer.welcomeHead || peer.pendingReplies.length > 0) return;
      peer.ready = true;
      // Turns end where they end: a round takes less than twice its entries, and the next look may be two rounds away.
    } else if (sent - peer.reportedSeq < READY_ENTRIES - 4 * SWEEP_ENTRIES) return;
    peer.reportedSeq = sent;
    this.#outbox.saveSnapshot(peer);
    if (peer.dialect === "chat.v1") {
      refill(peer.budget, OUTGOING, now);
      this.#outbox.stage(peer, { type: "ready", seq: sent }, GAP_BYTES);
    }
  }

  /** Who waits for its budget is served when that has recovered; who waits for an ack, when it comes. */
  #throttle(peer: Peer, now: number): void {
    const level = refill(peer.budget, OUTGOING, now);
    if (level > 0) return;
    const wait = ((BUDGET_RESUME_BYTES - level) / BUDGET_BYTES_PER_SECOND) * SECOND;
    this.#state.throttled.set(peer.link.name, now + Math.ceil(wait));
  }
}
