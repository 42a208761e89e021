/**
 * Finds out, in a sentence, why a room is not reached where no close says it: asks the same address by plain HTTP.
 */
import { roomAddress } from "../../client/endpoint.ts";
import type { ClientState } from "../../client/index.ts";

const PROBE_MS = 5_000;
const BODY_MAX_CHARS = 65_536;

export type Finding =
  /** It is the chat room, and nothing is wrong with it but the link. */
  | { readonly type: "room" }
  /** It may come: nobody answers now, or something does that says what is wrong. */
  | { readonly type: "trouble"; readonly why: string; readonly answers: boolean }
  /** It would be the same next time. */
  | { readonly type: "wrong-server"; readonly why: string };

export type ConnectionProblem = Exclude<Finding, { readonly type: "room" }>;

/** How many handshakes in a row must fail, before the way is blamed instead of a moment. */
const FAILED_MAX = 2;

/** Watches the states of one client, and tells why handshakes fail: each reason once, until the room is reached. */
export class Diagnosis {
  readonly #url: URL;
  readonly #room: string;
  readonly #tell: (trouble: ConnectionProblem) => void;
  #before: ClientState["type"] = "connecting";
  #wasLive = false;
  /** How many handshakes in a row failed before the link was open. */
  #failed = 0;
  #told = "";

  constructor(url: URL, room: string, tell: (trouble: ConnectionProblem) => void) {
    this.#url = url;
    this.#room = room;
    this.#tell = tell;
  }

  onState({ type }: ClientState): void {
    const before = this.#before;
    this.#before = type;
    if (type === "replaying") this.#failed = 0;
    if (type === "live") {
      this.#wasLive = true;
      this.#told = "";
    }
    if (type !== "offline") return;
    if (before === "connecting") this.#failed++;
    if (before === "connecting" || !this.#wasLive) void this.#ask();
  }

  async #ask(): Promise<void> {
    const found = await probe(this.#url, this.#room);
    if (this.#before !== "offline" && this.#before !== "connecting") return;
    const finding = found.type === "room" && this.#failed >= FAILED_MAX ? this.#blocked : found;
    if (finding.type === "room" || finding.why === this.#told) return;
    // That a room which was reached before is out of reach is told by the state already.
    if (this.#wasLive && finding.type === "trouble" && !finding.answers) return;
    this.#told = finding.why;
    // Nor was the address wrong then: something is in the way.
    this.#tell(this.#wasLive ? { type: "trouble", why: finding.why, answers: true } : finding);
  }

  get #blocked(): Finding {
    const { origin } = httpOf(this.#url);
    const why = `${origin} is a chat room, but WebSockets do not get through to it: something in between, like a proxy, does not pass them on`;
    return { type: "trouble", why, answers: true };
  }
}

export async function probe(url: URL, room: string): Promise<Finding> {
  const address = roomAddress(httpOf(url), room);
  try {
    const response = await fetch(address, {
      redirect: "manual",
      signal: AbortSignal.timeout(PROBE_MS),
    });
    const body = (await response.text()).slice(0, BODY_MAX_CHARS);
    return judge(httpOf(url), response.status, response.headers, body);
  } catch (error) {
    return { type: "trouble", why: explain(httpOf(url), error), answers: false };
  }
}

/** The address as a browser would open it. */
const httpOf = (url: URL): URL => new URL(url.href.replace(/^ws/, "http"));

/** A room answers a plain request for it with 426, and all its refusals are `{"error":{"code","message"}}`. */
export function judge(url: URL, status: number, headers: Headers, body: string): Finding {
  const refusal = readRefusal(body);
  if (status === 426 && refusal?.code === "upgrade-required") return { type: "room" };
  if (refusal !== undefined && (status === 429 || status >= 500)) {
    return { type: "trouble", why: `${url.origin} answers: ${refusal.message}`, answers: true };
  }
  if (status >= 500) {
    const why = `${url.origin} is in trouble: it answers ${status}`;
    return { type: "trouble", why, answers: true };
  }
  const location = headers.get("Location");
  if (status >= 300 && status < 400 && location !== null) {
    const target = URL.parse(location, url)?.origin ?? location;
    return { type: "wrong-server", why: `${url.origin} sends elsewhere: try --url ${target}` };
  }
  const kind = headers.get("Content-Type")?.split(";")[0]?.trim() ?? "nothing";
  const what = `it answers ${status} with ${kind}, where a room would ask for a WebSocket`;
  return { type: "wrong-server", why: `${url.origin} is no chat room: ${what}; check --url` };
}

function readRefusal(body: string): { code: string; message: string } | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    const { code, message } = error ?? {};
    return typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
  } catch {
    return undefined;
  }
}

/** @param error what `fetch` threw: the reason is in its cause */
function explain(url: URL, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  switch (code) {
    case "ECONNREFUSED":
      return `nobody answers at ${url.origin}: is the server started (npm start), and is this its port?`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `no host ${url.hostname} is known: check --url and the network`;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "EPROTO":
      return `${url.origin} does not speak TLS: try --url ${url.origin.replace("https:", "http:")}`;
    default: {
      if (error instanceof Error && error.name === "TimeoutError") {
        return `${url.origin} does not answer`;
      }
      const why = cause instanceof Error ? cause.message : String(cause);
      return `${url.origin} cannot be reached (${typeof code === "string" ? code : why})`;
    }
  }
}
