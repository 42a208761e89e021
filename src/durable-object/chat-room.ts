/**
 * ChatRoom, the Durable Object: the broker of one room on the platform.
 *
 * Invariants:
 * - A handler pushes into the inbox and decides nothing. It returns the promise of the turn that will take the item, except
 *   for a message that did not begin that turn.
 * - A turn takes the inbox in arrival order, synchronously, in one commit.
 * - R2: both failure handlers lead to the same removal; every Close is answered, with a clean code, after it.
 * - R7: nothing throws out of a handler or the constructor. If the storage fails, every connection with an event in that
 *   turn is closed with 4102, and the room goes on from what is stored.
 * - R9: timers exist only while something is due.
 */
import { DurableObject } from "cloudflare:workers";
import { type Config, readConfig, type Vars } from "../config/config.ts";
import { defaultLimits } from "../config/limits.ts";
import { Broker } from "../core/broker.ts";
import { REPLACED, STORAGE_FAILED } from "../core/close-frames.ts";
import type { Event } from "../core/event.ts";
import { wakeState } from "../core/state.ts";
import { logAudit, logEvent } from "../observability/logger.ts";
import type { AdminRequest } from "../protocol/admin.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import {
  type ConnectionId,
  nextConnectionId,
  parseRoomName,
  type RoomName,
  utf8Length,
} from "../protocol/ids.ts";
import { newDatabaseId, publicPartOf, secretPartOf } from "../store/database-id.ts";
import { exists, SqliteStorage } from "../store/sqlite-storage.ts";
import { HibernatingConnections } from "./connections.ts";
import { eventsOf } from "./events.ts";
import { exportLog } from "./export-stream.ts";
import { Inbox, type InboxItem, socketsOf, splitAtErase } from "./inbox.ts";
import { decodeJoin } from "./join-request.ts";
import { type AdminResponse, type Counters, PendingRequests, responseWithoutRoom } from "./rpc.ts";
import { validateRequest } from "./rpc-validation.ts";

export class ChatRoom extends DurableObject<Vars> {
  readonly #config: Config | string;
  readonly #connections: HibernatingConnections;
  readonly #inbox: Inbox;
  /** Undefined until the first event of this instance, and after a storage error. */
  #broker: Broker | undefined;
  #storage: SqliteStorage | undefined;
  readonly #requests = new PendingRequests();
  #wokeAt = 0;
  #wakes = 0;
  /** The room's name, from the Worker or an attachment; the platform does not give it. */
  #room: RoomName | undefined;
  #newestId: ConnectionId | undefined;
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly due: number } | undefined;

  constructor(ctx: DurableObjectState, env: Vars) {
    super(ctx, env);
    this.#config = readConfig(env);
    const limits = typeof this.#config === "string" ? defaultLimits() : this.#config.limits;
    this.#connections = new HibernatingConnections(ctx, limits);
    this.#inbox = new Inbox(limits.commitInterval, {
      take: (items) => this.#takeTurn(items),
      isAnyoneBehind: () => this.#broker?.isAnyoneBehind ?? false,
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** A join, sent by the Worker. @returns 101, or 409 with the close frame that the Worker sends */
  override fetch(request: Request): Promise<Response> {
    const join = decodeJoin(request);
    this.#room = join.room;
    const [chance = 0] = crypto.getRandomValues(new Uint32Array(1));
    const id = nextConnectionId(this.#newestId ?? this.#connections.newest, Date.now(), chance);
    this.#newestId = id;
    return new Promise((respond) => {
      this.#connections.expectJoin(id, request.headers.get("Sec-WebSocket-Protocol"), respond);
      void this.#inbox.push({ type: "join", id, join });
    });
  }

  /**
   * Takes a request of the operator, sent by the Worker, which has checked the key.
   * @returns the response, once its turn is stored; at once, and without waking the room, if the room's name or the request
   *   is malformed
   */
  operate(room: RoomName, given: AdminRequest): Promise<AdminResponse> {
    const request = isRoom(room) ? validateRequest(given, this.#connections.limits) : NO_ROOM_NAME;
    if (typeof request === "string") {
      return Promise.resolve({ type: "bad-order", message: request });
    }
    return this.#enqueueRequest(room, request);
  }

  #enqueueRequest(room: RoomName, request: AdminRequest): Promise<AdminResponse> {
    this.#room = room;
    return new Promise((resolve) => {
      const requestId = this.#requests.register(resolve);
      void this.#inbox.push({ type: "admin", requestId, request });
    });
  }

  /** Streams the whole log, for the operator. */
  export(room: RoomName): Promise<ReadableStream<Uint8Array> | AdminResponse> {
    if (!isRoom(room)) return Promise.resolve({ type: "bad-order", message: NO_ROOM_NAME });
    return exportLog({
      room,
      query: (request) => this.#enqueueRequest(room, request),
      epoch: () => this.#epoch,
    });
  }

  override webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> | undefined {
    const begins = !this.#inbox.isTurnPending;
    const turn = this.#inbox.push(this.#receive(ws, data));
    // The message that began the turn keeps the object awake until then. A promise for each costs 8 % of a message.
    return begins ? turn : undefined;
  }

  override webSocketClose(ws: WebSocket, code: number): Promise<void> {
    return this.#inbox.push({ type: "closed", ws, code });
  }

  override webSocketError(ws: WebSocket): Promise<void> {
    return this.#inbox.push({ type: "closed", ws, code: CLOSE.ABNORMAL });
  }

  /** Rows, statements, frames and encoded entries of this instance, for tests and operators. */
  get counters(): Counters {
    const { rowsRead = 0, rowsWritten = 0, statements = 0 } = this.#storage?.sql ?? {};
    const { frames = 0, encoded = 0 } = this.#broker?.counters ?? {};
    return { rowsRead, rowsWritten, statements, frames, encoded };
  }

  /** R9: nothing waits and nothing is due, so the object may hibernate. */
  get isIdle(): boolean {
    return this.#inbox.isEmpty && this.#timer === undefined;
  }

  /** Checks a frame before it waits in the inbox. */
  #receive(ws: WebSocket, data: string | ArrayBuffer): InboxItem {
    if (typeof data !== "string") {
      const reason = "binary frames are not understood here: send text";
      return { type: "invalidFrame", ws, close: { code: CLOSE.UNSUPPORTED_DATA, reason } };
    }
    const { frame } = this.#connections.limits;
    // A UTF-16 unit is one to three bytes: most frames need no counting.
    const tooBig = data.length > frame || (data.length * 3 > frame && utf8Length(data) > frame);
    if (!tooBig) return { type: "frame", ws, text: data };
    const reason = `a frame may have ${frame} bytes at most: send less at once`;
    return { type: "invalidFrame", ws, close: { code: CLOSE.TOO_BIG, reason } };
  }

  /** One turn of the broker's loop, from the inbox to the sockets. */
  #takeTurn(all: readonly InboxItem[]): void {
    const now = Date.now();
    for (const items of splitAtErase(all)) {
      this.#take(items, now);
      // Before the next part, which may wake another broker: that must not restore a dead socket as a peer.
      for (const item of items) {
        if (item.type === "closed") this.#connections.answerClose(item.ws, item.code);
      }
    }
    for (const link of this.#connections.rejectedByRuntime.splice(0)) {
      void this.#inbox.push({ type: "acceptFailed", link });
    }
    this.#scheduleTimer();
  }

  #take(items: readonly InboxItem[], now: number): void {
    try {
      if (this.#broker === undefined && this.#isWithoutRoom(items)) return;
      this.#broker ??= this.#wake(items, now);
      const head = this.#storage?.log.head;
      this.#broker.turn(eventsOf(items, this.#connections, this.#broker), now);
      if (this.#storage?.log.head !== head) this.#inbox.committed(now);
      this.#publishResults(this.#broker);
    } catch (error) {
      this.#recover(error, items, now);
    }
  }

  /** Logs the audit events of the turn, and resolves the operator's requests. */
  #publishResults(broker: Broker): void {
    const results = broker.adminResults();
    logAudit(broker.auditEvents(), this.#room ?? "", secretPartOf(this.#storage?.id ?? ""));
    for (const { requestId, result } of results) {
      if (result.type !== "stats") this.#requests.resolve(requestId, result);
      else {
        const epoch = this.#epoch ?? "";
        const instance = { since: this.#wokeAt, wakes: this.#wakes, ...this.counters };
        this.#requests.resolve(requestId, { ...result, epoch, instance });
      }
    }
    if (!broker.isErased) return;
    // The next join makes a new room.
    this.#broker = undefined;
    this.#storage = undefined;
  }

  /** Only a join makes a room: a query of the operator does not, nor frames of connections that an erasure closed. */
  #isWithoutRoom(items: readonly InboxItem[]): boolean {
    if (items.some(({ type }) => type === "join") || exists(this.ctx.storage)) return false;
    for (const item of items) {
      if (item.type === "admin") {
        this.#requests.resolve(item.requestId, responseWithoutRoom(item.request));
      }
      if (item.type === "frame" || item.type === "invalidFrame") {
        this.#connections.closeStale(item.ws);
      }
    }
    return true;
  }

  /** Rebuilds the broker from the attachments of the sockets and from the storage. Announces nothing. */
  #wake(items: readonly InboxItem[], now: number): Broker {
    if (typeof this.#config === "string") throw new Error(this.#config);
    const snapshots = this.#connections.restore(socketsOf(items));
    this.#room ??= snapshots[0]?.room;
    const onCorruption = (error: unknown): void =>
      logEvent({ event: "storage-trouble", error: String(error) }, this.#room);
    const storage = new SqliteStorage(this.ctx.storage, newDatabaseId, onCorruption);
    const { state, replaced, corruption } = wakeState(snapshots, storage.log, now);
    if (corruption !== undefined) onCorruption(corruption);
    for (const { link } of replaced) {
      this.#connections.close(link.id, REPLACED.code, REPLACED.reason);
    }
    const { limits } = this.#config;
    this.#storage = storage;
    this.#wakes++;
    this.#wokeAt = now;
    const epoch = this.#epoch ?? "";
    return new Broker({ storage, limits, connections: this.#connections, epoch }, state);
  }

  /** The public part of the database's id, and the operator's `EPOCH`. */
  get #epoch(): string | undefined {
    if (this.#storage === undefined || typeof this.#config === "string") return undefined;
    return `${publicPartOf(this.#storage.id)}.${this.#config.epoch}`;
  }

  /**
   * Recovers from a storage error: nothing of this turn is stored. Memory is restored to what is stored, except removals.
   * Every connection with an event in this turn is closed; when it returns, the replay shows what the room has.
   */
  #recover(error: unknown, items: readonly InboxItem[], now: number): void {
    logEvent({ event: "storage-trouble", error: String(error) }, this.#room);
    this.#broker = undefined;
    const { code, reason } = STORAGE_FAILED;
    for (const item of items) {
      if (item.type === "join") this.#connections.close(item.id, code, reason);
      if (item.type === "admin") this.#requests.resolve(item.requestId, { type: "trouble" });
    }
    try {
      const broker = this.#wake(items, now);
      const all = [...eventsOf(items, this.#connections, broker)];
      const removals = all.filter((event) => "link" in event);
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
      this.#connections.closeAll(socketsOf(items), STORAGE_FAILED);
    }
  }

  /** Sets the one timer to the next time at which something is due; clears it if nothing is. */
  #scheduleTimer(): void {
    const now = Date.now();
    const due = this.#broker?.due(now);
    if (due === this.#timer?.due) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.id);
    this.#timer = undefined;
    if (due === undefined) return;
    const onTimer = (): void => {
      this.#timer = undefined;
      void this.#inbox.push({ type: "tick" });
    };
    this.#timer = { due, id: setTimeout(onTimer, Math.max(0, due - now)) };
  }
}

const NO_ROOM_NAME = "room: expected the name of a room, in its normal form";

/** Types are not checked across a call from another Worker. */
const isRoom = (room: unknown): boolean => typeof room === "string" && parseRoomName(room) === room;
