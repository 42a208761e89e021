/**
 * Clients that read like people: `alice.says("hi")`, `await bob.hears("hi")`, `bob.vanishes()`, `bob.returns()`.
 *
 * Invariants:
 * - What an older link still brings is not heard: every client listens to its newest link only.
 * - Both dialects say `ping` once on every link: the runtime ends TCP only towards who has said something.
 */
import { WebSocket } from "ws";
import type { Goodbye } from "./raw-websocket.ts";
import { Notifier } from "../wait-for.ts";

/** 1006: the link broke without a Close frame. */
const BROKEN: Goodbye = { code: 1006, reason: "" };

/** Where a client goes, asked anew at every connect. */
export interface Address {
  readonly url: string;
}

export interface Credentials {
  /** The key that owns the name, as `Authorization: Bearer KEY`. */
  readonly key?: string;
}

/** The bytes of the header are the UTF-8 of the key; Node sends a header's characters as bytes. */
export const bearer = (key: string): { Authorization: string } => ({
  Authorization: `Bearer ${Buffer.from(key).toString("latin1")}`,
});

export abstract class Client {
  readonly name: string;
  readonly #notifier = new Notifier();
  readonly #headers: Record<string, string>;
  #socket: WebSocket | undefined;
  #pongs = 0;
  #isDeaf = false;
  #goodbye: Goodbye | undefined;
  /** What the room said that it should not have said; thrown at whoever waits next. */
  #fault: unknown;

  constructor(name: string, { key }: Credentials) {
    this.name = name;
    this.#headers = key === undefined ? {} : bearer(key);
  }

  /** Comes, or comes back, with what this client remembers; resolved when the room has let it in. */
  abstract returns(): Promise<void>;

  /** Ends the link as one should. */
  async leaves(): Promise<Goodbye> {
    this.#socket?.close(1000);
    return this.goodbye();
  }

  /** Cuts the link without a word: the other side sees 1006. */
  async vanishes(): Promise<void> {
    this.#socket?.terminate();
    await this.goodbye();
  }

  /** What this link still brings is lost, as if it had been cut on its way. */
  stopsListening(): void {
    this.#isDeaf = true;
  }

  /** Says `ping`, and waits for its answer. */
  async pings(): Promise<void> {
    const before = this.#pongs;
    this.transmit("ping");
    await this.until(
      () => this.#pongs > before,
      () => "a pong",
    );
  }

  /** Waits for the end of the newest link. */
  goodbye(): Promise<Goodbye> {
    return this.until(
      () => this.#goodbye,
      () => "the end of the link",
    );
  }

  get isCutOff(): boolean {
    return this.#goodbye !== undefined;
  }

  until<T>(look: () => T | undefined | false, what: () => string, ms?: number): Promise<T> {
    const expected = (): string => `${this.name} for ${what()}; so far: ${this.account()}`;
    const unlessBroken = (): T | undefined | false => {
      if (this.#fault !== undefined) throw this.#fault;
      return look();
    };
    return this.#notifier.until(unlessBroken, expected, ms);
  }

  /** Opens a link; what it brings goes to `hear` until there is a newer one. */
  protected dial(url: string, protocols: readonly string[]): void {
    const socket = new WebSocket(url, [...protocols], { headers: this.#headers });
    this.#socket = socket;
    this.#goodbye = undefined;
    this.#isDeaf = false;
    const isNewest = (): boolean => this.#socket === socket;
    socket.on("open", () => socket.send("ping"));
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isNewest() || this.#isDeaf) return;
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

  /** Waits until the room has let this client in. @throws what the room said instead */
  protected async admitted(isIn: () => boolean): Promise<void> {
    await this.until(
      () => {
        if (this.#goodbye !== undefined) {
          const { code, reason } = this.#goodbye;
          throw new Error(`${this.name} was not let in: ${code} ${reason}`);
        }
        return isIn();
      },
      () => "being let in",
    );
  }

  protected abstract hear(text: string): void;

  /** What this client has been told, for the message of a test that fails. */
  protected abstract account(): string;
}
