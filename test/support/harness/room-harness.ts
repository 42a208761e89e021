/**
 * A room without a platform: the real broker on storage in memory, a clock that the test advances, and clients whose
 * verbs read like a conversation. One verb is one turn; `together` combines several in one.
 */
import { Broker } from "../../../src/core/broker.ts";
import type { Entry } from "../../../src/core/entry.ts";
import type { Command, Dialect, Event, ServerMessage, Session } from "../../../src/core/event.ts";
import { type Limits } from "../../../src/core/limits.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import {
  type ConnectionId,
  type ConnectionRef,
  nextConnectionId,
  type PeerName,
  type RoomName,
  type Seq,
} from "../../../src/protocol/ids.ts";
import type { AdminRequest, AdminResult } from "../../../src/protocol/admin.ts";
import type { Connections, ConnectionSnapshot } from "../../../src/core/ports.ts";
import { wakeState } from "../../../src/core/state.ts";
import { writeFrame } from "../../../src/codec/json.ts";
import { emptyDisk, MemoryStorage } from "../storage/memory-storage.ts";

export interface JoinOptions {
  readonly dialect?: Dialect;
  readonly owner?: string;
  readonly since?: number;
  readonly epoch?: string;
  readonly session?: Session;
  readonly expiresAt?: number;
}

export class RoomHarness {
  now = 1_800_000_000_000;
  readonly limits: Limits;
  disk = emptyDisk();
  storage = new MemoryStorage(this.disk);
  broker: Broker;
  readonly clients = new Map<ConnectionId, Client>();
  #newest: ConnectionId | undefined;
  #tokens = 0;
  #joins = 0;
  #together: Event[] | undefined;
  #requestCount = 0;
  /** The results of admin requests, by request. */
  readonly outcomes = new Map<number, AdminResult>();

  constructor(limits: Partial<Limits> = {}) {
    // In a log of three entries, a name would have no share; tests of the quota set `share`.
    this.limits = { ...defaultLimits(), share: 0, ...limits };
    this.broker = this.#wake([]);
  }

  get epoch(): string {
    return `${this.storage.id}.1`;
  }

  joins(name: string, options: JoinOptions = {}): Client {
    const { dialect = "chat.v1", owner = "", since, epoch, session, expiresAt } = options;
    this.#newest = nextConnectionId(this.#newest, this.now, this.#joins++);
    const link: ConnectionRef = { name: name as PeerName, id: this.#newest };
    const client = new Client(this, link);
    this.clients.set(link.id, client);
    const join = {
      room: "lobby" as RoomName,
      name: link.name,
      owner,
      dialect,
      ...(since !== undefined && { since: since as Seq }),
      ...(epoch !== undefined && { epoch }),
      ...(session && { session }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    this.happens({ type: "NewPeer", id: link.id, join });
    return client;
  }

  /** Runs the events of `work` in one turn. */
  together(work: () => void): void {
    this.#together = [];
    work();
    const events = this.#together;
    this.#together = undefined;
    this.turn(events);
  }

  happens(event: Event): void {
    if (this.#together) this.#together.push(event);
    else this.turn([event]);
  }

  turn(events: Iterable<Event>): void {
    this.broker.turn(events, this.now);
    for (const { requestId: ask, result: outcome } of this.broker.adminResults())
      this.outcomes.set(ask, outcome);
    // After the room is erased, a new one starts.
    if (this.broker.isErased) this.broker = this.#wake([]);
    this.settle(0);
  }

  /** Makes an admin request. @returns the result, unless the request is one of several events of a turn */
  requests(order: AdminRequest): AdminResult | undefined {
    const ask = this.#requestCount++;
    this.happens({ type: "Operator", requestId: ask, request: order });
    return this.outcomes.get(ask);
  }

  /** Advances the clock, and runs every tick that the broker asks for on the way. */
  passes(ms: number): void {
    this.settle(ms);
  }

  settle(ms: number): void {
    const end = this.now + ms;
    for (let ticks = 0; ticks < 100_000; ticks++) {
      const due = this.broker.due(this.now);
      if (due === undefined || due > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, due);
      this.broker.turn([{ type: "Tick" }], this.now);
    }
    throw new Error("the room keeps asking for ticks");
  }

  /** Loses memory; keeps sockets and attachments. */
  hibernates(): void {
    const memos = [...this.clients.values()].flatMap(({ snapshot, closed }) =>
      snapshot && !closed ? [snapshot] : [],
    );
    this.broker = this.#wake(memos);
    this.settle(0);
  }

  /** Loses memory and sockets; no handler runs. */
  crashes(): void {
    for (const client of this.clients.values()) client.isCut = true;
    this.clients.clear();
    this.#newest = undefined;
    this.broker = this.#wake([]);
  }

  #wake(memos: ConnectionSnapshot[]): Broker {
    this.storage = new MemoryStorage(this.disk);
    const { storage, limits, epoch } = this;
    const { state, replaced } = wakeState(memos, storage.log, this.now);
    for (const { link } of replaced) this.clients.get(link.id)?.isClosed(4001, "replaced");
    const find = (id: ConnectionId): Client | undefined => this.clients.get(id);
    const connections: Connections = {
      open: (memo) => find(memo.link.id)?.isOpened(memo),
      saveSnapshot: (memo) => find(memo.link.id)?.remembers(memo),
      close: (id, code, reason) => find(id)?.isClosed(code, reason),
      token: () => `k${++this.#tokens}`,
      pinged: (id) => find(id)?.pinged,
      send: (id, outs) => {
        if (find(id)?.isDying) return undefined;
        find(id)?.gets(outs);
        return writeFrame(outs, limits).bytes;
      },
    };
    return new Broker({ storage, connections, limits, epoch }, state);
  }
}

export class Client {
  readonly #harness: RoomHarness;
  readonly link: ConnectionRef;
  snapshot: ConnectionSnapshot | undefined;
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Frames; each is a list of the messages of one turn. */
  frames: ServerMessage[][] = [];
  /** Nothing reaches it any more, but the room does not know. */
  isCut = false;
  /** Its socket is closing, so sends to it fail. */
  isDying = false;
  pinged: number | undefined;

  constructor(stage: RoomHarness, link: ConnectionRef) {
    this.#harness = stage;
    this.link = link;
  }

  says(text: string, to?: readonly string[], id?: string): void {
    this.does({
      type: "Message",
      text,
      ...(to && { to: to as PeerName[] }),
      ...(id !== undefined && { id }),
    });
  }

  /** @param k the token of a mark: by default the newest received; undefined: none */
  acks(seq: number = this.last, k: string | undefined = this.all("mark").at(-1)?.k): void {
    this.does({ type: "Ack", seq: seq as Seq, ...(k !== undefined && { k }) });
  }

  asksHistory(limit = 50, before?: number): void {
    this.does({
      type: "History",
      id: "h",
      limit,
      ...(before !== undefined && { before: before as Seq }),
    });
  }

  does(command: Command): void {
    this.#harness.happens({ type: "CommandReceived", link: this.link, command });
  }

  leaves(code = 1000): void {
    this.#harness.happens({ type: "Disconnect", link: this.link, code });
  }

  vanishes(): void {
    this.isCut = true;
    this.leaves(1006);
  }

  get heard(): ServerMessage[] {
    return this.frames.flat();
  }

  /** Returns all messages of one type that it received. */
  all<Type extends ServerMessage["type"]>(type: Type): Extract<ServerMessage, { type: Type }>[] {
    return this.heard.filter(
      (out): out is Extract<ServerMessage, { type: Type }> => out.type === type,
    );
  }

  get entries(): Entry[] {
    return this.all("entries").flatMap(({ entries }) => entries);
  }

  get texts(): string[] {
    return this.entries.flatMap((entry) => (entry.type === "message" ? [entry.text] : []));
  }

  get seqs(): number[] {
    return this.entries.map(({ seq }) => seq);
  }

  get errors(): string[] {
    return this.all("error").map(({ refusal }) => refusal.code);
  }

  /** The highest position that it was sent. */
  get last(): number {
    const seqs = this.heard.map((out) => {
      if (out.type === "entries") return out.entries.at(-1)?.seq ?? 0;
      if (out.type === "gap") return out.to;
      return out.type === "ready" ? out.seq : 0;
    });
    return Math.max(0, ...seqs);
  }

  forgetsWhatItHeard(): void {
    this.frames = [];
  }

  isOpened(memo: ConnectionSnapshot): void {
    this.snapshot = memo;
  }

  remembers(memo: ConnectionSnapshot): void {
    this.snapshot = memo;
  }

  isClosed(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  gets(outs: readonly ServerMessage[]): void {
    if (this.closed) throw new Error(`${this.link.name} was sent a message after its close`);
    if (!this.isCut) this.frames.push([...outs]);
  }
}
