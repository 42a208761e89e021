/**
 * The broker: the only owner of the peers. It takes one Event after the other, in arrival order, and never waits.
 *
 * The rules it keeps (docs/protocol.md, section 6; each has its test and its mutant):
 * - R1  One connection per name. A newer one with the right key takes over in one step; an overtaken handshake loses.
 * - R2  One removal: `Peers.remove`, called with the connection that failed. An ended connection never comes back.
 * - R3  Stored before seen: decide, commit, and only then send frames and closes.
 * - R4  One order: `seq` rises by one per entry; events take effect in arrival order.
 * - R5  Exactly once: what concerns a peer reaches it through the pump alone, from its own cursor on.
 * - R6  Nothing silent: the peer learns of an unknown recipient, a gap, a refusal, a replacement, a void cursor.
 * - R7  It cannot fail from outside: no event throws, and none disturbs another peer.
 * - R8  Bounded: every list here has a named limit, and what is sent and not proven to be read has one in bytes.
 * - R9  Idle is free: `due` is undefined when nothing is in flight, in grace, or behind.
 * - R10 One commit a turn, and none in a turn that changed nothing; one row for its entries, and one for each older row
 *       that its patches touch.
 * - R11 Nothing starves: a peer that can take more is served again.
 */
import type { CloseFrame } from "../protocol/close-codes.ts";
import type { PeerName, Seq } from "../protocol/ids.ts";
import { AdminHandler, type AnsweredRequest } from "./admin/commands.ts";
import { AuditBuffer, type AuditEvent } from "./audit-log.ts";
import { clockStep, rebase } from "./clock.ts";
import { EXPIRED, SILENT, STALLED, STORAGE_FAILED, UNPROVEN } from "./close-frames.ts";
import type { CommandContext } from "./commands/command-context.ts";
import { execute } from "./commands/execute.ts";
import { Replies } from "./commands/queries.ts";
import { FlowControl } from "./delivery/flow-control.ts";
import { Proof } from "./delivery/proof.ts";
import { Pump } from "./delivery/pump.ts";
import { TurnOutput } from "./delivery/turn-output.ts";
import type { Event } from "./event.ts";
import { DAY, type Limits, MIB, STRETCH_BYTES } from "./limits.ts";
import { JoinHandler } from "./membership/join.ts";
import { closePeer, leave, progressOf } from "./membership/leave.ts";
import { NameEviction } from "./membership/name-eviction.ts";
import { PresenceBroadcast } from "./membership/presence-broadcast.ts";
import { Timeouts } from "./membership/timeouts.ts";
import { NewEntries } from "./new-entries.ts";
import { quotaOf } from "./peers/log-quota.ts";
import { type Peer, Peers, snapshotOf } from "./peers/peers.ts";
import { Presence } from "./peers/presence.ts";
import { RateLimiter } from "./peers/token-bucket.ts";
import type { Connections, ConnectionSnapshot, Progress, Storage } from "./ports.ts";
import type { BrokerState } from "./state.ts";

/** Entries between two checkpoints of the cursors. */
export const CHECKPOINT_ENTRIES = 256;

/** The ports and settings of a broker. */
export interface BrokerOptions {
  readonly storage: Storage;
  readonly connections: Connections;
  readonly limits: Limits;
  /** Another epoch means that every cursor is void. */
  readonly epoch: string;
  /** Bytes from one mark to the next (proof.ts); other than `STRETCH_BYTES` only in tests. */
  readonly stretch?: number;
}

export class Broker {
  readonly #connections: Connections;
  readonly #state: BrokerState;
  readonly #context: CommandContext;
  readonly #timeouts: Timeouts;
  readonly #broadcast: PresenceBroadcast;
  readonly #joins: JoinHandler;
  readonly #admin: AdminHandler;
  readonly #snapshot: (peer: Peer) => ConnectionSnapshot;

  /** @param state the whole state of a room, plain data; from here on it belongs to the broker */
  constructor(options: BrokerOptions, state: BrokerState) {
    const { storage, connections, limits, epoch, stretch = STRETCH_BYTES } = options;
    const { log, directory } = storage;
    const peers = new Peers(state.peers);
    const presence = new Presence(peers, state.presence);
    const flow = new FlowControl(limits, state.flow);
    const proof = new Proof(peers, limits, stretch, state.flow);
    const output = new TurnOutput(proof);
    const pump = new Pump(peers, log, { output, flow, proof }, state.pump);
    const replies = new Replies(log, directory, presence, pump);
    const eviction = new NameEviction(directory, presence, state.eviction);
    this.#state = state;
    this.#connections = connections;
    this.#context = {
      storage,
      limits,
      epoch,
      peers,
      presence,
      entries: new NewEntries(log, (entry) => eviction.onEntry(entry)),
      pump,
      output,
      audit: new AuditBuffer(),
      flow,
      proof,
      rateLimiter: new RateLimiter(
        { capacity: limits.burst, perSecond: limits.rate },
        state.allowances,
      ),
      quota: quotaOf(limits),
      buildReply: (peer, reply) => replies.build(peer, reply),
      counts: { refusedCommands: 0 },
    };
    this.#timeouts = new Timeouts(peers, connections, state);
    this.#broadcast = new PresenceBroadcast(this.#context, state.broadcast);
    this.#joins = new JoinHandler(this.#context, eviction, this.#timeouts);
    const { counts } = this.#context;
    this.#admin = new AdminHandler(this.#context, () => ({
      joins: output.refused,
      commands: counts.refusedCommands,
    }));
    this.#snapshot = (peer) => snapshotOf(peer, pump.cursorOf(peer));
  }

  /** The connected peers, to read only. */
  get peers(): Pick<Peers, "current" | "get" | "size"> {
    return this.#context.peers;
  }

  /** Frames handed to sockets, and entries encoded, so far. */
  get counters(): { readonly frames: number; readonly encoded: number } {
    const { output, entries } = this.#context;
    return { frames: output.frames, encoded: entries.encoded };
  }

  /** The room was erased: the next join needs a new broker. */
  get isErased(): boolean {
    return this.#admin.isErasing;
  }

  /** Returns the results of this turn's admin requests. Call it once the turn is stored. */
  adminResults(): AnsweredRequest[] {
    return this.#admin.takeResults();
  }

  /** Returns the audit events of this turn. Call it once the turn is stored. */
  auditEvents(): readonly AuditEvent[] {
    return this.#context.audit.take();
  }

  /** One turn of the loop: decide, commit, deliver. @throws only what the storage throws */
  turn(events: Iterable<Event>, now: number): void {
    this.#keepTime(now);
    this.decide(events, now);
    this.#commit(now);
    this.deliver(now);
  }

  /** Moves the deadlines with the clock, if that was set. */
  #keepTime(now: number): void {
    const { turnedAt } = this.#state;
    const step = clockStep(turnedAt, this.due(turnedAt), now);
    if (step !== 0) rebase(this.#state, step, (id) => this.#connections.pinged(id));
    this.#state.turnedAt = now;
  }

  /** Takes events in arrival order. Nothing is sent and nothing is written yet. */
  decide(events: Iterable<Event>, now: number): void {
    this.#closeAll(this.#timeouts.expired(now), EXPIRED, now);
    for (const event of events) this.#handle(event, now);
    this.#closeAll(this.#timeouts.stalled(now), STALLED, now);
  }

  /** Sends what was decided. R3: after the commit. */
  deliver(now: number): void {
    const { entries, pump, proof } = this.#context;
    if (this.isErased) return this.#flush(now);
    this.#broadcast.broadcast(now);
    pump.serve(entries.all, this.#context.buildReply, now);
    entries.clear();
    this.#flush(now);
    this.#closeFailed(now);
    // R8: their cursors are written with the next commit.
    const debtors = proof.debtors();
    this.#closeAll(debtors, UNPROVEN, now);
    if (debtors.length > 0) this.#flush(now);
  }

  /** Closes the peers that needed what could not be read. Their cursors are written with the next commit. */
  #closeFailed(now: number): void {
    const failed = this.#context.pump.failed();
    for (const [peer, error] of failed) {
      this.#context.audit.add({ event: "storage-trouble", error: String(error) });
      closePeer(this.#context, peer, STORAGE_FAILED, now);
    }
    if (failed.length > 0) this.#flush(now);
  }

  #closeAll(peers: readonly Peer[], frame: CloseFrame, now: number): void {
    for (const peer of peers) closePeer(this.#context, peer, frame, now);
  }

  #flush(now: number): void {
    this.#context.output.flush(this.#connections, this.#snapshot, now);
  }

  /** Returns whether some peer still has to be fed from the log. */
  get isAnyoneBehind(): boolean {
    for (const peer of this.#context.peers.values()) if (!peer.live) return true;
    return false;
  }

  /** When the next `Tick` is due, ms since 1970; undefined in a room where nothing happens. */
  due(now: number): number | undefined {
    if (this.isErased) return undefined;
    const { pump } = this.#context;
    const times = [this.#broadcast.due(now), this.#timeouts.stallDue, pump.due(now)];
    const set = times.filter((time) => time !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  }

  /** Some presence was not announced: `missed` lets every peer ask who is here. */
  presenceLost(now: number): void {
    this.#context.presence.lost(now);
  }

  #handle(event: Event, now: number): void {
    const { peers } = this.#context;
    switch (event.type) {
      case "NewPeer":
        this.#closeAll(this.#timeouts.silent(now), SILENT, now);
        return this.#joins.join(event.id, event.join, now);
      case "CommandReceived": {
        // The fence: checked when the event is taken, so commands of a replaced connection are dropped.
        const peer = peers.current(event.link);
        if (peer === undefined) return;
        peer.lastHeardAt = now;
        return execute(this.#context, peer, event.command, now);
      }
      case "ConnectionFailed": {
        const peer = peers.current(event.link);
        return peer && closePeer(this.#context, peer, event, now);
      }
      case "Disconnect": {
        const ending = { type: "disconnected", code: event.code } as const;
        if (leave(this.#context, event.link, ending, now) === undefined) return;
        return this.#closeAll(this.#timeouts.silent(now), SILENT, now);
      }
      case "Operator":
        return this.#admin.handle(event.requestId, event.request, now);
      case "Tick":
        return;
      default:
        event satisfies never;
    }
  }

  /** R10: all rows of a turn at once, and nothing if there are none. */
  #commit(now: number): void {
    const { storage, limits, entries, audit } = this.#context;
    const { log, directory } = storage;
    const fresh = entries.all;
    if (this.#admin.isErasing) return storage.erase();
    if (fresh.length === 0 && !directory.isChanged) return;
    storage.transaction(() => {
      if (fresh.length === 0) return;
      const [before, first] = [log.head, log.first];
      log.append(fresh, entries.changed);
      const { logEntries, logDays, logMebibytes } = limits;
      log.trim({ entries: logEntries, ageMs: logDays * DAY, bytes: logMebibytes * MIB }, now);
      audit.trimmed(log.first, log.first - first, now);
      if (isCheckpoint(before, log.head)) directory.checkpoint(this.#progress());
    });
  }

  #progress(): Map<PeerName, Omit<Progress, "seen">> {
    const online = new Map<PeerName, Omit<Progress, "seen">>();
    for (const peer of this.#context.peers.values()) {
      online.set(peer.link.name, progressOf(this.#context, peer));
    }
    return online;
  }
}

/** Every `CHECKPOINT_ENTRIES` entries the cursors are saved. */
const isCheckpoint = (before: Seq, after: Seq): boolean =>
  Math.floor(before / CHECKPOINT_ENTRIES) < Math.floor(after / CHECKPOINT_ENTRIES);
