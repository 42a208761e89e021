/**
 * A TCP proxy on loopback between one client and the server, whose connections can really be cut.
 *
 * Invariant: nothing passes a proxy that is cut. Bytes in transit are lost, both ends get a reset, and so does a new
 * connection until the proxy is restored.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const LOOPBACK = "127.0.0.1";

export class CuttableProxy {
  readonly #server: Server;
  readonly #serverPort: () => number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(serverPort: () => number) {
    this.#serverPort = serverPort;
    // Each side ends for itself, so that the answer to a close frame still passes.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#forward(socket));
  }

  /** @param serverPort called at every connection; the port is on loopback */
  static async open(serverPort: () => number): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(serverPort);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, LOOPBACK, resolve);
    });
    return proxy;
  }

  /** The address for the client, `http://…`, in place of the server's. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${LOOPBACK}:${String(port)}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) reset(socket);
  }

  restore(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #forward(client: Socket): void {
    if (this.#isCut) {
      client.on("error", () => {});
      reset(client);
      return;
    }
    const server = connect({ port: this.#serverPort(), host: LOOPBACK, allowHalfOpen: true });
    this.#pipe(client, server);
    this.#pipe(server, client);
  }

  #pipe(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    // `close` follows and ends the other side.
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      if (from.readableEnded) to.destroySoon();
      else reset(to);
    });
    from.pipe(to);
  }
}

/** Resets a socket. One that still connects is destroyed: a reset would first connect and send what is queued. */
function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
