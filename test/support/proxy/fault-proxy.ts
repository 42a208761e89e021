/**
 * A TCP proxy on loopback between a client and the room. It injects faults on demand, for chaos and for single tests. (The
 * demo has a smaller one of its own, src/apps/demo/cut-proxy.ts, because the demo ships.)
 *
 * For an endpoint with TLS, it speaks TLS with the endpoint's name and writes that name into the handshake's `Host`;
 * the client's side stays plain. So chaos can test any endpoint, and can cut at any byte of a frame.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ProxiedConnection } from "./proxied-connection.ts";
import type { Cut, Direction } from "./cut.ts";

const LOOPBACK = "127.0.0.1";

export class FaultProxy {
  readonly #server: Server;
  readonly #target: () => URL;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #onHandshakes: (() => void)[] = [];
  #next: { cut?: Cut; holdMs?: number } = {};
  #latencyMs = 0;
  #isRefusing = false;
  /** Number of connections accepted so far. */
  accepted = 0;

  private constructor(target: () => URL) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#carry(socket));
  }

  /** @param target returns the endpoint; called at every connect */
  static async listen(target: () => URL): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, LOOPBACK, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://…`, the address for the client. */
  get url(): string {
    return `http://${LOOPBACK}:${String(this.port)}`;
  }

  /** Whether a handshake is in progress or a connection is open. */
  get isInUse(): boolean {
    return [...this.#connections].some(({ isWhole }) => isWhole);
  }

  /** Cuts the open connections, or the next one. */
  cut(cut: Cut): void {
    if (cut.which === "next") this.#next.cut = cut;
    else for (const connection of this.#connections) connection.breakAfter(cut);
  }

  /** Blocks these directions. */
  block(ways: readonly Direction[]): void {
    for (const connection of this.#connections) connection.block(ways);
  }

  /** Unblocks both directions; queued bytes pass. */
  unblock(): void {
    for (const connection of this.#connections) connection.unblock();
  }

  reset(): void {
    for (const connection of this.#connections) connection.break("reset", "both");
  }

  /** Resets every connection, and every new one until `accept`. */
  refuse(): void {
    this.#isRefusing = true;
    this.reset();
  }

  accept(): void {
    this.#isRefusing = false;
  }

  setLatency(ms: number): void {
    this.#latencyMs = ms;
    for (const connection of this.#connections) connection.setLatency(ms);
  }

  /** Holds the next handshake back for `ms`. */
  holdNextHandshake(ms: number): void {
    this.#next.holdMs = ms;
  }

  /** Stops all faults. Resets connections that only one end knows to be broken, so that both ends know. */
  heal(): void {
    this.#next = {};
    this.setLatency(0);
    for (const connection of this.#connections) {
      if (connection.isWhole) connection.unblock();
      else connection.break("reset", "both");
    }
  }

  /** The client is dead: closes its side and refuses new connections. The room's side stays open. */
  abandonClient(): void {
    this.#isRefusing = true;
    for (const connection of this.#connections) connection.abandonClient();
  }

  /** Calls `arrived` once the next handshake has been passed to the room. */
  onHandshake(arrived: () => void): void {
    this.#onHandshakes.push(arrived);
  }

  /** Runs `work` after `ms`, unless the proxy is closed before. */
  after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  close(): void {
    this.#isRefusing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.reset();
    this.#server.close();
  }

  #carry(client: Socket): void {
    client.on("error", () => {});
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    this.accepted++;
    const connection = new ProxiedConnection(client, this.#target(), {
      onHandshake: () => {
        for (const arrived of this.#onHandshakes.splice(0)) arrived();
      },
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    const { cut, holdMs } = this.#next;
    this.#next = {};
    connection.setLatency(this.#latencyMs);
    if (cut !== undefined) connection.breakAfter(cut);
    if (holdMs === undefined) return;
    connection.block(["up"]);
    this.after(holdMs, () => connection.unblock());
  }
}
