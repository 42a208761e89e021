/**
 * One connection through a fault proxy: a socket to the client, one to the room, and a pipe for each direction.
 *
 * Invariants:
 * - When one side ends by itself, the other side ends in the same way, unless the client is dead: a half-open
 *   connection stays.
 * - The handshake's `Host` is the endpoint's.
 */
import { connect, type Socket } from "node:net";
import { connect as secure } from "node:tls";
import type { Cut, Direction } from "./cut.ts";
import { ThrottledPipe } from "./throttled-pipe.ts";

interface ConnectionEvents {
  /** The handshake has been passed to the room. */
  readonly onHandshake: () => void;
  /** Both sockets are closed. */
  readonly onClosed: () => void;
}

/** A request's head must be shorter to be rewritten; longer ones pass unchanged. */
const HEAD_BYTES = 16_384;

export class ProxiedConnection {
  readonly #client: Socket;
  /** The TCP socket to the room, and the socket to write to; with TLS they differ. */
  readonly #wire: Socket;
  readonly #room: Socket;
  readonly #pipes: Readonly<Record<Direction, ThrottledPipe>>;
  readonly #host: string;
  readonly #events: ConnectionEvents;
  #head: Buffer | undefined = Buffer.alloc(0);
  #isHalfOpen = false;
  #isBroken = false;

  constructor(client: Socket, target: URL, events: ConnectionEvents) {
    this.#client = client;
    this.#host = target.host;
    this.#events = events;
    const isSecure = target.protocol === "https:" || target.protocol === "wss:";
    const host = target.hostname.replaceAll(/[[\]]/g, "");
    const port = target.port === "" ? (isSecure ? 443 : 80) : Number(target.port);
    this.#wire = connect({ host, port, allowHalfOpen: true });
    this.#room = isSecure ? secure({ socket: this.#wire, servername: host }) : this.#wire;
    this.#pipes = {
      up: new ThrottledPipe(client, this.#room),
      down: new ThrottledPipe(this.#room, client),
    };
    client.on("data", (bytes: Buffer) => this.#onClientData(bytes));
    this.#room.on("data", (bytes: Buffer) => this.#pipes.down.write(bytes));
    this.#watch(client, this.#pipes.up, () => this.#room);
    this.#watch(this.#room, this.#pipes.down, () => this.#client);
    if (this.#wire !== this.#room) this.#wire.on("error", () => {});
  }

  /** Both ends are connected, and bytes can pass. */
  get isWhole(): boolean {
    return !this.#isBroken && !this.#isHalfOpen;
  }

  breakAfter({ direction, bytes, how, notified }: Cut): void {
    this.#pipes[direction].breakAfter(bytes, () => this.break(how, notified));
  }

  break(how: Cut["how"], notified: Cut["notified"]): void {
    this.#isBroken = true;
    this.#pipes.up.destroy();
    this.#pipes.down.destroy();
    if (notified !== "room") this.#end(this.#client, how);
    if (notified !== "client") this.#end(this.#room, how);
  }

  block(ways: readonly Direction[]): void {
    for (const way of ways) this.#pipes[way].block();
  }

  unblock(): void {
    this.#pipes.up.unblock();
    this.#pipes.down.unblock();
  }

  setLatency(ms: number): void {
    this.#pipes.up.setLatency(ms);
    this.#pipes.down.setLatency(ms);
  }

  /** Bytes from the client stay in transit; bytes to the client are dropped. */
  abandonClient(): void {
    this.#isHalfOpen = true;
    this.#pipes.down.destroy();
    this.#client.destroy();
  }

  #onClientData(bytes: Buffer): void {
    if (this.#head === undefined) {
      this.#pipes.up.write(bytes);
      return;
    }
    const head = Buffer.concat([this.#head, bytes]);
    this.#head = head;
    const end = head.indexOf("\r\n\r\n");
    if (end === -1 && head.length < HEAD_BYTES) return;
    this.#head = undefined;
    const lines = head.subarray(0, end).toString("latin1");
    const rewritten = lines.replace(/^host:.*$/im, `Host: ${this.#host}`);
    this.#pipes.up.write(Buffer.concat([Buffer.from(rewritten, "latin1"), head.subarray(end)]));
    this.#pipes.up.whenEmpty(() => this.#events.onHandshake());
  }

  #watch(socket: Socket, pipe: ThrottledPipe, other: () => Socket): void {
    socket.setNoDelay(true);
    // `close` follows.
    socket.on("error", () => {});
    socket.on("end", () => pipe.end());
    socket.on("close", () => {
      if (this.#client.destroyed && this.#room.destroyed) this.#events.onClosed();
      if (this.#isBroken || (this.#isHalfOpen && socket === this.#client)) return;
      // The pipe passes a clean end on, after the bytes before it.
      if (socket.readableEnded) return;
      this.#isBroken = true;
      this.#end(other(), "reset");
    });
  }

  #end(socket: Socket, how: Cut["how"]): void {
    if (how === "end") {
      socket.end();
      // Read and drop further bytes until the other side ends too.
      socket.resume();
      return;
    }
    const wire = socket === this.#room ? this.#wire : socket;
    // On a connecting socket, a reset would wait for the connection.
    if (wire.connecting) wire.destroy();
    else wire.resetAndDestroy();
    socket.destroy();
  }
}
