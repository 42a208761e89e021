/** A room of a running server, and the ways to join it. */
import type { Credentials } from "./client.ts";
import { LineClient } from "./line-client.ts";
import {
  sendRequest,
  type Goodbye,
  type HttpResponse,
  type RawWebSocket,
  upgradeHeaders,
} from "./raw-websocket.ts";
import type { Server } from "../server/server.ts";
import { V1Client } from "./v1-client.ts";

interface ClientOptions extends Credentials {
  readonly dialect: "chat.v1" | "chat.line";
}

interface HandshakeOptions {
  /** The subprotocols offered. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export class TestRoom {
  readonly name: string;
  readonly #server: Server;

  /** @param name not used before on this server, which keeps its messages */
  constructor(server: Server, name: string) {
    this.#server = server;
    this.name = name;
  }

  /** `http://…`, without a query. */
  get url(): string {
    return this.#server.url + this.path;
  }

  get path(): string {
    return `/rooms/${encodeURIComponent(this.name)}`;
  }

  /** A new client joins, and the room accepts it. */
  async joins(
    name: string,
    options: ClientOptions & { readonly dialect: "chat.v1" },
  ): Promise<V1Client>;
  async joins(
    name: string,
    options: ClientOptions & { readonly dialect: "chat.line" },
  ): Promise<LineClient>;
  async joins(
    name: string,
    { dialect, ...credentials }: ClientOptions,
  ): Promise<V1Client | LineClient> {
    const Dialect = dialect === "chat.v1" ? V1Client : LineClient;
    const client = new Dialect(this, name, credentials);
    await client.returns();
    return client;
  }

  /** Sends a handshake by hand. @param query without the question mark */
  handshake(
    query: string,
    { protocols = [], headers = {} }: HandshakeOptions = {},
  ): Promise<HttpResponse> {
    const all = { ...upgradeHeaders(protocols), ...headers };
    return sendRequest(this.#server.url, `${this.path}?${query}`, { headers: all });
  }

  /** Sends a handshake that is accepted only to be closed. @returns the close */
  async rejects(query: string, options: HandshakeOptions = {}): Promise<Goodbye> {
    const { status, body, webSocket } = await this.handshake(query, options);
    if (webSocket === undefined) throw new Error(`no WebSocket was accepted: ${status} ${body}`);
    try {
      return await webSocket.refusal();
    } finally {
      webSocket.vanishes();
    }
  }

  /** A client joins that speaks WebSocket by hand. */
  async connectsRaw(
    name: string,
    protocols: readonly string[] = ["chat.v1"],
  ): Promise<RawWebSocket> {
    const { status, body, webSocket } = await this.handshake(`name=${name}`, { protocols });
    if (webSocket === undefined) throw new Error(`${name} was rejected: ${status} ${body}`);
    return webSocket;
  }
}
