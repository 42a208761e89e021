/**
 * The way from one life of a client to the room, as a TCP proxy on loopback that misbehaves on demand.
 *
 * To an endpoint with TLS it speaks TLS, with the endpoint's name, and puts that name into the handshake's `Host`; the
 * client's side is plain. So every endpoint can be tried, and a cut still falls on a chosen byte of a frame.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ProxiedConnection } from "./proxied-connection.ts";
import type { Cut, Way } from "./schedule.ts";

const LOOPBACK = "127.0.0.1";

export class FaultProxy {
  readonly #server: Server;
  readonly #target: () => URL;
  readonly #passages = new Set<ProxiedConnection>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #arrivals: (() => void)[] = [];
  #next: { cut?: Cut; holdMs?: number } = {};
  #lagMs = 0;
  #isClosed = false;

  private constructor(target: () => URL) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#carry(socket));
  }

  /** @param target the endpoint, asked at every connect */
  static async opens(target: () => URL): Promise<FaultProxy> {
    const road = new FaultProxy(target);
    await new Promise<void>((resolve, reject) => {
      road.#server.once("error", reject);
      road.#server.listen(0, LOOPBACK, resolve);
    });
    return road;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://…`, what a client takes for the room's. */
  get url(): string {
    return `http://${LOOPBACK}:${String(this.port)}`;
  }

  /** A handshake is under way, or a link is up, that can be spoiled. */
  get isUsed(): boolean {
    return [...this.#passages].some(({ isWhole }) => isWhole);
  }

  /** Breaks the link that is up, or the next one. */
  cuts(cut: Cut): void {
    if (cut.which === "next") this.#next.cut = cut;
    else for (const passage of this.#passages) passage.breaksAfter(cut);
  }

  /** Lets nothing pass, these ways. */
  shuts(ways: readonly Way[]): void {
    for (const passage of this.#passages) passage.shuts(ways);
  }

  /** Lets everything pass that waits. */
  opens(): void {
    for (const passage of this.#passages) passage.opens();
  }

  resets(): void {
    for (const passage of this.#passages) passage.breaks("reset", "both");
  }

  lags(ms: number): void {
    this.#lagMs = ms;
    for (const passage of this.#passages) passage.lags(ms);
  }

  /** The next handshake waits for `ms`. */
  holdsNext(ms: number): void {
    this.#next.holdMs = ms;
  }

  /** Nothing goes wrong any more; what is broken half is broken whole, so that both ends know. */
  heals(): void {
    this.#next = {};
    this.lags(0);
    for (const passage of this.#passages) {
      if (passage.isWhole) passage.opens();
      else passage.breaks("reset", "both");
    }
  }

  /** The client is dead: its side is gone, nobody else comes this way, and the room is not told yet. */
  abandons(): void {
    this.#isClosed = true;
    for (const passage of this.#passages) passage.losesClient();
  }

  /** Calls `arrived` when the next handshake was handed to the room. */
  onArrival(arrived: () => void): void {
    this.#arrivals.push(arrived);
  }

  /** Does `work` later, unless the road was closed before. */
  after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.resets();
    this.#server.close();
  }

  #carry(client: Socket): void {
    client.on("error", () => {});
    if (this.#isClosed) {
      client.resetAndDestroy();
      return;
    }
    const passage = new ProxiedConnection(client, this.#target(), {
      arrived: () => {
        for (const arrived of this.#arrivals.splice(0)) arrived();
      },
      over: () => this.#passages.delete(passage),
    });
    this.#passages.add(passage);
    const { cut, holdMs } = this.#next;
    this.#next = {};
    passage.lags(this.#lagMs);
    if (cut !== undefined) passage.breaksAfter(cut);
    if (holdMs === undefined) return;
    passage.shuts(["up"]);
    this.after(holdMs, () => passage.opens());
  }
}
