/**
 * A spy on the shipped client's WebSocket: it compares what the client sends with its record, and sometimes delivers a
 * frame twice, as a room that woke may do.
 *
 * Otherwise it is Node's own WebSocket.
 */
import type { ClientRecord } from "../../src/client/index.ts";

/** Listens to the connections of one life. */
export interface SpyListener {
  /** Returns what the client's storage has saved. */
  readonly saved: () => ClientRecord | undefined;
  /** Returns whether to deliver this frame of entries twice; called for each. */
  readonly repeats: () => boolean;
  /** A connection begins. @returns a listener to each text that it brings */
  readonly begins: () => (text: string) => void;
  readonly opened: () => void;
  readonly ended: (code: number, reason: string) => void;
  /** The client sent a frame that it must not send. */
  readonly violates: (what: string) => void;
}

const listeners = new Map<string, SpyListener>();

/** Listens from now on to every connection to `port` of this machine. @returns a function that stops it */
export function installSpy(port: number, listener: SpyListener): () => void {
  const key = String(port);
  listeners.set(key, listener);
  return () => listeners.delete(key);
}

interface SentFrame {
  readonly type?: string;
  readonly seq?: number;
  readonly id?: string;
}

class WebSocketSpy extends WebSocket {
  readonly #listener: SpyListener | undefined;
  #isRepeating = false;

  constructor(url: string | URL, protocols?: ConstructorParameters<typeof WebSocket>[1]) {
    super(url, protocols);
    this.#listener = listeners.get(new URL(url).port);
    const heard = this.#listener?.begins();
    this.addEventListener("open", () => this.#listener?.opened());
    this.addEventListener("close", ({ code, reason }) => this.#listener?.ended(code, reason));
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || data === "pong" || this.#isRepeating) return;
      heard?.(data);
      this.#maybeTwice(data);
    });
  }

  override send(data: string): void {
    if (this.#listener !== undefined && data !== "ping") check(data, this.#listener);
    super.send(data);
  }

  /** This listener is the first, so the repeated frame comes before the frame itself. */
  #maybeTwice(data: string): void {
    if (!itemsOf(data).every(({ type }) => type === "message" || type === "patch")) return;
    if (this.#listener?.repeats() !== true) return;
    this.#isRepeating = true;
    this.dispatchEvent(new MessageEvent("message", { data }));
    this.#isRepeating = false;
  }
}

function itemsOf(text: string): readonly SentFrame[] {
  const value = JSON.parse(text) as SentFrame | SentFrame[];
  return Array.isArray(value) ? value : [value];
}

/** An acknowledged entry is saved; a sent message or patch is saved as sent before it is sent. */
function check(text: string, { saved, violates }: SpyListener): void {
  const record = saved();
  for (const { type, seq = 0, id } of itemsOf(text)) {
    if (type === "ack" && seq > (record?.cursor ?? 0)) {
      violates(`acknowledged ${seq} while its record had ${record?.cursor ?? "nothing"}`);
    }
    const isItem = type === "send" || type === "patch";
    if (isItem && !record?.outbox.some((one) => one.id === id && one.sent)) {
      violates(`sent ${type} ${id} before its record marked it as sent`);
    }
  }
}

globalThis.WebSocket = WebSocketSpy;
