/**
 * The connections of a room as hibernating WebSockets, each with its snapshot in an attachment.
 *
 * Invariants:
 * - The identity of a connection is in its attachment, because it must outlive the instance; sockets are compared by it.
 * - A connection that the room closed is marked `over` in the same step: no wake restores it.
 * - No method of `Connections` throws. `send` is not delivery: a socket that is closing takes everything silently.
 */
import { CLOSE, type CloseFrame, REASON_BYTES } from "../protocol/close-codes.ts";
import type { ServerMessage } from "../core/event.ts";
import type { Limits } from "../core/limits.ts";
import type { ConnectionId, ConnectionRef } from "../protocol/ids.ts";
import type { Connections, ConnectionSnapshot } from "../core/ports.ts";
import { writeFrame } from "../codec/json.ts";
import { writeLines } from "../codec/line.ts";
import { randomToken } from "../protocol/random-token.ts";
import { saveAttachment, readAttachment } from "./attachment.ts";

const OPEN = 1;
/** Bits of a mark's `k`: 8 characters. */
const TOKEN_BITS = 48;

/** The fixed part of a connection; the rest is in its attachment and in the broker. */
export type SocketInfo = Pick<ConnectionSnapshot, "link" | "dialect">;

/** Answers the upgrade request of a joining connection. */
type Respond = (response: Response) => void;

interface Joining {
  readonly respond: Respond;
  readonly protocol: string | null;
}

export class HibernatingConnections implements Connections {
  readonly #ctx: DurableObjectState;
  readonly limits: Limits;
  readonly #sockets = new Map<ConnectionId, WebSocket>();
  readonly #info = new Map<WebSocket, SocketInfo>();
  readonly #joining = new Map<ConnectionId, Joining>();
  /** Connections that the runtime did not accept. */
  readonly rejectedByRuntime: ConnectionRef[] = [];

  constructor(ctx: DurableObjectState, limits: Limits) {
    this.#ctx = ctx;
    this.limits = limits;
  }

  /** The highest connection id among the sockets, including those that are over. */
  get newest(): ConnectionId | undefined {
    let newest: ConnectionId | undefined;
    for (const ws of this.#ctx.getWebSockets()) {
      const id = readAttachment(ws)?.memo.link.id;
      if (id !== undefined && (newest === undefined || id > newest)) newest = id;
    }
    return newest;
  }

  /**
   * Registers a joining connection: `open` or `close` with this id answers it.
   * @param protocol what the response names; null for none
   */
  expectJoin(id: ConnectionId, protocol: string | null, respond: Respond): void {
    this.#joining.set(id, { respond, protocol });
  }

  /**
   * Returns the snapshots of the sockets when a room wakes.
   * @param present sockets of the events that woke it: not every host lists a closing one
   */
  restore(present: Iterable<WebSocket>): ConnectionSnapshot[] {
    this.#sockets.clear();
    this.#info.clear();
    const snapshots: ConnectionSnapshot[] = [];
    for (const ws of new Set([...this.#ctx.getWebSockets(), ...present])) {
      const attachment = readAttachment(ws);
      if (attachment === undefined) this.closeStale(ws);
      else if (!attachment.over) {
        this.#register(ws, attachment.memo);
        snapshots.push(attachment.memo);
      }
    }
    return snapshots;
  }

  /** @returns the connection of `ws`; undefined if the room has closed it */
  find(ws: WebSocket): SocketInfo | undefined {
    return this.#info.get(ws);
  }

  /** Forgets a socket, and marks it as over. */
  detach(ws: WebSocket): void {
    const info = this.#info.get(ws);
    if (info === undefined) return;
    this.#info.delete(ws);
    this.#sockets.delete(info.link.id);
    const attachment = readAttachment(ws);
    if (attachment !== undefined) saveAttachment(ws, attachment.memo, true);
  }

  /** Answers a Close frame, after the removal. Only a code that may be sent is echoed: 1005 and 1006 may not. */
  answerClose(ws: WebSocket, code: number): void {
    this.detach(ws);
    try {
      if (code === CLOSE.NORMAL || (code >= 3000 && code < 5000)) ws.close(code);
      else ws.close();
    } catch {
      // The connection broke: no answer can reach it.
    }
  }

  /** Closes a socket that still sends after its connection is over. */
  closeStale(ws: WebSocket, { code, reason }: CloseFrame = STALE): void {
    try {
      // A longer reason would throw, and the connection would stay.
      ws.close(code, reason.slice(0, REASON_BYTES));
    } catch {
      // It is closed already.
    }
  }

  open(snapshot: ConnectionSnapshot): void {
    const joining = this.#joining.get(snapshot.link.id);
    if (joining === undefined) return;
    this.#joining.delete(snapshot.link.id);
    const { 0: client, 1: server } = new WebSocketPair();
    try {
      this.#ctx.acceptWebSocket(server);
    } catch {
      this.rejectedByRuntime.push(snapshot.link);
      joining.respond(
        Response.json(
          { code: CLOSE.FULL, reason: "the room has no socket left: come back later" },
          { status: 409 },
        ),
      );
      return;
    }
    this.#register(server, snapshot);
    saveAttachment(server, snapshot, false);
    const { protocol } = joining;
    const headers: HeadersInit = protocol === null ? {} : { "Sec-WebSocket-Protocol": protocol };
    joining.respond(new Response(null, { status: 101, webSocket: client, headers }));
  }

  send(id: ConnectionId, messages: readonly ServerMessage[]): number | undefined {
    const ws = this.#sockets.get(id);
    const info = ws && this.#info.get(ws);
    // A closing socket is removed by its own handler.
    if (ws === undefined || info === undefined || ws.readyState !== OPEN) return undefined;
    const { dialect, link } = info;
    const frames =
      dialect === "chat.v1" ? [writeFrame(messages, this.limits)] : writeLines(messages, link.name);
    let sent = 0;
    try {
      for (const { text, bytes } of frames) {
        ws.send(text);
        sent += bytes;
      }
      return sent;
    } catch {
      // It closed at this moment.
      return undefined;
    }
  }

  saveSnapshot(snapshot: ConnectionSnapshot): void {
    const ws = this.#sockets.get(snapshot.link.id);
    if (ws !== undefined) saveAttachment(ws, snapshot, false);
  }

  close(id: ConnectionId, code: number, reason: string): void {
    const joining = this.#joining.get(id);
    if (joining !== undefined) {
      this.#joining.delete(id);
      joining.respond(Response.json({ code, reason }, { status: 409 }));
      return;
    }
    const ws = this.#sockets.get(id);
    if (ws === undefined) return;
    this.detach(ws);
    this.closeStale(ws, { code, reason });
  }

  /** Closes every connection of the room, and rejects the joining ones. */
  closeAll(present: Iterable<WebSocket>, { code, reason }: CloseFrame): void {
    this.restore(present);
    for (const id of [...this.#sockets.keys(), ...this.#joining.keys()])
      this.close(id, code, reason);
  }

  token(): string {
    return randomToken(TOKEN_BITS);
  }

  pinged(id: ConnectionId): number | undefined {
    const ws = this.#sockets.get(id);
    return ws && this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime();
  }

  #register(ws: WebSocket, snapshot: ConnectionSnapshot): void {
    this.#sockets.set(snapshot.link.id, ws);
    this.#info.set(ws, { link: snapshot.link, dialect: snapshot.dialect });
  }
}

const STALE: CloseFrame = {
  code: CLOSE.STALE,
  reason: "this connection is over: come back with a new one",
};
