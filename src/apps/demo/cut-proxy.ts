/**
 * The way from one client to the server, as a TCP proxy on loopback that can be cut for real.
 *
 * Invariant: nothing passes a link that is cut. What was under way is lost, both ends get a reset, and so does whoever
 * connects meanwhile.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const LOOPBACK = "127.0.0.1";

export class CuttableProxy {
  readonly #server: Server;
  readonly #portOfRoom: () => number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(portOfRoom: () => number) {
    this.#portOfRoom = portOfRoom;
    // Each side may end for itself: a goodbye that is still to be answered must pass.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#carry(socket));
  }

  /** @param portOfRoom asked at every connect, on loopback */
  static async opens(portOfRoom: () => number): Promise<CuttableProxy> {
    const link = new CuttableProxy(portOfRoom);
    await new Promise<void>((resolve, reject) => {
      link.#server.once("error", reject);
      link.#server.listen(0, LOOPBACK, resolve);
    });
    return link;
  }

  /** `http://…`, what a client takes for the server. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${LOOPBACK}:${String(port)}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) drop(socket);
  }

  restore(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(client: Socket): void {
    if (this.#isCut) {
      client.on("error", () => {});
      drop(client);
      return;
    }
    const room = connect({ port: this.#portOfRoom(), host: LOOPBACK, allowHalfOpen: true });
    this.#join(client, room);
    this.#join(room, client);
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    // `close` follows, and ends the other side.
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      if (from.readableEnded) to.destroySoon();
      else drop(to);
    });
    from.pipe(to);
  }
}

/** While it connects, a reset would wait for the connection, and let through what is to be sent first. */
function drop(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
