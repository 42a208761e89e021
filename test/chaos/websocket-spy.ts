/**
 * The WebSocket of the shipped client, overheard: what it says is held against its record, and what it is told comes
 * twice now and then, as a room that woke may say it.
 *
 * It changes nothing else: it is Node's own WebSocket underneath.
 */
import type { ClientRecord } from "../../src/client/index.ts";

/** Whoever listens to the links of one life. */
export interface Listener {
  /** What its storage holds for sure. */
  readonly kept: () => ClientRecord | undefined;
  /** Asked at each frame of entries: is it to come twice? */
  readonly repeats: () => boolean;
  readonly opened: () => void;
  readonly ended: (code: number, reason: string) => void;
  /** It said what it must not say. */
  readonly fault: (what: string) => void;
}

const listeners = new Map<string, Listener>();

/** Listens to every link that goes to `port` of this machine, from now on. @returns what stops that */
export function installSpy(port: number, listener: Listener): () => void {
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
  readonly #listener: Listener | undefined;
  #isRepeating = false;

  constructor(url: string | URL, protocols?: ConstructorParameters<typeof WebSocket>[1]) {
    super(url, protocols);
    this.#listener = listeners.get(new URL(url).port);
    this.addEventListener("open", () => this.#listener?.opened());
    this.addEventListener("close", ({ code, reason }) => this.#listener?.ended(code, reason));
    this.addEventListener("message", ({ data }) => this.#maybeTwice(data));
  }

  override send(data: string): void {
    if (this.#listener !== undefined && data !== "ping") check(data, this.#listener);
    super.send(data);
  }

  /** This listener is the first: what it tells comes before the frame itself. */
  #maybeTwice(data: unknown): void {
    if (this.#isRepeating || this.#listener === undefined || typeof data !== "string") return;
    if (data === "pong" || !itemsOf(data).every(({ type }) => type === "message")) return;
    if (!this.#listener.repeats()) return;
    this.#isRepeating = true;
    this.dispatchEvent(new MessageEvent("message", { data }));
    this.#isRepeating = false;
  }
}

function itemsOf(text: string): readonly SentFrame[] {
  const value = JSON.parse(text) as SentFrame | SentFrame[];
  return Array.isArray(value) ? value : [value];
}

/** "What is acknowledged is saved; what is sent is on record as sent before." */
function check(text: string, { kept, fault }: Listener): void {
  const record = kept();
  for (const { type, seq = 0, id } of itemsOf(text)) {
    if (type === "ack" && seq > (record?.cursor ?? 0)) {
      fault(`acknowledged ${seq} while its record said ${record?.cursor ?? "nothing"}`);
    }
    if (type === "send" && !record?.outbox.some((one) => one.id === id && one.sent)) {
      fault(`sent message ${id} before its record said so`);
    }
  }
}

globalThis.WebSocket = WebSocketSpy;
