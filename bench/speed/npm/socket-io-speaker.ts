/** A peer over Socket.IO. */
import { io, type Socket } from "socket.io-client";
import type { ReceivedEntry, Speaker, SpeakerOptions } from "../rig/system-under-test.ts";

export class SocketIoSpeaker implements Speaker {
  readonly name: string;
  ready: Promise<void>;
  readonly #socket: Socket;
  #counter = 0;
  received = 0;

  constructor({ server, name, onEntry }: SpeakerOptions) {
    this.name = name;
    this.#socket = io(server.url.replace("ws:", "http:"), {
      transports: ["websocket"],
      auth: { name },
      forceNew: true,
      reconnection: false,
    });
    this.ready = this.#connected();
    this.#socket.on("message", (entry: ReceivedEntry) => {
      this.received++;
      onEntry?.(entry);
    });
  }

  send(text: string, to?: readonly string[]): void {
    this.#socket.emit("send", { id: `${this.name}-${this.#counter++}`, text, to });
  }

  cut(): void {
    // `disconnect` would be a goodbye, after which Socket.IO recovers nothing.
    this.#socket.io.engine.close();
  }

  returns(): void {
    this.ready = this.#recovered();
    this.ready.catch(() => {});
    this.#socket.connect();
  }

  stopReading(): void {
    throw new Error("a Socket.IO client always reads");
  }

  async #recovered(): Promise<void> {
    await this.#connected();
    if (!this.#socket.recovered)
      throw new Error(`${this.name} did not recover its missed messages`);
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once("connect", resolve);
      this.#socket.once("connect_error", reject);
    });
  }
}
