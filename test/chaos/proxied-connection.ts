/**
 * One connection through a road: a socket of the client, one to the room, and a valve each way.
 *
 * Invariants:
 * - When one side ends by itself, the other is told in the same way, unless the client is dead: a ghost's link stays.
 * - The handshake's `Host` is the endpoint's.
 */
import { connect, type Socket } from "node:net";
import { connect as secure } from "node:tls";
import type { Cut, Way } from "./schedule.ts";
import { ThrottledPipe } from "./throttled-pipe.ts";

interface Told {
  /** The handshake was handed to the room. */
  readonly arrived: () => void;
  /** Both sockets are gone. */
  readonly over: () => void;
}

/** A request's head is shorter than this; longer ones pass as they are. */
const HEAD_BYTES = 16_384;

export class ProxiedConnection {
  readonly #client: Socket;
  /** What TCP carries to the room, and what is said on it: with TLS two things. */
  readonly #wire: Socket;
  readonly #room: Socket;
  readonly #valves: Readonly<Record<Way, ThrottledPipe>>;
  readonly #host: string;
  readonly #told: Told;
  #head: Buffer | undefined = Buffer.alloc(0);
  #isGhost = false;
  #isBroken = false;

  constructor(client: Socket, target: URL, told: Told) {
    this.#client = client;
    this.#host = target.host;
    this.#told = told;
    const isSecure = target.protocol === "https:" || target.protocol === "wss:";
    const host = target.hostname.replaceAll(/[[\]]/g, "");
    const port = target.port === "" ? (isSecure ? 443 : 80) : Number(target.port);
    this.#wire = connect({ host, port, allowHalfOpen: true });
    this.#room = isSecure ? secure({ socket: this.#wire, servername: host }) : this.#wire;
    this.#valves = {
      up: new ThrottledPipe(client, this.#room),
      down: new ThrottledPipe(this.#room, client),
    };
    client.on("data", (bytes: Buffer) => this.#says(bytes));
    this.#room.on("data", (bytes: Buffer) => this.#valves.down.take(bytes));
    this.#watches(client, this.#valves.up, () => this.#room);
    this.#watches(this.#room, this.#valves.down, () => this.#client);
    if (this.#wire !== this.#room) this.#wire.on("error", () => {});
  }

  /** Both ends are there, and bytes can pass. */
  get isWhole(): boolean {
    return !this.#isBroken && !this.#isGhost;
  }

  breaksAfter({ way, bytes, how, told }: Cut): void {
    this.#valves[way].breaksAfter(bytes, () => this.breaks(how, told));
  }

  breaks(how: Cut["how"], told: Cut["told"]): void {
    this.#isBroken = true;
    this.#valves.up.breaks();
    this.#valves.down.breaks();
    if (told !== "room") this.#end(this.#client, how);
    if (told !== "client") this.#end(this.#room, how);
  }

  shuts(ways: readonly Way[]): void {
    for (const way of ways) this.#valves[way].shuts();
  }

  opens(): void {
    this.#valves.up.opens();
    this.#valves.down.opens();
  }

  lags(ms: number): void {
    this.#valves.up.lags(ms);
    this.#valves.down.lags(ms);
  }

  /** What it has said goes on its way; what is said to it reaches nobody. */
  losesClient(): void {
    this.#isGhost = true;
    this.#valves.down.breaks();
    this.#client.destroy();
  }

  #says(bytes: Buffer): void {
    if (this.#head === undefined) {
      this.#valves.up.take(bytes);
      return;
    }
    const head = Buffer.concat([this.#head, bytes]);
    this.#head = head;
    const end = head.indexOf("\r\n\r\n");
    if (end === -1 && head.length < HEAD_BYTES) return;
    this.#head = undefined;
    const lines = head.subarray(0, end).toString("latin1");
    const mended = lines.replace(/^host:.*$/im, `Host: ${this.#host}`);
    this.#valves.up.take(Buffer.concat([Buffer.from(mended, "latin1"), head.subarray(end)]));
    this.#valves.up.whenEmpty(() => this.#told.arrived());
  }

  #watches(socket: Socket, valve: ThrottledPipe, other: () => Socket): void {
    socket.setNoDelay(true);
    // `close` follows.
    socket.on("error", () => {});
    socket.on("end", () => valve.ends());
    socket.on("close", () => {
      if (this.#client.destroyed && this.#room.destroyed) this.#told.over();
      if (this.#isBroken || (this.#isGhost && socket === this.#client)) return;
      // A clean end is passed on behind what came before it.
      if (socket.readableEnded) return;
      this.#isBroken = true;
      this.#end(other(), "reset");
    });
  }

  #end(socket: Socket, how: Cut["how"]): void {
    if (how === "end") {
      socket.end();
      // What still comes is read and dropped, until the other side ends too.
      socket.resume();
      return;
    }
    const wire = socket === this.#room ? this.#wire : socket;
    // While it connects, a reset would wait for the connection.
    if (wire.connecting) wire.destroy();
    else wire.resetAndDestroy();
    socket.destroy();
  }
}
