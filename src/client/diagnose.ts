/**
 * Finds out why handshakes fail when no close gives the reason. A script cannot read the response to a failed
 * handshake, so the same address is requested by plain HTTP: a room answers 426, and every error of a room is
 * `{"error":{"code","message"}}`.
 */
import { roomAddress } from "./endpoint.ts";
import type { ClientState } from "./events.ts";

const PROBE_MS = 5_000;
const BODY_MAX_CHARS = 65_536;
/** Failed handshakes in a row that show a lasting problem. One may be chance. */
const BLOCKED_AFTER = 2;

/** The server at the address of a room. */
export type HandshakeFinding =
  /** The room answers; one handshake failed. */
  | { readonly type: "room" }
  /** The room answers; several handshakes in a row failed: something in between, like a proxy, blocks WebSockets. */
  | { readonly type: "blocked" }
  /** No server answers. `error` is what `fetch` threw. */
  | { readonly type: "unreachable"; readonly error: unknown }
  /** Another response. `status` is 0 for a redirect in a browser, which hides it; `message` is that of a room's error. */
  | {
      readonly type: "other";
      readonly status: number;
      readonly headers: Headers;
      readonly message: string | undefined;
    };

/**
 * Watches the states of one client, and probes the room after a failed handshake.
 * @example client.on("state", (state) => monitor.onState(state));
 */
export class HandshakeMonitor {
  readonly #url: URL;
  readonly #room: string;
  readonly #onFinding: (finding: HandshakeFinding) => void;
  #state: ClientState["type"] = "connecting";
  #wasLive = false;
  /** Handshakes in a row that failed. */
  #failed = 0;

  /** @param url the endpoint; its path goes before `/rooms` */
  constructor(url: URL, room: string, onFinding: (finding: HandshakeFinding) => void) {
    this.#url = url;
    this.#room = room;
    this.#onFinding = onFinding;
  }

  /** Whether the client was live at least once. */
  get wasLive(): boolean {
    return this.#wasLive;
  }

  /** Call it with each state of the client. */
  onState({ type }: ClientState): void {
    const before = this.#state;
    this.#state = type;
    if (type === "replaying") this.#failed = 0;
    if (type === "live") this.#wasLive = true;
    if (type !== "offline") return;
    if (before === "connecting") this.#failed++;
    if (before === "connecting" || !this.#wasLive) void this.#probe();
  }

  async #probe(): Promise<void> {
    const found = await probe(this.#url, this.#room);
    if (this.#state !== "offline" && this.#state !== "connecting") return;
    const isBlocked = found.type === "room" && this.#failed >= BLOCKED_AFTER;
    this.#onFinding(isBlocked ? { type: "blocked" } : found);
  }
}

async function probe(endpoint: URL, room: string): Promise<HandshakeFinding> {
  const address = roomAddress(endpoint, room).href.replace(/^ws/, "http");
  try {
    const response = await fetch(address, {
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(PROBE_MS),
    });
    const { status, headers } = response;
    const { code, message } = errorOf((await response.text()).slice(0, BODY_MAX_CHARS));
    if (status === 426 && code === "upgrade-required") return { type: "room" };
    return { type: "other", status, headers, message };
  } catch (error) {
    return { type: "unreachable", error };
  }
}

function errorOf(body: string): { readonly code?: string; readonly message?: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    const { code, message } = error ?? {};
    return typeof code === "string" && typeof message === "string" ? { code, message } : {};
  } catch {
    return {};
  }
}
