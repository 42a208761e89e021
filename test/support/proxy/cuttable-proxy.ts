/** A TCP proxy on loopback between one client and the server, that can be cut for real: both ends get a reset. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export class CuttableProxy {
  readonly #server = createServer((client) => this.#carry(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: () => URL;
  #isClosed = false;
  /** How many connections came through. */
  connections = 0;

  private constructor(target: () => URL) {
    this.#target = target;
  }

  static async to(target: () => URL): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends whatever goes through now. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Lets nothing through until `opens`. */
  closes(): void {
    this.#isClosed = true;
    this.cut();
  }

  opens(): void {
    this.#isClosed = false;
  }

  end(): void {
    this.cut();
    this.#server.close();
  }

  #carry(client: Socket): void {
    client.on("error", () => {});
    if (this.#isClosed) {
      client.resetAndDestroy();
      return;
    }
    this.connections++;
    const { port, hostname } = this.#target();
    const server = connect({ port: Number(port), host: hostname });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
