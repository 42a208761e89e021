/** Explains in a sentence why the room cannot be reached, also when no close frame gives the reason. */
import { type HandshakeFinding, HandshakeMonitor } from "../../client/diagnose.ts";
import type { ClientState } from "../../client/index.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** Returns why the connection was closed. To a person without a key, it says where to put the one that is needed. */
export const whyClosed = (
  { code, why }: Extract<ClientState, { type: "closed" }>,
  hasKey: boolean,
): string =>
  code === CLOSE.FORBIDDEN && !hasKey && /\bkey\b/.test(why)
    ? `${why}; put the key into CHAT_KEY, or give it with --key`
    : why;

export interface ConnectionProblem {
  /** `temporary`: a retry may succeed; `wrong-server`: every retry would fail in the same way. */
  readonly type: "temporary" | "wrong-server";
  readonly why: string;
}

/** Reports why the handshakes of one client fail: each reason once, until the room is reached. */
export class ConnectionProblems {
  readonly #url: URL;
  readonly #report: (problem: ConnectionProblem) => void;
  readonly #monitor: HandshakeMonitor;
  #reported = "";

  constructor(url: URL, room: string, report: (problem: ConnectionProblem) => void) {
    this.#url = new URL(url.href.replace(/^ws/, "http"));
    this.#report = report;
    this.#monitor = new HandshakeMonitor(url, room, (finding) => this.#onFinding(finding));
  }

  onState(state: ClientState): void {
    if (state.type === "live") this.#reported = "";
    this.#monitor.onState(state);
  }

  #onFinding(finding: HandshakeFinding): void {
    const problem = problemOf(this.#url, finding);
    if (problem === undefined || problem.why === this.#reported) return;
    const { wasLive } = this.#monitor;
    // The client's own state already says that a room that was reached before is out of reach.
    if (wasLive && finding.type === "unreachable") return;
    this.#reported = problem.why;
    // The address of a room that was reached before is right, so the problem is temporary.
    this.#report(wasLive ? { type: "temporary", why: problem.why } : problem);
  }
}

const temporary = (why: string): ConnectionProblem => ({ type: "temporary", why });
const wrongServer = (why: string): ConnectionProblem => ({ type: "wrong-server", why });

function problemOf(url: URL, finding: HandshakeFinding): ConnectionProblem | undefined {
  switch (finding.type) {
    case "room":
      return undefined;
    case "blocked":
      return temporary(
        `${url.origin} is a chat room, but WebSockets do not get through to it: a proxy in between may block them`,
      );
    case "unreachable":
      return temporary(unreachable(url, finding.error));
    case "other":
      return answerProblem(url, finding);
    default:
      return finding satisfies never;
  }
}

/** The problem with an answer that is not a room's. Server errors and rate limits are temporary. */
function answerProblem(
  url: URL,
  { status, headers, message }: Extract<HandshakeFinding, { type: "other" }>,
): ConnectionProblem {
  const { origin } = url;
  if (message !== undefined && (status === 429 || status >= 500)) {
    return temporary(`${origin} answers: ${message}`);
  }
  if (status >= 500) return temporary(`${origin} fails: it answers ${status}`);
  const location = headers.get("Location");
  if (status >= 300 && status < 400 && location !== null) {
    const target = URL.parse(location, url)?.origin ?? location;
    return wrongServer(`${origin} redirects: try --url ${target}`);
  }
  const kind = headers.get("Content-Type")?.split(";")[0]?.trim() ?? "nothing";
  const what = `it answers ${status} with ${kind}, not with a request for a WebSocket`;
  return wrongServer(`${origin} is not a chat room: ${what}; check --url`);
}

/** @param error what `fetch` threw: the reason is in its cause */
function unreachable(url: URL, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  switch (code) {
    case "ECONNREFUSED":
      return `no server answers at ${url.origin}: is it started (npm start), and is this its port?`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the host ${url.hostname} is unknown: check --url and the network`;
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
