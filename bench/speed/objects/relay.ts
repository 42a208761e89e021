/**
 * The baseline that stores nothing: an object that relays each message, in one frame per recipient and one back to the
 * sender. It shows the least cost of a chat on hibernating sockets that is written the obvious way.
 */
import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly ROOM: DurableObjectNamespace<Relay>;
}

interface Send {
  readonly id: string;
  readonly to?: readonly string[];
  readonly text: string;
}

export class Relay extends DurableObject<Env> {
  protected seq = 0;
  readonly #peers = new Map<string, WebSocket>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const ws of ctx.getWebSockets()) this.#peers.set(ws.deserializeAttachment() as string, ws);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get("name") ?? "";
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment(name);
    this.#peers.set(name, server);
    server.send(JSON.stringify({ type: "ready" }));
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, data: string): void {
    const { id, to, text } = JSON.parse(data) as Send;
    const from = ws.deserializeAttachment() as string;
    const entry = { type: "message", seq: ++this.seq, from, to, text, id, at: Date.now() };
    this.store(from, to, JSON.stringify(entry));
    if (to === undefined) {
      for (const peer of this.#peers.values()) this.#hand(peer, entry);
      return;
    }
    for (const name of new Set([from, ...to])) this.#hand(this.#peers.get(name), entry);
  }

  override webSocketClose(ws: WebSocket): void {
    const name = ws.deserializeAttachment() as string;
    if (this.#peers.get(name) === ws) this.#peers.delete(name);
    ws.close();
  }

  /** Overridden by the baseline that stores. */
  protected store(_from: string, _to: readonly string[] | undefined, _entry: string): void {}

  #hand(peer: WebSocket | undefined, entry: object): void {
    try {
      peer?.send(JSON.stringify(entry));
    } catch {
      // The socket is closing.
    }
  }
}

export default {
  fetch: (request: Request, env: Env): Promise<Response> => {
    const room = new URL(request.url).pathname.split("/").at(-1) ?? "";
    return env.ROOM.getByName(room).fetch(request);
  },
};
