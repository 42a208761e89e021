/**
 * The connections of a room as hibernating WebSockets, and what each remembers of itself while the room sleeps.
 *
 * Invariants:
 * - The identity of a connection lies in its attachment, for it must outlive the instance; sockets are compared by it.
 * - A connection that the room ended is marked `over` in the same step: it never comes back through a wake.
 * - No verb of `Connections` throws. `send` is not delivery: a socket that is closing takes everything silently.
 */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";
import type { ServerMessage } from "../core/event.ts";
import type { Limits } from "../core/limits.ts";
import type { ConnectionId, ConnectionRef } from "../protocol/ids.ts";
import type { Connections } from "../core/ports.ts";
import type { ConnectionSnapshot } from "../core/ports.ts";
import { writeFrame } from "../codec/json.ts";
import { writeLines } from "../codec/line.ts";
import { saveAttachment, readAttachment } from "./attachment.ts";

const OPEN = 1;

/** What never changes of a connection; what does lies in its attachment and with the broker. */
export type SocketInfo = Pick<ConnectionSnapshot, "link" | "dialect">;

/** How a joining connection learns what became of it. */
type Respond = (answer: Response) => void;

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
  /** Connections that the runtime would not accept any more. */
  readonly rejectedByRuntime: ConnectionRef[] = [];

  constructor(ctx: DurableObjectState, limits: Limits) {
    this.#ctx = ctx;
    this.limits = limits;
  }

  /** The highest connection id among the sockets, those included that are over. */
  get newest(): ConnectionId | undefined {
    let newest: ConnectionId | undefined;
    for (const ws of this.#ctx.getWebSockets()) {
      const id = readAttachment(ws)?.memo.link.id;
      if (id !== undefined && (newest === undefined || id > newest)) newest = id;
    }
    return newest;
  }

  /**
   * Somebody at the door: `open` or `close` with this id tells them.
   * @param protocol what the response names; null for none
   */
  expectJoin(id: ConnectionId, protocol: string | null, respond: Respond): void {
    this.#joining.set(id, { respond, protocol });
  }

  /**
   * What the sockets remember, when a room wakes.
   * @param present sockets of the events that woke it: not every host lists one that is dying
   */
  restore(present: Iterable<WebSocket>): ConnectionSnapshot[] {
    this.#sockets.clear();
    this.#info.clear();
    const memos: ConnectionSnapshot[] = [];
    for (const ws of new Set([...this.#ctx.getWebSockets(), ...present])) {
      const attachment = readAttachment(ws);
      if (attachment === undefined) this.closeStale(ws);
      else if (!attachment.over) {
        this.#register(ws, attachment.memo);
        memos.push(attachment.memo);
      }
    }
    return memos;
  }

  /** Which connection `ws` is; undefined if the room has ended it. */
  find(ws: WebSocket): SocketInfo | undefined {
    return this.#info.get(ws);
  }

  /** The room knows nothing of this socket any more. */
  detach(ws: WebSocket): void {
    const known = this.#info.get(ws);
    if (known === undefined) return;
    this.#info.delete(ws);
    this.#sockets.delete(known.link.id);
    const attachment = readAttachment(ws);
    if (attachment !== undefined) saveAttachment(ws, attachment.memo, true);
  }

  /** Answers a Close, after its removal. Only a code that may be sent is echoed: 1005 and 1006 may not. */
  answerClose(ws: WebSocket, code: number): void {
    this.detach(ws);
    try {
      if (code === CLOSE.NORMAL || (code >= 3000 && code < 5000)) ws.close(code);
      else ws.close();
    } catch {
      // The link broke, and there is nobody to answer.
    }
  }

  /** Answers whatever else comes from a connection that is over. */
  closeStale(ws: WebSocket, { code, reason }: CloseFrame = STALE): void {
    try {
      ws.close(code, reason);
    } catch {
      // Closed already: that is all that was wanted.
    }
  }

  open(memo: ConnectionSnapshot): void {
    const joining = this.#joining.get(memo.link.id);
    if (joining === undefined) return;
    this.#joining.delete(memo.link.id);
    const { 0: client, 1: server } = new WebSocketPair();
    try {
      this.#ctx.acceptWebSocket(server);
    } catch {
      this.rejectedByRuntime.push(memo.link);
      joining.respond(
        Response.json(
          { code: CLOSE.FULL, reason: "the room has no socket left: come back later" },
          { status: 409 },
        ),
      );
      return;
    }
    this.#register(server, memo);
    saveAttachment(server, memo, false);
    const { protocol } = joining;
    const headers: HeadersInit = protocol === null ? {} : { "Sec-WebSocket-Protocol": protocol };
    joining.respond(new Response(null, { status: 101, webSocket: client, headers }));
  }

  send(id: ConnectionId, outs: readonly ServerMessage[]): number | undefined {
    const ws = this.#sockets.get(id);
    const known = ws && this.#info.get(ws);
    // One that is dying is removed by its own handler.
    if (ws === undefined || known === undefined || ws.readyState !== OPEN) return undefined;
    const { dialect, link } = known;
    const frames =
      dialect === "chat.v1" ? [writeFrame(outs, this.limits)] : writeLines(outs, link.name);
    let sent = 0;
    try {
      for (const { text, bytes } of frames) {
        ws.send(text);
        sent += bytes;
      }
      return sent;
    } catch {
      // It closed in this very moment.
      return undefined;
    }
  }

  saveSnapshot(memo: ConnectionSnapshot): void {
    const ws = this.#sockets.get(memo.link.id);
    if (ws !== undefined) saveAttachment(ws, memo, false);
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

  /** Ends every connection of the room, and turns away who is at the door. */
  closeAll(present: Iterable<WebSocket>, { code, reason }: CloseFrame): void {
    this.restore(present);
    for (const id of [...this.#sockets.keys(), ...this.#joining.keys()])
      this.close(id, code, reason);
  }

  token(): string {
    return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(6))))
      .replaceAll("+", "-")
      .replaceAll("/", "_");
  }

  pinged(id: ConnectionId): number | undefined {
    const ws = this.#sockets.get(id);
    return ws && this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime();
  }

  #register(ws: WebSocket, memo: ConnectionSnapshot): void {
    this.#sockets.set(memo.link.id, ws);
    this.#info.set(ws, { link: memo.link, dialect: memo.dialect });
  }
}

const STALE: CloseFrame = {
  code: CLOSE.STALE,
  reason: "this connection is over: come back with a new one",
};
