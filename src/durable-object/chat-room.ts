/**
 * ChatRoom, the Durable Object: turns what the platform signals into Events, and takes them in turns.
 *
 * Invariants:
 * - A handler pushes into the inbox and returns the promise of the turn that will take it, but for a message that did
 *   not begin that turn. It decides nothing.
 * - A turn takes the inbox in arrival order, synchronously, in one commit.
 * - R2: both failure handlers lead to the same removal; every Close is answered, with a clean code, after it.
 * - R7: nothing throws out of a handler or the constructor. If the storage fails, everyone with an event in that turn
 *   is closed with 4102, and the room goes on from what is stored.
 * - R9: timers exist only while something is due.
 */
import { DurableObject } from "cloudflare:workers";
import { type Config, readConfig, type Vars } from "../config/config.ts";
import { Broker } from "../core/broker.ts";
import { STORAGE_FAILED } from "../core/close-frames.ts";
import { REPLACED } from "../core/close-frames.ts";
import type { Event } from "../core/event.ts";
import { defaultLimits } from "../config/limits.ts";
import {
  type ConnectionId,
  nextConnectionId,
  parseRoomName,
  type RoomName,
  utf8Length,
} from "../protocol/ids.ts";
import type { AdminRequest } from "../protocol/admin.ts";
import { BatchTimer } from "./batch-timer.ts";
import { wakeState } from "../core/state.ts";
import { newDatabaseId, publicPartOf, secretPartOf } from "../store/database-id.ts";
import { INBOX_UNITS, type InboxItem, splitAtErase, socketsOf, textsOf, sizeOf } from "./inbox.ts";
import { logAudit, logEvent } from "../observability/logger.ts";
import { type Counters, PendingRequests, type AdminResponse, responseWithoutRoom } from "./rpc.ts";
import { exportLog } from "./export-stream.ts";
import { validateRequest } from "./rpc-validation.ts";
import { HibernatingConnections } from "./connections.ts";
import { exists, SqliteStorage } from "../store/sqlite-storage.ts";
import { decodeJoin } from "./join-request.ts";
import { readFrame } from "../codec/json.ts";
import { readLines } from "../codec/line.ts";
import { CLOSE } from "../protocol/close-codes.ts";

export class ChatRoom extends DurableObject<Vars> {
  readonly #config: Config | string;
  readonly #connections: HibernatingConnections;
  readonly #batchTimer: BatchTimer;
  /** Undefined until the first event of this instance, and after storage trouble. */
  #broker: Broker | undefined;
  #storage: SqliteStorage | undefined;
  readonly #requests = new PendingRequests();
  #wokeAt = 0;
  #wakes = 0;
  /** As the Worker or a socket told it; the platform does not tell. */
  #room: RoomName | undefined;
  #newestId: ConnectionId | undefined;
  #inbox: InboxItem[] = [];
  #inboxUnits = 0;
  #pendingTurn: Promise<void> | undefined;
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly due: number } | undefined;

  constructor(ctx: DurableObjectState, env: Vars) {
    super(ctx, env);
    this.#config = readConfig(env);
    const limits = typeof this.#config === "string" ? defaultLimits() : this.#config.limits;
    this.#connections = new HibernatingConnections(ctx, limits);
    this.#batchTimer = new BatchTimer(limits.commitInterval);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** A join, sent by the Worker. Answers 101, or 409 with the close code that the Worker is to give. */
  override fetch(request: Request): Promise<Response> {
    const join = decodeJoin(request);
    this.#room = join.room;
    const [chance = 0] = crypto.getRandomValues(new Uint32Array(1));
    const id = nextConnectionId(this.#newestId ?? this.#connections.newest, Date.now(), chance);
    this.#newestId = id;
    return new Promise((admit) => {
      this.#connections.expectJoin(id, request.headers.get("Sec-WebSocket-Protocol"), admit);
      void this.#push({ type: "join", id, join });
    });
  }

  /**
   * An operator's order, sent by the Worker, which has seen the key. The answer leaves once its turn is stored; at once,
   * and without waking the room, if the room's name or the order is malformed.
   */
  operate(room: RoomName, given: AdminRequest): Promise<AdminResponse> {
    const order = isRoom(room) ? validateRequest(given) : NO_ROOM_NAME;
    if (typeof order === "string") return Promise.resolve({ type: "bad-order", message: order });
    return this.#ask(room, order);
  }

  #ask(room: RoomName, order: AdminRequest): Promise<AdminResponse> {
    this.#room = room;
    return new Promise((answer) => {
      void this.#push({ type: "order", ask: this.#requests.register(answer), order });
    });
  }

  /** The whole log, for the operator. */
  export(room: RoomName): Promise<ReadableStream<Uint8Array> | AdminResponse> {
    if (!isRoom(room)) return Promise.resolve({ type: "bad-order", message: NO_ROOM_NAME });
    return exportLog({
      room,
      look: (order) => this.#ask(room, order),
      epoch: () => this.#epoch,
    });
  }

  override webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> | undefined {
    const begins = this.#pendingTurn === undefined;
    const turn = this.#push(this.#receive(ws, data));
    // The one that began the turn keeps the object awake until it is taken. Waiting with each is 8 % of a message.
    return begins ? turn : undefined;
  }

  override webSocketClose(ws: WebSocket, code: number): Promise<void> {
    return this.#push({ type: "closed", ws, code });
  }

  override webSocketError(ws: WebSocket): Promise<void> {
    return this.#push({ type: "closed", ws, code: CLOSE.ABNORMAL });
  }

  /** What this instance cost and did so far, for tests and operators. */
  get counters(): Counters {
    const { rowsRead = 0, rowsWritten = 0, statements = 0 } = this.#storage?.sql ?? {};
    const { frames = 0, encoded = 0 } = this.#broker?.counters ?? {};
    return { rowsRead, rowsWritten, statements, frames, encoded };
  }

  /** R9: nothing waits, nothing is due; the object may hibernate. */
  get isIdle(): boolean {
    return this.#inbox.length === 0 && this.#pendingTurn === undefined && this.#timer === undefined;
  }

  /** Checks what must not even wait in the inbox. */
  #receive(ws: WebSocket, data: string | ArrayBuffer): InboxItem {
    if (typeof data !== "string") {
      const reason = "binary frames are not understood here: send text";
      return { type: "invalidFrame", ws, closing: { code: CLOSE.UNSUPPORTED_DATA, reason } };
    }
    const { frame } = this.#connections.limits;
    // A UTF-16 unit is one to three bytes: most frames need no counting.
    const tooBig = data.length > frame || (data.length * 3 > frame && utf8Length(data) > frame);
    if (!tooBig) return { type: "frame", ws, text: data };
    const reason = `a frame may have ${frame} bytes at most: send less at once`;
    return { type: "invalidFrame", ws, closing: { code: CLOSE.TOO_BIG, reason } };
  }

  /** @returns the turn that will take the item; while it is pending, the object does not hibernate */
  #push(item: InboxItem): Promise<void> {
    this.#inbox.push(item);
    this.#inboxUnits += sizeOf(item);
    if (this.#inboxUnits > INBOX_UNITS) this.#takeTurn();
    this.#pendingTurn ??= new Promise((resolve) => {
      const take = (): void => {
        this.#pendingTurn = undefined;
        this.#takeTurn();
        resolve();
      };
      const look = (): void => {
        if (this.#batchTimer.shouldKeepBatching(this.#inbox.length, Date.now())) {
          setTimeout(look, 0);
          return;
        }
        const wait = this.#waitMs();
        if (wait > 0) setTimeout(take, wait);
        else take();
      };
      this.#batchTimer.start(Date.now());
      setTimeout(look, 0);
    });
    return this.#pendingTurn;
  }

  /** How long the turn that was to be taken now waits for more to commit with it. */
  #waitMs(): number {
    const isAnyoneBehind = (): boolean => this.#broker?.isAnyoneBehind ?? false;
    return this.#batchTimer.waitMs(textsOf(this.#inbox), isAnyoneBehind, Date.now());
  }

  /** One turn of the broker's loop, from the inbox to the sockets. */
  #takeTurn(): void {
    const inbox = this.#inbox;
    this.#inbox = [];
    this.#inboxUnits = 0;
    const now = Date.now();
    for (const items of splitAtErase(inbox)) {
      this.#take(items, now);
      // Before the next part, which may wake another broker: that must not take a dead socket for a peer.
      for (const item of items) {
        if (item.type === "closed") this.#connections.answerClose(item.ws, item.code);
      }
    }
    for (const link of this.#connections.rejectedByRuntime.splice(0))
      void this.#push({ type: "acceptFailed", link });
    this.#scheduleTimer();
  }

  #take(items: readonly InboxItem[], now: number): void {
    try {
      if (this.#broker === undefined && this.#isWithoutRoom(items)) return;
      this.#broker ??= this.#wake(items, now);
      const head = this.#storage?.log.head;
      this.#broker.turn(this.#eventsOf(items, this.#broker), now);
      if (this.#storage?.log.head !== head) this.#batchTimer.committed(now);
      this.#publishResults(this.#broker);
    } catch (error) {
      this.#recover(error, items, now);
    }
  }

  /** What the turn came to, for the operator. */
  #publishResults(broker: Broker): void {
    const answers = broker.adminResults();
    logAudit(broker.auditEvents(), this.#room ?? "", secretPartOf(this.#storage?.id ?? ""));
    for (const { requestId: ask, result: outcome } of answers) {
      if (outcome.type !== "stats") this.#requests.answer(ask, outcome);
      else {
        const epoch = this.#epoch ?? "";
        const instance = { since: this.#wokeAt, wakes: this.#wakes, ...this.counters };
        this.#requests.answer(ask, { ...outcome, epoch, instance });
      }
    }
    if (!broker.isErased) return;
    // Whoever comes now finds a new room.
    this.#broker = undefined;
    this.#storage = undefined;
  }

  /** Only a join makes a room: not an operator who looks, nor what still comes from those whom an erasure closed. */
  #isWithoutRoom(items: readonly InboxItem[]): boolean {
    if (items.some(({ type }) => type === "join") || exists(this.ctx.storage)) return false;
    for (const item of items) {
      if (item.type === "order") this.#requests.answer(item.ask, responseWithoutRoom(item.order));
      if (item.type === "frame" || item.type === "invalidFrame")
        this.#connections.closeStale(item.ws);
    }
    return true;
  }

  /** Reads the inbox as the broker takes it: what nobody would hear is not even parsed. */
  *#eventsOf(inbox: readonly InboxItem[], broker: Broker): Generator<Event, void> {
    for (const item of inbox) {
      switch (item.type) {
        case "join":
          yield { type: "NewPeer", id: item.id, join: item.join };
          break;
        case "acceptFailed":
          yield { type: "Disconnect", link: item.link, code: CLOSE.ABNORMAL };
          break;
        case "order":
          yield { type: "Operator", requestId: item.ask, request: item.order };
          break;
        case "tick":
          yield { type: "Tick" };
          break;
        case "closed": {
          const known = this.#connections.find(item.ws);
          if (known) yield { type: "Disconnect", link: known.link, code: item.code };
          break;
        }
        case "frame":
        case "invalidFrame": {
          const known = this.#connections.find(item.ws);
          // If it was ended in this very turn, its close is on the way, with the code that says why.
          if (known === undefined) this.#connections.closeStale(item.ws);
          if (known === undefined || broker.peers.current(known.link) === undefined) break;
          const { link, dialect } = known;
          if (item.type === "invalidFrame") {
            yield { type: "ConnectionFailed", link, ...item.closing };
            break;
          }
          const read = dialect === "chat.v1" ? readFrame : readLines;
          for (const command of read(item.text, this.#connections.limits)) {
            yield { type: "CommandReceived", link, command };
            // The command may have ended its connection: what follows it is not heard.
            if (broker.peers.current(link) === undefined) break;
          }
          break;
        }
        default:
          item satisfies never;
      }
    }
  }

  /** Makes the broker anew from what the sockets remember and what is stored. Announces nothing. */
  #wake(inbox: readonly InboxItem[], now: number): Broker {
    if (typeof this.#config === "string") throw new Error(this.#config);
    const memos = this.#connections.restore(socketsOf(inbox));
    this.#room ??= memos[0]?.room;
    const complain = (flaw: unknown): void =>
      logEvent({ event: "storage-trouble", error: String(flaw) }, this.#room);
    const storage = new SqliteStorage(this.ctx.storage, newDatabaseId, complain);
    const { state, replaced, corruption: flaw } = wakeState(memos, storage.log, now);
    if (flaw !== undefined) complain(flaw);
    for (const { link } of replaced)
      this.#connections.close(link.id, REPLACED.code, REPLACED.reason);
    const { limits } = this.#config;
    this.#storage = storage;
    this.#wakes++;
    this.#wokeAt = now;
    const epoch = this.#epoch ?? "";
    return new Broker({ storage, limits, connections: this.#connections, epoch }, state);
  }

  /** The part of the database's id that everybody is told, and the operator's own. */
  get #epoch(): string | undefined {
    if (this.#storage === undefined || typeof this.#config === "string") return undefined;
    return `${publicPartOf(this.#storage.id)}.${this.#config.epoch}`;
  }

  /**
   * The storage failed, and nothing of this turn is stored. Memory is put back to what is stored, except removals:
   * everyone with an event in this turn is closed, and comes back to find what the room has.
   */
  #recover(error: unknown, inbox: readonly InboxItem[], now: number): void {
    logEvent({ event: "storage-trouble", error: String(error) }, this.#room);
    this.#broker = undefined;
    const { code, reason } = STORAGE_FAILED;
    for (const item of inbox) {
      if (item.type === "join") this.#connections.close(item.id, code, reason);
      if (item.type === "order") this.#requests.answer(item.ask, { type: "trouble" });
    }
    try {
      const broker = this.#wake(inbox, now);
      const removals = [...this.#eventsOf(inbox, broker)].filter((event) => "link" in event);
      const events = removals.map((event): Event =>
        event.type === "Disconnect"
          ? event
          : { type: "ConnectionFailed", link: event.link, code, reason },
      );
      broker.presenceLost(now);
      // Their cursors are written with the next commit that succeeds.
      broker.decide(events, now);
      broker.deliver(now);
      this.#publishResults(broker);
      this.#broker = broker;
    } catch {
      this.#connections.closeAll(socketsOf(inbox), STORAGE_FAILED);
    }
  }

  /** Sets the one timer to the next thing that is due; none if nothing is. */
  #scheduleTimer(): void {
    const now = Date.now();
    const due = this.#broker?.due(now);
    if (due === this.#timer?.due) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.id);
    this.#timer = undefined;
    if (due === undefined) return;
    const ring = (): void => {
      this.#timer = undefined;
      void this.#push({ type: "tick" });
    };
    this.#timer = { due, id: setTimeout(ring, Math.max(0, due - now)) };
  }
}

const NO_ROOM_NAME = "room: expected the name of a room, in its normal form";

/** Types are not checked across a call from another Worker. */
const isRoom = (room: unknown): boolean => typeof room === "string" && parseRoomName(room) === room;
