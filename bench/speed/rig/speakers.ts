/**
 * Peers over plain WebSockets. Some speak `chat.v1`, with acks at half a window or after a second; others speak the JSON of
 * the baselines, without acks. A peer's cost counts as the generator's.
 */
import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import type { Speaker, SpeakerOptions } from "./system-under-test.ts";

interface Limits {
  readonly window: number;
  readonly windowBytes: number;
}

type Frame =
  | { readonly type: "message"; readonly seq: number; readonly from: string; readonly text: string }
  | { readonly type: "patch"; readonly seq: number; readonly from: string; readonly text: string }
  | {
      readonly type: "welcome";
      readonly since: number;
      readonly epoch: string;
      readonly limits: Limits;
    }
  | { readonly type: "ready"; readonly seq?: number }
  | { readonly type: "mark"; readonly k: string }
  | { readonly type: "presence" }
  | { readonly type: "error"; readonly message: string };

const ACK_MS = 1_000;
/** Bytes of an entry besides its text, approximately. */
const ENTRY_BYTES = 100;

abstract class WsSpeaker implements Speaker {
  readonly name: string;
  ready: Promise<void>;
  readonly #options: SpeakerOptions;
  readonly #protocols: string[];
  protected socket: WebSocket;
  #counter = 0;
  #isReady: () => void = () => {};
  received = 0;

  constructor(options: SpeakerOptions, protocols: string[], query = "") {
    this.#options = options;
    this.#protocols = protocols;
    this.name = options.name;
    this.socket = this.#connects(query);
    this.ready = this.#joins(this.socket);
  }

  abstract send(text: string, to?: readonly string[]): void;

  cut(): void {
    this.socket.terminate();
  }

  /** @param query further parameters of the handshake, besides the name */
  returns(query = ""): void {
    this.socket = this.#connects(query);
    this.ready = this.#joins(this.socket);
  }

  #connects(query: string): WebSocket {
    const { server, room, name } = this.#options;
    return new WebSocket(`${server.url}/rooms/${room}?name=${name}${query}`, this.#protocols, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
  }

  #joins(socket: WebSocket): Promise<void> {
    socket.on("message", (data: Buffer) => {
      const read = JSON.parse(data.toString()) as Frame | Frame[];
      if (Array.isArray(read)) for (const frame of read) this.hear(frame);
      else this.hear(read);
    });
    const ready = new Promise<void>((resolve, reject) => {
      this.#isReady = resolve;
      socket.on("error", reject);
      socket.on("close", (code, reason) =>
        reject(new Error(`${this.name} was closed: ${code} ${reason.toString()}`)),
      );
    });
    // An awaiting caller gets the error; without one, it must not count as unhandled.
    ready.catch(() => {});
    return ready;
  }

  stopReading(): void {
    this.socket.pause();
  }

  protected item(text: string, to: readonly string[] | undefined): string {
    return JSON.stringify({ type: "send", id: `${this.name}-${this.#counter++}`, text, to });
  }

  protected patchItem(ref: number, text: string): string {
    return JSON.stringify({ type: "patch", id: `${this.name}-${this.#counter++}`, ref, text });
  }

  protected hear(frame: Frame): void {
    if (frame.type === "ready") this.#isReady();
    if (frame.type === "error") throw new Error(`${this.name} got an error: ${frame.message}`);
    if (frame.type === "patch") this.#options.onPatch?.(frame);
    if (frame.type !== "message") return;
    this.received++;
    this.#options.onEntry?.(frame);
  }
}

/** The baselines' dialect: one frame per message, no acks. */
export class PlainSpeaker extends WsSpeaker {
  constructor(options: SpeakerOptions) {
    super(options, []);
  }

  override send(text: string, to?: readonly string[]): void {
    this.socket.send(this.item(text, to));
  }
}

/** `chat.v1` with a session and a cursor, as the protocol specifies. */
export class V1Speaker extends WsSpeaker {
  readonly #isSilent: boolean;
  readonly #session: string;
  #attempt = 1;
  #epoch = "";
  #seq = 0;
  #mark: string | undefined;
  /** Unacknowledged entries and, approximately, bytes. */
  #unacked = 0;
  #unackedBytes = 0;
  #limits: Limits = { window: 256, windowBytes: 262_144 };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpeakerOptions) {
    const session = randomBytes(12).toString("base64url");
    super(options, ["chat.v1"], `&session=${session}&attempt=1`);
    this.#session = session;
    this.#isSilent = options.silent === true;
  }

  override returns(): void {
    const cursor = `&since=${this.#seq}&epoch=${this.#epoch}`;
    super.returns(`${cursor}&session=${this.#session}&attempt=${++this.#attempt}`);
  }

  override send(text: string, to?: readonly string[]): void {
    this.socket.send(this.item(text, to));
  }

  edit(seq: number, text: string): void {
    this.socket.send(this.patchItem(seq, text));
  }

  override cut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unacked = 0;
    this.#unackedBytes = 0;
    this.#mark = undefined;
    super.cut();
  }

  protected get hasUnacked(): boolean {
    return this.#unacked > 0;
  }

  /** Returns an ack of all entries received; undefined if the peer never acknowledges. */
  protected takeAck(): string | undefined {
    if (this.#isSilent) return undefined;
    this.#unacked = 0;
    this.#unackedBytes = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const mark = this.#mark === undefined ? "" : `,"k":"${this.#mark}"`;
    return `{"type":"ack","seq":${this.#seq}${mark}}`;
  }

  protected override hear(frame: Frame): void {
    if (frame.type === "welcome") {
      this.#seq = frame.since;
      this.#epoch = frame.epoch;
      this.#limits = frame.limits;
    } else if (frame.type === "ready") {
      this.#seq = frame.seq ?? this.#seq;
    } else if (frame.type === "mark") {
      this.#mark = frame.k;
      this.#ack();
    } else if (frame.type === "message" || frame.type === "patch") {
      this.#seq = frame.seq;
      this.#unacked++;
      this.#unackedBytes += frame.text.length + ENTRY_BYTES;
      const { window, windowBytes } = this.#limits;
      if (this.#unacked >= window / 2 || this.#unackedBytes >= windowBytes / 2) this.#ack();
      else this.#timer ??= setTimeout(() => this.#ack(), ACK_MS);
    }
    super.hear(frame);
  }

  #ack(): void {
    const ack = this.takeAck();
    if (ack !== undefined && this.socket.readyState === WebSocket.OPEN) this.socket.send(ack);
  }
}

/** `chat.v1` as the client library speaks it: the messages of one turn of the event loop go into one array frame. */
export class ArraySpeaker extends V1Speaker {
  readonly #items: string[] = [];

  override send(text: string, to?: readonly string[]): void {
    if (this.#items.length === 0) setImmediate(() => this.#flush());
    this.#items.push(this.item(text, to));
  }

  override edit(seq: number, text: string): void {
    if (this.#items.length === 0) setImmediate(() => this.#flush());
    this.#items.push(this.patchItem(seq, text));
  }

  #flush(): void {
    const ack = this.hasUnacked ? this.takeAck() : undefined;
    if (ack !== undefined) this.#items.push(ack);
    this.socket.send(`[${this.#items.splice(0).join(",")}]`);
  }
}
