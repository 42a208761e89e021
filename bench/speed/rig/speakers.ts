/**
 * Peers over plain WebSockets: `chat.v1` as the protocol asks, with acks at half a window or after a second, and the
 * JSON of the baselines, which need none. What a peer costs is the generator's, and is reported as such.
 */
import { WebSocket } from "ws";
import type { Speaker, SpeakerOptions } from "./contender.ts";

type Frame =
  | { readonly type: "message"; readonly seq: number; readonly from: string; readonly text: string }
  | {
      readonly type: "welcome";
      readonly since: number;
      readonly limits: { readonly window: number };
    }
  | { readonly type: "ready" | "presence" }
  | { readonly type: "error"; readonly message: string };

const ACK_MS = 1_000;

abstract class WsSpeaker implements Speaker {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly #options: SpeakerOptions;
  protected readonly socket: WebSocket;
  #counter = 0;
  #isReady: () => void = () => {};
  received = 0;

  constructor(options: SpeakerOptions, protocols: string[]) {
    const { server, room, name, since } = options;
    this.#options = options;
    this.name = name;
    const query = `name=${name}${since === undefined ? "" : `&since=${since}`}`;
    this.socket = new WebSocket(`${server.url}/rooms/${room}?${query}`, protocols, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.socket.on("error", reject);
      this.socket.on("close", (code, reason) =>
        reject(new Error(`${name} was closed: ${code} ${reason.toString()}`)),
      );
    });
    // Whoever waits for it hears of it.
    this.ready.catch(() => {});
    this.socket.on("message", (data: Buffer) => {
      const read = JSON.parse(data.toString()) as Frame | Frame[];
      if (Array.isArray(read)) for (const frame of read) this.hear(frame);
      else this.hear(read);
    });
  }

  abstract send(text: string, to?: readonly string[]): void;

  cut(): void {
    this.socket.terminate();
  }

  stopReading(): void {
    this.socket.pause();
  }

  protected item(text: string, to: readonly string[] | undefined): string {
    return JSON.stringify({ type: "send", id: `${this.name}-${this.#counter++}`, text, to });
  }

  protected hear(frame: Frame): void {
    if (frame.type === "ready") this.#isReady();
    if (frame.type === "error") throw new Error(`${this.name} was refused: ${frame.message}`);
    if (frame.type !== "message") return;
    this.received++;
    this.#options.onEntry?.(frame);
  }
}

/** The baselines' dialect: one frame a message, no acks. */
export class PlainSpeaker extends WsSpeaker {
  constructor(options: SpeakerOptions) {
    super(options, []);
  }

  override send(text: string, to?: readonly string[]): void {
    this.socket.send(this.item(text, to));
  }
}

/** `chat.v1`. */
export class V1Speaker extends WsSpeaker {
  readonly #isSilent: boolean;
  #seq = 0;
  #unacked = 0;
  #window = 256;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpeakerOptions) {
    super(options, ["chat.v1"]);
    this.#isSilent = options.silent === true;
  }

  override send(text: string, to?: readonly string[]): void {
    this.socket.send(this.item(text, to));
  }

  override cut(): void {
    clearTimeout(this.#timer);
    super.cut();
  }

  /** The ack that is due, if one is. */
  protected takeAck(): string | undefined {
    if (this.#unacked === 0 || this.#isSilent) return undefined;
    this.#unacked = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return `{"type":"ack","seq":${this.#seq}}`;
  }

  protected override hear(frame: Frame): void {
    if (frame.type === "welcome") {
      this.#seq = frame.since;
      this.#window = frame.limits.window;
    } else if (frame.type === "message") {
      this.#seq = frame.seq;
      this.#unacked++;
      if (this.#unacked >= this.#window / 2) this.#ack();
      else this.#timer ??= setTimeout(() => this.#ack(), ACK_MS);
    }
    super.hear(frame);
  }

  #ack(): void {
    const ack = this.takeAck();
    if (ack !== undefined && this.socket.readyState === WebSocket.OPEN) this.socket.send(ack);
  }
}

/** `chat.v1` as the client library speaks it: all that one turn of its event loop brings in one array frame. */
export class ArraySpeaker extends V1Speaker {
  readonly #items: string[] = [];

  override send(text: string, to?: readonly string[]): void {
    if (this.#items.length === 0) setImmediate(() => this.#flush());
    this.#items.push(this.item(text, to));
  }

  #flush(): void {
    const ack = this.takeAck();
    if (ack !== undefined) this.#items.push(ack);
    this.socket.send(`[${this.#items.splice(0).join(",")}]`);
  }
}
