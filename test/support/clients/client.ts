/**
 * Clients that read like people: `alice.says("hi")`, `await bob.hears("hi")`, `bob.vanishes()`, `bob.returns()`.
 *
 * Invariants:
 * - A client ignores frames from older connections: it listens to its newest connection only.
 * - Both dialects send `ping` once on every connection, because the runtime ends TCP only towards a client that has
 *   sent something.
 */
import { WebSocket } from "ws";
import type { Goodbye } from "./raw-websocket.ts";
import { Notifier } from "../wait-for.ts";

/** 1006: the connection broke without a Close frame. */
const BROKEN: Goodbye = { code: 1006, reason: "" };

/** The room's address, read again at every connect. */
export interface Address {
  readonly url: string;
}

export interface Credentials {
  /** The key that owns the name, as `Authorization: Bearer KEY`. */
  readonly key?: string;
}

/** The header carries the UTF-8 bytes of the key; Node sends one byte per character of a header. */
export const bearer = (key: string): { Authorization: string } => ({
  Authorization: `Bearer ${Buffer.from(key).toString("latin1")}`,
});

export abstract class Client {
  readonly name: string;
  readonly #notifier = new Notifier();
  readonly #headers: Record<string, string>;
  #socket: WebSocket | undefined;
  #pongs = 0;
  #ignoresFrames = false;
  #goodbye: Goodbye | undefined;
  /** An invalid message of the room; thrown at the next wait. */
  #fault: unknown;

  constructor(name: string, { key }: Credentials) {
    this.name = name;
    this.#headers = key === undefined ? {} : bearer(key);
  }

  /** Connects, or reconnects with the client's state; resolves when the room has accepted it. */
  abstract returns(): Promise<void>;

  /** Closes the connection with 1000. */
  async leaves(): Promise<Goodbye> {
    this.#socket?.close(1000);
    return this.goodbye();
  }

  /** Cuts the connection without a Close frame: the other side sees 1006. */
  async vanishes(): Promise<void> {
    this.#socket?.terminate();
    await this.goodbye();
  }

  /** Drops everything that this connection still brings, as if it had been lost in transit. */
  stopsListening(): void {
    this.#ignoresFrames = true;
  }

  /** Sends `ping` and waits for its answer. */
  async pings(): Promise<void> {
    const before = this.#pongs;
    this.transmit("ping");
    await this.until(
      () => this.#pongs > before,
      () => "a pong",
    );
  }

  /** Waits for the end of the newest connection. */
  goodbye(): Promise<Goodbye> {
    return this.until(
      () => this.#goodbye,
      () => "the end of the connection",
    );
  }

  get isCutOff(): boolean {
    return this.#goodbye !== undefined;
  }

  until<T>(look: () => T | undefined | false, what: () => string, ms?: number): Promise<T> {
    const expected = (): string => `${this.name} for ${what()}; so far: ${this.summary()}`;
    const unlessBroken = (): T | undefined | false => {
      if (this.#fault !== undefined) throw this.#fault;
      return look();
    };
    return this.#notifier.until(unlessBroken, expected, ms);
  }

  /** Opens a connection; its frames go to `hear` until there is a newer one. */
  protected dial(url: string, protocols: readonly string[]): void {
    const socket = new WebSocket(url, [...protocols], { headers: this.#headers });
    this.#socket = socket;
    this.#goodbye = undefined;
    this.#ignoresFrames = false;
    const isNewest = (): boolean => this.#socket === socket;
    socket.on("open", () => socket.send("ping"));
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isNewest() || this.#ignoresFrames) return;
      try {
        if (isBinary) throw new Error(`${this.name} was sent a binary frame`);
        const text = data.toString();
        if (text === "pong") this.#pongs++;
        else this.hear(text);
      } catch (error) {
        this.#fault = error;
      }
      this.#notifier.notify();
    });
    // `close` follows.
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      if (!isNewest()) return;
      this.#goodbye = code === 1006 ? BROKEN : { code, reason: reason.toString() };
      this.#notifier.notify();
    });
  }

  protected transmit(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Waits until the room has accepted this client. @throws the close, if the room rejects it */
  protected async accepted(isIn: () => boolean): Promise<void> {
    await this.until(
      () => {
        if (this.#goodbye !== undefined) {
          const { code, reason } = this.#goodbye;
          throw new Error(`${this.name} was rejected: ${code} ${reason}`);
        }
        return isIn();
      },
      () => "being accepted",
    );
  }

  protected abstract hear(text: string): void;

  /** Returns what this client has received, for the message of a failing test. */
  protected abstract summary(): string;
}
