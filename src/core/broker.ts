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
import { Announcements } from "./membership/presence-broadcast.ts";
import { Answers } from "./commands/queries.ts";
import { FRAME_OVERHEAD } from "./delivery/outbox.ts";
import { Allowances } from "./peers/token-bucket.ts";
import { Entrance } from "./membership/join.ts";
import { STORAGE_TROUBLE } from "./close-frames.ts";
import { EXPIRED } from "./close-frames.ts";
import { encodeEntry, type Entry, type EntryFields } from "./entry.ts";
import type { Command, Event, Refusal } from "./event.ts";
import { Expiry, isExpired } from "./membership/expiry.ts";
import { Flow } from "./delivery/flow-control.ts";
import { Forgetting } from "./membership/name-eviction.ts";
import { DAY, type Limits, MIB, STRETCH_BYTES } from "./limits.ts";
import { Liveness } from "./membership/timeouts.ts";
import { type PeerName, type Seq, shift, utf8Length } from "../protocol/ids.ts";
import { type Note, Notes } from "./audit-log.ts";
import { type Answered, Operator } from "./admin/commands.ts";
import { Outbox } from "./delivery/outbox.ts";
import { type Connections } from "./ports.ts";
import { type Memo } from "./ports.ts";
import { type Peer, Peers } from "./peers/peers.ts";
import { Presence } from "./peers/presence.ts";
import { Proof } from "./delivery/proof.ts";
import { type Compute, Pump } from "./delivery/pump.ts";
import { clockStep, rebase } from "./clock.ts";
import { type Share, shareOf, spend } from "./peers/log-quota.ts";
import type { BrokerState } from "./state.ts";
import type { Standing, Storage } from "./ports.ts";
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
  readonly #announcements: Announcements;
  readonly #proof: Proof;
  readonly #outbox: Outbox;
  readonly #notes = new Notes();
  readonly #state: BrokerState;
  readonly #flow: Flow;
  readonly #pump: Pump;
  readonly #compute: Compute;
  readonly #allowances: Allowances;
  readonly #forgetting: Forgetting;
  readonly #entrance: Entrance;
  readonly #liveness: Liveness;
  readonly #expiry: Expiry;
  readonly #share: Share | undefined;
  readonly #operator: Operator;
  /** The entries of this turn; the log gets them with the commit. */
  #fresh: Entry[] = [];
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
    this.#share = shareOf(limits);
    this.#peers = new Peers(state.peers);
    this.#presence = new Presence(this.#peers, state.presence);
    this.#flow = new Flow(this.#peers, limits, state.flow);
    this.#proof = new Proof(this.#peers, limits, stretch, state.flow);
    this.#outbox = new Outbox(this.#proof);
    const sending = { outbox: this.#outbox, flow: this.#flow, proof: this.#proof };
    this.#pump = new Pump(this.#peers, log, sending, state.pump);
    const answers = new Answers(log, directory, this.#presence, this.#pump);
    this.#compute = (peer, answer) => answers.compute(peer, answer);
    this.#forgetting = new Forgetting(directory, this.#presence, state.forgetting);
    this.#expiry = new Expiry(this.#peers, state);
    const owned = { peers: this.#peers, presence: this.#presence, pump: this.#pump };
    this.#announcements = new Announcements(
      { ...owned, outbox: this.#outbox },
      state.announcements,
    );
    const told = { forgetting: this.#forgetting, expiry: this.#expiry };
    const ports = { storage, outbox: this.#outbox, notes: this.#notes, limits, epoch };
    this.#entrance = new Entrance({ ...owned, ...told, ...ports });
    this.#liveness = new Liveness(this.#peers, connections, state);
    this.#operator = new Operator({
      ...owned,
      ...ports,
      verbs: {
        fresh: () => this.#fresh,
        append: (message, at) => this.#store(this.#encode(message, at)),
        end: (peer, code, reason, at) => this.#end(peer, code, reason, at),
        unknown: (names) => this.#unknown(names),
        refusals: () => ({ joins: this.#outbox.refused, commands: this.#refusedCommands }),
      },
    });
    const allowance = { capacity: limits.burst, perSecond: limits.rate };
    this.#allowances = new Allowances(allowance, state.allowances);
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
  get isOver(): boolean {
    return this.#operator.isErasing;
  }

  /** What the operator's orders of this turn came to; to be let out once it is stored. */
  answers(): Answered[] {
    return this.#operator.answers();
  }

  /** What the operator should know of this turn; to be written down once it is stored. */
  notes(): readonly Note[] {
    return this.#notes.take();
  }

  /** One turn of the loop: decide, commit, hand over. @throws only what the storage throws */
  turn(events: Iterable<Event>, now: number): void {
    this.#keepTime(now);
    this.decide(events, now);
    this.#commit(now);
    this.handOver(now);
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
      this.#end(peer, EXPIRED.code, EXPIRED.reason, now);
    }
    for (const event of events) this.#handle(event, now);
    for (const peer of this.#flow.stalled(now)) {
      this.#end(
        peer,
        CLOSE.STALE,
        "no ack for 90 s: come back, and send acks, each with the k of the newest mark",
        now,
      );
    }
  }

  /** Lets out what was decided. R3: after the commit. */
  handOver(now: number): void {
    if (this.isOver) return this.#outbox.flush(this.#connections, (peer) => this.#memo(peer), now);
    this.#announcements.tell(now);
    this.#pump.serve(this.#fresh, this.#compute, now);
    if (this.#fresh.length > 0) this.#pump.sweep(this.#fresh.length, now);
    this.#fresh = [];
    const memo = (peer: Peer): Memo => this.#memo(peer);
    this.#outbox.flush(this.#connections, memo, now);
    this.#endFailed(now);
    this.#endDebtors(now);
  }

  /** R8: ends the connections that owe most proof of reading. Their cursors are written with the next commit. */
  #endDebtors(now: number): void {
    const debtors = this.#proof.debtors();
    for (const peer of debtors) {
      this.#end(
        peer,
        CLOSE.STALE,
        "much was sent, and nothing shows that you read it: come back",
        now,
      );
    }
    if (debtors.length > 0) this.#outbox.flush(this.#connections, (peer) => this.#memo(peer), now);
  }

  /** Ends those for whom something could not be read. Their cursors are written with the next commit. */
  #endFailed(now: number): void {
    const failed = this.#pump.failed();
    for (const [peer, error] of failed) {
      this.#notes.add({ event: "storage-trouble", error: String(error) });
      this.#end(peer, STORAGE_TROUBLE.code, STORAGE_TROUBLE.reason, now);
    }
    if (failed.length > 0) {
      this.#outbox.flush(this.#connections, (peer) => this.#memo(peer), now);
    }
  }

  /** Does somebody still have to be fed from the log? */
  get isAnyoneBehind(): boolean {
    for (const peer of this.#peers.values()) if (!peer.live) return true;
    return false;
  }

  /** When the next `Tick` is wanted, ms since 1970; undefined in a room where nothing happens. */
  due(now: number): number | undefined {
    if (this.isOver) return undefined;
    const times = [this.#announcements.due(now), this.#flow.due, this.#pump.due(now)];
    const set = times.filter((time) => time !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  }

  /** Something went unannounced: everyone is told to ask who is here. */
  admitLoss(now: number): void {
    this.#presence.lost(now);
  }

  #handle(event: Event, now: number): void {
    switch (event.type) {
      case "NewPeer":
        this.#endSilent(now);
        return this.#entrance.admit(event.id, event.join, this.#fresh, now);
      case "Said": {
        // The fence: asked when the event is taken, so what a replaced connection still says is not heard.
        const peer = this.#peers.current(event.link);
        if (peer === undefined) return;
        peer.heardAt = now;
        return this.#obey(peer, event.command, now);
      }
      case "Broken": {
        const peer = this.#peers.current(event.link);
        return peer && this.#end(peer, event.code, event.reason, now);
      }
      case "Disconnect": {
        const peer = this.#peers.remove(event.link);
        if (peer === undefined) return;
        this.#outbox.drop(peer.link.id);
        this.#part(peer, event.code, now);
        return this.#endSilent(now);
      }
      case "Operator":
        return this.#operator.obey(event.ask, event.order, now);
      case "Tick":
        return;
      default:
        event satisfies never;
    }
  }

  #obey(peer: Peer, command: Command, now: number): void {
    if (command.type === "Ack") return this.#advance(peer, command, now);
    const cost = command.type === "History" || command.type === "Who" ? QUERY_COST : 1;
    if (!this.#charge(peer, cost, now)) return;
    switch (command.type) {
      case "Message":
        return this.#append(peer, command, now);
      case "Signal":
        return this.#signal(peer, command, now);
      case "History":
      case "Who":
        return this.#pump.answer(peer, command);
      case "Help":
        return this.#pump.answer(peer, { type: "help" });
      case "Refused":
        return this.#refuse(peer, command.refusal);
      case "Quit":
        // What was asked for before the goodbye is still answered.
        this.#pump.pay(peer, this.#compute, now);
        return this.#end(peer, CLOSE.NORMAL, "goodbye", now);
      case "Nothing":
        return;
      default:
        command satisfies never;
    }
  }

  /** R8: the allowance is the name's, so reconnecting does not refill it. The first item over it ends the link. */
  #charge(peer: Peer, cost: number, now: number): boolean {
    if (this.#allowances.take(peer.link.name, cost, now)) return true;
    const { rate, burst } = this.#limits;
    this.#end(
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
    if (!this.#spend(peer, entry, now)) return;
    this.#store(entry);
    if (peer.dialect !== "chat.line") return;
    // No ack will follow with which what it has spent could be remembered.
    this.#outbox.remember(peer);
    const away = to?.filter((name) => !this.#presence.isOnline(name)) ?? [];
    if (away.length > 0) this.#pump.answer(peer, { type: "away", names: away });
  }

  /** R8: retention is by count and size, so nobody may fill the log alone. The first entry over it ends the link. */
  #spend(peer: Peer, entry: Entry, now: number): boolean {
    if (this.#share === undefined) return true;
    const spent = spend(peer.spent, this.#share, entry.bytes, now);
    if (spent !== undefined) peer.spent = spent;
    else
      this.#end(
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
    const at = Math.max(now, this.#fresh.at(-1)?.at ?? this.#storage.log.headAt);
    this.#encoded++;
    return encodeEntry({ seq: shift(this.#head, 1), from, to, text, id, at });
  }

  /** The log gets it with the commit. */
  #store(entry: Entry): Entry {
    this.#fresh.push(entry);
    this.#forgetting.sees(entry);
    return entry;
  }

  #advance(peer: Peer, { seq, k }: Extract<Command, { type: "Ack" }>, now: number): void {
    const { head } = this.#storage.log;
    const isShown = k !== undefined && this.#proof.show(peer, k, now);
    if (isShown) {
      this.#outbox.remember(peer);
      this.#pump.wantMore(peer);
    }
    const counted = this.#proof.counted(peer, seq);
    if (seq <= head && (this.#pump.ack(peer, counted, now) || isShown)) return;
    if (!this.#charge(peer, 1, now) || seq <= head) return;
    const message = `seq: ${seq} is above the newest entry, ${head}; acknowledge only what you were sent`;
    this.#refuse(peer, { code: "bad-ack", message });
  }

  #refuse(peer: Peer, refusal: Refusal): void {
    this.#refusedCommands++;
    this.#pump.answer(peer, { type: "error", refusal });
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
      if (this.#outbox.stageIfAffordable(other, out, bytes, now)) this.#flow.carrySignal(bytes);
    }
  }

  /** The room ends a connection: this is its removal. */
  #end(peer: Peer, code: number, reason: string, now: number): void {
    if (this.#peers.remove(peer.link) === undefined) return;
    // Refusals that were decided still go out, unless the key has expired; questions die with the link.
    for (const answer of isExpired(peer, now) ? [] : peer.waiting) {
      if (answer.type === "error") this.#outbox.stage(peer, answer, 0);
    }
    this.#outbox.close(peer, code, reason);
    this.#part(peer, code, now);
  }

  /** What follows every removal but a takeover. */
  #part(peer: Peer, code: number, now: number): void {
    const { name, id: connection } = peer.link;
    this.#storage.directory.save(name, { ...this.#standing(peer), seen: now });
    this.#pump.release(peer);
    this.#presence.departed(name, CLEAN.has(code), now);
    this.#notes.add({ event: "leave", name, connection, code, online: this.#presence.online });
  }

  #endSilent(now: number): void {
    for (const peer of this.#liveness.silent(now)) {
      this.#end(peer, CLOSE.STALE, "no ping for 150 s: the link looks dead; come back", now);
    }
  }

  /** R10: all rows of a turn at once, and nothing if there are none. */
  #commit(now: number): void {
    const { log, directory } = this.#storage;
    const fresh = this.#fresh;
    if (this.#operator.isErasing) return this.#storage.erase();
    if (fresh.length === 0 && !directory.isChanged && !this.#operator.isChanged) return;
    this.#storage.atomically(() => {
      this.#operator.write();
      if (fresh.length === 0) return;
      const [before, first] = [log.head, log.first];
      log.append(fresh);
      const { logEntries, logDays, logMebibytes } = this.#limits;
      log.trim({ entries: logEntries, ageMs: logDays * DAY, bytes: logMebibytes * MIB }, now);
      this.#notes.trimmed(log.first, log.first - first, now);
      if (isCheckpoint(before, log.head)) directory.checkpoint(this.#standings());
    });
  }

  #standing(peer: Peer): Pick<Standing, "cursor" | "spent"> {
    return { cursor: this.#pump.cursorOf(peer), spent: peer.spent };
  }

  #standings(): Map<PeerName, Pick<Standing, "cursor" | "spent">> {
    const online = new Map<PeerName, Pick<Standing, "cursor" | "spent">>();
    for (const peer of this.#peers.values()) online.set(peer.link.name, this.#standing(peer));
    return online;
  }

  /** The head, the entries of this turn included. */
  get #head(): Seq {
    return this.#fresh.at(-1)?.seq ?? this.#storage.log.head;
  }

  #unknown(names: readonly PeerName[]): PeerName[] {
    const { directory } = this.#storage;
    return names.filter((name) => !this.#peers.get(name) && !directory.find(name));
  }

  #memo(peer: Peer): Memo {
    const { link, room, dialect, session, expiresAt, birth, welcomeHead, ready, spent, tail } =
      peer;
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
