/**
 * The broker: the only owner of the peers. It hears one Event after the other, in arrival order, and never waits.
 *
 * The rules it keeps (docs/protocol.md, section 6; each has its test and its mutant):
 * - R1  One connection per name. A newer one with the right key takes over in one step; an overtaken handshake loses.
 * - R2  One removal: `Peers.remove`, asked with the connection that failed. An ended connection never comes back.
 * - R3  Stored before seen: decide, commit, and only then hand over frames and closes.
 * - R4  One order: `seq` rises by one per entry; events take effect in arrival order.
 * - R5  Exactly once: what concerns a peer reaches it through the pump alone, from its own cursor on.
 * - R6  Nothing silent: unknown recipient, gap, refusal, replacement, void cursor are all told.
 * - R7  It cannot fail from outside: no event throws, and none disturbs another peer.
 * - R8  Bounded: every list here has a named limit, and what is sent and not proven to be read has one in bytes.
 * - R9  Idle is free: `due` is undefined when nothing is in flight, in grace, or behind.
 * - R10 One commit a turn, and none in a turn that changed nothing.
 * - R11 Nothing starves: whoever can take more is served again.
 */
import { PresenceBroadcast } from "./membership/presence-broadcast.ts";
import { Replies } from "./commands/queries.ts";
import { FRAME_OVERHEAD } from "./delivery/outbox.ts";
import { RateLimiter } from "./peers/token-bucket.ts";
import { JoinHandler } from "./membership/join.ts";
import { STORAGE_FAILED } from "./close-frames.ts";
import { EXPIRED } from "./close-frames.ts";
import { encodeEntry, type Entry, type EntryFields } from "./entry.ts";
import type { Command, Event, Refusal } from "./event.ts";
import { Expiry, isExpired } from "./membership/expiry.ts";
import { FlowControl } from "./delivery/flow-control.ts";
import { NameEviction } from "./membership/name-eviction.ts";
import { DAY, type Limits, MIB, STRETCH_BYTES } from "./limits.ts";
import { Liveness } from "./membership/timeouts.ts";
import { type PeerName, type Seq, addSeq, utf8Length } from "../protocol/ids.ts";
import { type AuditEvent, AuditBuffer } from "./audit-log.ts";
import { type AnsweredRequest, AdminHandler } from "./admin/commands.ts";
import { TurnOutput } from "./delivery/outbox.ts";
import { type Connections } from "./ports.ts";
import { type ConnectionSnapshot } from "./ports.ts";
import { type Peer, Peers } from "./peers/peers.ts";
import { Presence } from "./peers/presence.ts";
import { Proof } from "./delivery/proof.ts";
import { type ReplyBuilder, Pump } from "./delivery/pump.ts";
import { clockStep, rebase } from "./clock.ts";
import { type Quota, quotaOf, consume } from "./peers/log-quota.ts";
import type { BrokerState } from "./state.ts";
import type { Progress, Storage } from "./ports.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { QUERY_COST } from "../protocol/limits.ts";

/** Entries between two checkpoints of the cursors. */
export const CHECKPOINT_ENTRIES = 256;

/** What the broker needs of the outside, and of its operator. */
export interface Surroundings {
  readonly storage: Storage;
  readonly connections: Connections;
  readonly limits: Limits;
  /** Another epoch means that every cursor is void. */
  readonly epoch: string;
  /** Bytes from one mark to the next (proof.ts); other than `STRETCH_BYTES` only where that is tried out. */
  readonly stretch?: number;
}

/** Goodbyes: the peer's own, 1000 or a Close frame without a code, and those by which an operator ends a connection. */
const CLEAN: ReadonlySet<number> = new Set([
  CLOSE.NORMAL,
  CLOSE.NO_STATUS,
  CLOSE.REMOVED,
  CLOSE.ROOM_CLOSED,
]);

export class Broker {
  readonly #storage: Storage;
  readonly #connections: Connections;
  readonly #limits: Limits;
  readonly #peers: Peers;
  readonly #presence: Presence;
  readonly #broadcast: PresenceBroadcast;
  readonly #proof: Proof;
  readonly #outbox: TurnOutput;
  readonly #audit = new AuditBuffer();
  readonly #state: BrokerState;
  readonly #flow: FlowControl;
  readonly #pump: Pump;
  readonly #buildReply: ReplyBuilder;
  readonly #rateLimiter: RateLimiter;
  readonly #eviction: NameEviction;
  readonly #joins: JoinHandler;
  readonly #liveness: Liveness;
  readonly #expiry: Expiry;
  readonly #quota: Quota | undefined;
  readonly #admin: AdminHandler;
  /** The entries of this turn; the log gets them with the commit. */
  #newEntries: Entry[] = [];
  #encoded = 0;
  #refusedCommands = 0;

  /** @param state the whole state of a room, plain data; it is the broker's from here on */
  constructor(
    { storage, connections, limits, epoch, stretch = STRETCH_BYTES }: Surroundings,
    state: BrokerState,
  ) {
    const { log, directory } = storage;
    this.#state = state;
    this.#storage = storage;
    this.#connections = connections;
    this.#limits = limits;
    this.#quota = quotaOf(limits);
    this.#peers = new Peers(state.peers);
    this.#presence = new Presence(this.#peers, state.presence);
    this.#flow = new FlowControl(this.#peers, limits, state.flow);
    this.#proof = new Proof(this.#peers, limits, stretch, state.flow);
    this.#outbox = new TurnOutput(this.#proof);
    const sending = { outbox: this.#outbox, flow: this.#flow, proof: this.#proof };
    this.#pump = new Pump(this.#peers, log, sending, state.pump);
    const adminResults = new Replies(log, directory, this.#presence, this.#pump);
    this.#buildReply = (peer, answer) => adminResults.build(peer, answer);
    this.#eviction = new NameEviction(directory, this.#presence, state.forgetting);
    this.#expiry = new Expiry(this.#peers, state);
    const owned = { peers: this.#peers, presence: this.#presence, pump: this.#pump };
    this.#broadcast = new PresenceBroadcast(
      { ...owned, outbox: this.#outbox },
      state.announcements,
    );
    const told = { forgetting: this.#eviction, expiry: this.#expiry };
    const ports = { storage, outbox: this.#outbox, notes: this.#audit, limits, epoch };
    this.#joins = new JoinHandler({ ...owned, ...told, ...ports });
    this.#liveness = new Liveness(this.#peers, connections, state);
    this.#admin = new AdminHandler({
      ...owned,
      ...ports,
      verbs: {
        fresh: () => this.#newEntries,
        append: (message, at) => this.#store(this.#encode(message, at)),
        end: (peer, code, reason, at) => this.#closePeer(peer, code, reason, at),
        unknown: (names) => this.#unknown(names),
        refusals: () => ({ joins: this.#outbox.refused, commands: this.#refusedCommands }),
      },
    });
    const allowance = { capacity: limits.burst, perSecond: limits.rate };
    this.#rateLimiter = new RateLimiter(allowance, state.allowances);
  }

  /** Who is connected: to look, not to touch. */
  get peers(): Pick<Peers, "current" | "get" | "size"> {
    return this.#peers;
  }

  /** Frames handed over, and entries turned into text, so far. */
  get counters(): { readonly frames: number; readonly encoded: number } {
    return { frames: this.#outbox.frames, encoded: this.#encoded };
  }

  /** The room was erased: this broker is the last one's, and whoever comes finds a new one. */
  get isErased(): boolean {
    return this.#admin.isErasing;
  }

  /** What the operator's orders of this turn came to; to be let out once it is stored. */
  answers(): AnsweredRequest[] {
    return this.#admin.takeResults();
  }

  /** What the operator should know of this turn; to be written down once it is stored. */
  notes(): readonly AuditEvent[] {
    return this.#audit.take();
  }

  /** One turn of the loop: decide, commit, hand over. @throws only what the storage throws */
  turn(events: Iterable<Event>, now: number): void {
    this.#keepTime(now);
    this.decide(events, now);
    this.#commit(now);
    this.deliver(now);
  }

  /** If the clock was set, deadlines move with it. */
  #keepTime(now: number): void {
    const { turnedAt } = this.#state;
    const step = clockStep(turnedAt, this.due(turnedAt), now);
    if (step !== 0) rebase(this.#state, step, (id) => this.#connections.pinged(id));
    this.#state.turnedAt = now;
  }

  /** Takes events in arrival order. Nothing leaves, nothing is written yet. */
  decide(events: Iterable<Event>, now: number): void {
    for (const peer of this.#expiry.expired(now)) {
      this.#closePeer(peer, EXPIRED.code, EXPIRED.reason, now);
    }
    for (const event of events) this.#handle(event, now);
    for (const peer of this.#flow.stalled(now)) {
      this.#closePeer(
        peer,
        CLOSE.STALE,
        "no ack for 90 s: come back, and send acks, each with the k of the newest mark",
        now,
      );
    }
  }

  /** Lets out what was decided. R3: after the commit. */
  deliver(now: number): void {
    if (this.isErased)
      return this.#outbox.flush(this.#connections, (peer) => this.#snapshot(peer), now);
    this.#broadcast.broadcast(now);
    this.#pump.serve(this.#newEntries, this.#buildReply, now);
    if (this.#newEntries.length > 0) this.#pump.sweep(this.#newEntries.length, now);
    this.#newEntries = [];
    const memo = (peer: Peer): ConnectionSnapshot => this.#snapshot(peer);
    this.#outbox.flush(this.#connections, memo, now);
    this.#closeFailed(now);
    this.#closeDebtors(now);
  }

  /** R8: ends the connections that owe most proof of reading. Their cursors are written with the next commit. */
  #closeDebtors(now: number): void {
    const debtors = this.#proof.debtors();
    for (const peer of debtors) {
      this.#closePeer(
        peer,
        CLOSE.STALE,
        "much was sent, and nothing shows that you read it: come back",
        now,
      );
    }
    if (debtors.length > 0)
      this.#outbox.flush(this.#connections, (peer) => this.#snapshot(peer), now);
  }

  /** Ends those for whom something could not be read. Their cursors are written with the next commit. */
  #closeFailed(now: number): void {
    const failed = this.#pump.failed();
    for (const [peer, error] of failed) {
      this.#audit.add({ event: "storage-trouble", error: String(error) });
      this.#closePeer(peer, STORAGE_FAILED.code, STORAGE_FAILED.reason, now);
    }
    if (failed.length > 0) {
      this.#outbox.flush(this.#connections, (peer) => this.#snapshot(peer), now);
    }
  }

  /** Does somebody still have to be fed from the log? */
  get isAnyoneBehind(): boolean {
    for (const peer of this.#peers.values()) if (!peer.live) return true;
    return false;
  }

  /** When the next `Tick` is wanted, ms since 1970; undefined in a room where nothing happens. */
  due(now: number): number | undefined {
    if (this.isErased) return undefined;
    const times = [this.#broadcast.due(now), this.#flow.due, this.#pump.due(now)];
    const set = times.filter((time) => time !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  }

  /** Something went unannounced: everyone is told to ask who is here. */
  presenceLost(now: number): void {
    this.#presence.lost(now);
  }

  #handle(event: Event, now: number): void {
    switch (event.type) {
      case "NewPeer":
        this.#closeSilent(now);
        return this.#joins.join(event.id, event.join, this.#newEntries, now);
      case "CommandReceived": {
        // The fence: asked when the event is taken, so what a replaced connection still says is not heard.
        const peer = this.#peers.current(event.link);
        if (peer === undefined) return;
        peer.lastHeardAt = now;
        return this.#execute(peer, event.command, now);
      }
      case "ConnectionFailed": {
        const peer = this.#peers.current(event.link);
        return peer && this.#closePeer(peer, event.code, event.reason, now);
      }
      case "Disconnect": {
        const peer = this.#peers.remove(event.link);
        if (peer === undefined) return;
        this.#outbox.discard(peer.link.id);
        this.#release(peer, event.code, now);
        return this.#closeSilent(now);
      }
      case "Operator":
        return this.#admin.handle(event.ask, event.order, now);
      case "Tick":
        return;
      default:
        event satisfies never;
    }
  }

  #execute(peer: Peer, command: Command, now: number): void {
    if (command.type === "Ack") return this.#advance(peer, command, now);
    const cost = command.type === "History" || command.type === "Who" ? QUERY_COST : 1;
    if (!this.#chargeRate(peer, cost, now)) return;
    switch (command.type) {
      case "Message":
        return this.#append(peer, command, now);
      case "Signal":
        return this.#signal(peer, command, now);
      case "History":
      case "Who":
        return this.#pump.reply(peer, command);
      case "Help":
        return this.#pump.reply(peer, { type: "help" });
      case "Invalid":
        return this.#refuse(peer, command.refusal);
      case "Quit":
        // What was asked for before the goodbye is still answered.
        this.#pump.sendReplies(peer, this.#buildReply, now);
        return this.#closePeer(peer, CLOSE.NORMAL, "goodbye", now);
      case "Empty":
        return;
      default:
        command satisfies never;
    }
  }

  /** R8: the allowance is the name's, so reconnecting does not refill it. The first item over it ends the link. */
  #chargeRate(peer: Peer, cost: number, now: number): boolean {
    if (this.#rateLimiter.take(peer.link.name, cost, now)) return true;
    const { rate, burst } = this.#limits;
    this.#closePeer(
      peer,
      CLOSE.TOO_FAST,
      `too fast: at most ${rate} items a second, ${burst} at once`,
      now,
    );
    return false;
  }

  #append(peer: Peer, command: Extract<Command, { type: "Message" }>, now: number): void {
    const { text, to, id } = command;
    const unknown = this.#unknown(to ?? []);
    if (unknown.length > 0) {
      const message = `nobody here is called ${unknown.join(", ")}; nothing was sent: ask who is known, or wait until they have joined once`;
      const refusal = { code: "unknown-peer", message, ...(id !== undefined && { id }) } as const;
      return this.#refuse(peer, refusal);
    }
    const entry = this.#encode({ from: peer.link.name, to, text, id }, now);
    if (!this.#chargeQuota(peer, entry, now)) return;
    this.#store(entry);
    if (peer.dialect !== "chat.line") return;
    // No ack will follow with which what it has spent could be remembered.
    this.#outbox.saveSnapshot(peer);
    const away = to?.filter((name) => !this.#presence.isOnline(name)) ?? [];
    if (away.length > 0) this.#pump.reply(peer, { type: "away", names: away });
  }

  /** R8: retention is by count and size, so nobody may fill the log alone. The first entry over it ends the link. */
  #chargeQuota(peer: Peer, entry: Entry, now: number): boolean {
    if (this.#quota === undefined) return true;
    const spent = consume(peer.quotaUsed, this.#quota, entry.bytes, now);
    if (spent !== undefined) peer.quotaUsed = spent;
    else
      this.#closePeer(
        peer,
        CLOSE.TOO_FAST,
        "this name has filled its share of the log for 24 h: come back later",
        now,
      );
    return spent !== undefined;
  }

  /** Gives a message its place in the room's order, if it is stored next. */
  #encode({ from, to, text, id }: Omit<EntryFields, "seq" | "at">, now: number): Entry {
    // Time is for display, yet it never runs backwards within a room.
    const at = Math.max(now, this.#newEntries.at(-1)?.at ?? this.#storage.log.headAt);
    this.#encoded++;
    return encodeEntry({ seq: addSeq(this.#head, 1), from, to, text, id, at });
  }

  /** The log gets it with the commit. */
  #store(entry: Entry): Entry {
    this.#newEntries.push(entry);
    this.#eviction.onEntry(entry);
    return entry;
  }

  #advance(peer: Peer, { seq, k }: Extract<Command, { type: "Ack" }>, now: number): void {
    const { head } = this.#storage.log;
    const isShown = k !== undefined && this.#proof.show(peer, k, now);
    if (isShown) {
      this.#outbox.saveSnapshot(peer);
      this.#pump.schedule(peer);
    }
    const counted = this.#proof.counted(peer, seq);
    if (seq <= head && (this.#pump.ack(peer, counted, now) || isShown)) return;
    if (!this.#chargeRate(peer, 1, now) || seq <= head) return;
    const message = `seq: ${seq} is above the newest entry, ${head}; acknowledge only what you were sent`;
    this.#refuse(peer, { code: "bad-ack", message });
  }

  #refuse(peer: Peer, refusal: Refusal): void {
    this.#refusedCommands++;
    this.#pump.reply(peer, { type: "error", refusal });
  }

  #signal(peer: Peer, command: Extract<Command, { type: "Signal" }>, now: number): void {
    if (!this.#flow.mayCarrySignal(now)) return;
    const { data, to } = command;
    const out = { type: "signal", from: peer.link.name, to, data } as const;
    const hearers = to?.map((name) => this.#peers.get(name)) ?? this.#peers.values();
    const names = (to ?? []).reduce((sum, name) => sum + utf8Length(name) + 3, 0);
    const bytes = utf8Length(data) + names + FRAME_OVERHEAD;
    for (const other of hearers) {
      if (other === undefined || other === peer || other.dialect !== "chat.v1") continue;
      // An ephemeral that does not fit the budget is dropped, not kept.
      if (this.#outbox.stageEphemeral(other, out, bytes, now)) this.#flow.carrySignal(bytes);
    }
  }

  /** The room ends a connection: this is its removal. */
  #closePeer(peer: Peer, code: number, reason: string, now: number): void {
    if (this.#peers.remove(peer.link) === undefined) return;
    // Refusals that were decided still go out, unless the key has expired; questions die with the link.
    for (const answer of isExpired(peer, now) ? [] : peer.pendingReplies) {
      if (answer.type === "error") this.#outbox.stage(peer, answer, 0);
    }
    this.#outbox.close(peer, code, reason);
    this.#release(peer, code, now);
  }

  /** What follows every removal but a takeover. */
  #release(peer: Peer, code: number, now: number): void {
    const { name, id: connection } = peer.link;
    this.#storage.directory.save(name, { ...this.#progress(peer), seen: now });
    this.#pump.release(peer);
    this.#presence.departed(name, CLEAN.has(code), now);
    this.#audit.add({ event: "leave", name, connection, code, online: this.#presence.online });
  }

  #closeSilent(now: number): void {
    for (const peer of this.#liveness.silent(now)) {
      this.#closePeer(peer, CLOSE.STALE, "no ping for 150 s: the link looks dead; come back", now);
    }
  }

  /** R10: all rows of a turn at once, and nothing if there are none. */
  #commit(now: number): void {
    const { log, directory } = this.#storage;
    const fresh = this.#newEntries;
    if (this.#admin.isErasing) return this.#storage.erase();
    if (fresh.length === 0 && !directory.isChanged && !this.#admin.isChanged) return;
    this.#storage.transaction(() => {
      this.#admin.write();
      if (fresh.length === 0) return;
      const [before, first] = [log.head, log.first];
      log.append(fresh);
      const { logEntries, logDays, logMebibytes } = this.#limits;
      log.trim({ entries: logEntries, ageMs: logDays * DAY, bytes: logMebibytes * MIB }, now);
      this.#audit.trimmed(log.first, log.first - first, now);
      if (isCheckpoint(before, log.head)) directory.checkpoint(this.#allProgress());
    });
  }

  #progress(peer: Peer): Pick<Progress, "cursor" | "spent"> {
    return { cursor: this.#pump.cursorOf(peer), spent: peer.quotaUsed };
  }

  #allProgress(): Map<PeerName, Pick<Progress, "cursor" | "spent">> {
    const online = new Map<PeerName, Pick<Progress, "cursor" | "spent">>();
    for (const peer of this.#peers.values()) online.set(peer.link.name, this.#progress(peer));
    return online;
  }

  /** The head, the entries of this turn included. */
  get #head(): Seq {
    return this.#newEntries.at(-1)?.seq ?? this.#storage.log.head;
  }

  #unknown(names: readonly PeerName[]): PeerName[] {
    const { directory } = this.#storage;
    return names.filter((name) => !this.#peers.get(name) && !directory.find(name));
  }

  #snapshot(peer: Peer): ConnectionSnapshot {
    const {
      link,
      room,
      dialect,
      session,
      expiresAt,
      birth,
      welcomeHead,
      ready,
      quotaUsed: spent,
      tail,
    } = peer;
    const acked = this.#pump.cursorOf(peer);
    return {
      link,
      room,
      dialect,
      session,
      expiresAt,
      birth,
      welcomeHead,
      ready,
      acked,
      spent,
      tail,
    };
  }
}

/** Every `CHECKPOINT_ENTRIES` entries the cursors are saved. */
const isCheckpoint = (before: Seq, after: Seq): boolean =>
  Math.floor(before / CHECKPOINT_ENTRIES) < Math.floor(after / CHECKPOINT_ENTRIES);
