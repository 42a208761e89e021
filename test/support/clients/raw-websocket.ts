/**
 * A WebSocket written by hand: the handshake's response, and frames as bytes, including invalid ones.
 *
 * It parses Close frames itself, so it sees a close even where the runtime leaves TCP open. It sends nothing by itself:
 * no `ping`, and no Close in answer to a Close.
 */
import { randomBytes } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { Notifier } from "../wait-for.ts";

export interface Goodbye {
  readonly code: number;
  readonly reason: string;
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

interface FrameShape {
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly reserved?: number;
  readonly masked?: boolean;
}

/** Returns the bytes of one frame from a client; the shape may be one that no client may send. */
export function frameOf(
  opcode: number,
  content: string | Uint8Array,
  shape: FrameShape = {},
): Buffer {
  const { fin = true, reserved = 0, masked = true } = shape;
  const payload = Buffer.from(content);
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const mark = masked ? 0x80 : 0;
  if (head.length === 2) head[1] = mark | length;
  else if (head.length === 4) {
    head[1] = mark | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = mark | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const hidden = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([head, mask, hidden]);
}

/** Returns the bytes of a Close frame from a client. */
export function closeFrameOf(code: number, reason = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frameOf(OPCODE.close, Buffer.concat([payload, Buffer.from(reason)]));
}

export class RawWebSocket {
  readonly #socket: Socket;
  readonly #notifier = new Notifier();
  readonly #frames: Frame[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    // Many tests cut connections on purpose; `close` follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isOver = true;
      this.#notifier.notify();
    });
    this.#read(head);
  }

  /** The texts received so far. */
  get texts(): string[] {
    const texts = this.#frames.filter(({ opcode }) => opcode === OPCODE.text);
    return texts.map(({ payload }) => payload.toString());
  }

  sends(...frames: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  says(text: string): void {
    this.sends(frameOf(OPCODE.text, text));
  }

  /** Waits until the texts are as expected. @throws as soon as the server closes instead */
  async hears(expected: (texts: readonly string[]) => boolean): Promise<void> {
    const look = (): boolean => {
      if (expected(this.texts)) return true;
      if (this.#isClosed) throw new Error(`closed instead: ${this.#summary()}`);
      return false;
    };
    await this.#notifier.until(look, () => `other texts than ${this.#summary()}`);
  }

  /** Waits for the server's Close frame, whatever comes before it. */
  goodbye(): Promise<Goodbye> {
    const look = (): Goodbye | undefined => {
      if (this.#goodbye === undefined && this.#isClosed) {
        throw new Error("the connection ended without a Close frame");
      }
      return this.#goodbye;
    };
    return this.#notifier.until(look, () => `a Close frame after ${this.#summary()}`);
  }

  /** Waits for a Close frame. @throws if another frame comes first */
  refusal(): Promise<Goodbye> {
    const look = (): Goodbye | undefined => {
      const unexpected = this.#frames.some(({ opcode }) => opcode !== OPCODE.close);
      if (unexpected) throw new Error(`admitted instead: ${this.#summary()}`);
      return this.#goodbye;
    };
    return this.#notifier.until(look, () => "a Close frame");
  }

  /** Waits for the end of TCP. */
  async ends(): Promise<void> {
    const look = (): boolean => this.#isOver;
    await this.#notifier.until(look, () => `the end of TCP after ${this.#summary()}`);
  }

  /** Stops reading, so that the sender's buffers fill. */
  stopsReading(): void {
    this.#socket.pause();
  }

  /** Cuts the connection without a Close frame. */
  vanishes(): void {
    this.#socket.destroy();
  }

  get #goodbye(): Goodbye | undefined {
    const close = this.#frames.find(({ opcode }) => opcode === OPCODE.close);
    return close && goodbyeOf(close.payload);
  }

  get #isClosed(): boolean {
    return this.#isOver || this.#goodbye !== undefined;
  }

  #summary(): string {
    return JSON.stringify([...this.texts, this.#goodbye]);
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      this.#frames.push(frame);
    }
    this.#notifier.notify();
  }

  /** This server never masks frames, and never fragments the texts of these tests. */
  #next(): Frame | undefined {
    const bytes = this.#unread;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const short = second & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return undefined;
    const length =
      start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return undefined;
    this.#unread = bytes.subarray(start + length);
    return { opcode: first & 0x0f, payload: bytes.subarray(start, start + length) };
  }
}

/** A Close frame without a code counts as 1005, as in RFC 6455. */
const goodbyeOf = (payload: Buffer): Goodbye => ({
  code: payload.length < 2 ? 1005 : payload.readUInt16BE(0),
  reason: payload.subarray(2).toString(),
});

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Present if the status was 101. */
  readonly webSocket: RawWebSocket | undefined;
}

interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one HTTP request exactly as given; the path is not normalised. */
export function sendRequest(
  origin: string,
  path: string,
  asking: RequestOptions = {},
): Promise<HttpResponse> {
  const { method = "GET", headers = {} } = asking;
  const { hostname, port } = new URL(origin);
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const asked = request({ hostname, port, path, method, headers, agent: false });
  asked.on("error", reject);
  asked.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => {
      const { statusCode: status = 0, headers: received } = response;
      const body = Buffer.concat(chunks).toString();
      resolve({ status, headers: received, body, webSocket: undefined });
    });
  });
  asked.on("upgrade", ({ statusCode: status = 0, headers: received }, socket, head) => {
    resolve({ status, headers: received, body: "", webSocket: new RawWebSocket(socket, head) });
  });
  asked.end();
  return promise;
}

/** Returns the headers of a WebSocket handshake. */
export const upgradeHeaders = (protocols: readonly string[]): Record<string, string> => ({
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  ...(protocols.length > 0 && { "Sec-WebSocket-Protocol": protocols.join(", ") }),
});
