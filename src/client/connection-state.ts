/**
 * The life of a connection, as a pure state machine: when to connect, to give up, to reconnect, to stop.
 *
 * Invariants:
 * - Time and random numbers come with every event; deadlines are timestamps, because a hidden tab gets a tick a minute.
 * - A code of 40xx is final: two clients of one name never fight over it.
 * - Tries are counted until a connection has been live for `STABLE_MS`; one that breaks at once does not reset the count.
 * - A connection that is given up is not waited for: its close event comes too late to matter.
 * - A paused client stays away until `resume`, whatever the clock, the network or the page report.
 */
import { CLOSE, isFinalClose, isTemporaryClose, isStaleClose } from "../protocol/close-codes.ts";

/** Full jitter under an exponential ceiling: 250 ms, doubled each try, 30 s at most. */
const BACKOFF_MS = 250;
const BACKOFF_CEILING_MS = 30_000;
/** A connection that was live for this long counts as stable. */
const STABLE_MS = 10_000;
/** How long a handshake may take. */
const OPEN_MS = 15_000;
const PING_EVERY_MS = 30_000;
/** How long a `pong` may take; and how long after the device woke up, or reported the loss of its network. */
const PONG_MS = 10_000;
const PONG_AWAKE_MS = 3_000;
/** While the client waits for something, the longest silence except `pong`; and the longest wait for one confirmation. */
const SILENCE_MS = 30_000;
const CONFIRMATION_MS = 300_000;

export interface Moment {
  /** ms of the client's clock (clock.ts), as all times in this file */
  readonly now: number;
  /** in [0, 1) */
  readonly random: number;
}

interface Tries {
  readonly tries: number;
  /** The key had expired, and a fresh one is tried, once. */
  readonly renewed?: true;
}

interface Open extends Tries {
  /** When a frame other than `pong` last came, or the wait for one last began. */
  readonly heardAt: number;
  /** When the next `ping` is sent. */
  readonly pingAt: number;
  /** When an answer to the last `ping` is overdue; absent if it was answered. */
  readonly pongBy?: number;
  /** The browser reports the network as lost, and the client waits for a `pong` that disproves it. */
  readonly checking?: true;
}

export type ConnectionState =
  | ({ readonly type: "connecting"; readonly openBy: number } & Tries)
  /** Open, and before `ready`. */
  | ({ readonly type: "replaying"; readonly since: number; readonly head: number } & Open)
  | ({ readonly type: "live"; readonly since: number } & Open)
  | ({ readonly type: "offline"; readonly retryAt: number; readonly why: string } & Tries)
  /** Paused by the application. */
  | ({ readonly type: "paused" } & Tries)
  | { readonly type: "closed"; readonly code: number; readonly why: string };

export type ConnectionEvent =
  | { readonly type: "opened" }
  | { readonly type: "welcomed"; readonly since: number; readonly head: number }
  | { readonly type: "ready" }
  /** An entry, a gap, an error, or another `ready`. */
  | { readonly type: "heard" }
  | { readonly type: "pong" }
  /** Messages were sent while none waited: from now on a confirmation is due. */
  | { readonly type: "sent" }
  /** The connection ended. `spread`: ms over which to scatter a first reconnect; `freshKey`: a fresh key can be fetched. */
  | {
      readonly type: "ended";
      readonly code: number;
      readonly reason: string;
      readonly spread: number;
      readonly freshKey: boolean;
    }
  /** Time has passed. `oldestSentAt`: when the oldest message that waits for its confirmation was sent. */
  | { readonly type: "tick"; readonly oldestSentAt?: number }
  /** The network came back, or the device or the page woke up. */
  | { readonly type: "awake" }
  /** The browser reports the network as lost. It may be wrong, as with a server on loopback, so a `ping` checks it. */
  | { readonly type: "doubted" }
  /** Drop the connection and stay away; connect again. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "close"; readonly code: number; readonly why: string };

/** An action for connection.ts. `drop`: close the socket without waiting for it. */
export type ConnectionAction = "connect" | "ping" | "drop";

export interface Step {
  readonly link: ConnectionState;
  readonly actions: readonly ConnectionAction[];
}

/** A new client connects at once. */
export const begin = (now: number): Step => connect({ tries: 0 }, now);

/**
 * Returns the wait before reconnect `tries` (1 is the first), with full jitter.
 * @returns milliseconds in [0, min(30_000, 250 · 2^(tries−1)))
 * Source: "Exponential Backoff and Jitter", AWS Architecture Blog.
 */
export const backoffMs = (tries: number, random: number): number =>
  random * Math.min(BACKOFF_CEILING_MS, BACKOFF_MS * 2 ** Math.min(30, tries - 1));

const connect = ({ tries, renewed }: Tries, now: number): Step => ({
  link: { type: "connecting", tries, ...(renewed && { renewed }), openBy: now + OPEN_MS },
  actions: ["connect"],
});

const stay = (link: ConnectionState, ...actions: ConnectionAction[]): Step => ({ link, actions });

export function step(link: ConnectionState, signal: ConnectionEvent, moment: Moment): Step {
  const { now } = moment;
  if (link.type === "closed") return stay(link);
  switch (signal.type) {
    case "opened": {
      if (link.type !== "connecting") return stay(link);
      const { tries, renewed } = link;
      const open = {
        tries,
        ...(renewed && { renewed }),
        heardAt: now,
        pingAt: now + PING_EVERY_MS,
      };
      const nothingYet = { type: "replaying", since: 0, head: 0 } as const;
      return stay({ ...nothingYet, ...open, pongBy: now + PONG_MS }, "ping");
    }
    case "welcomed": {
      if (link.type !== "replaying") return stay(link);
      return stay({ ...link, since: signal.since, head: signal.head, heardAt: now });
    }
    case "ready": {
      if (link.type !== "replaying") return step(link, { type: "heard" }, moment);
      const { head: _head, renewed: _renewed, ...open } = link;
      return stay({ ...open, type: "live", since: now, heardAt: now });
    }
    case "heard":
    case "sent":
      return stay(isOpen(link) ? { ...link, heardAt: now } : link);
    case "pong":
      return stay(isOpen(link) ? answered(link) : link);
    case "ended":
      return ended(link, signal, moment);
    case "tick":
      return tick(link, signal.oldestSentAt, moment);
    case "awake":
      if (link.type === "paused") return stay(link);
      if (link.type === "offline") return connect(link, now);
      if (link.type === "connecting") {
        return stay({ ...link, openBy: Math.min(link.openBy, now + PONG_AWAKE_MS) });
      }
      return stay(probed(link, now), "ping");
    case "doubted":
      return isOpen(link) ? stay({ ...probed(link, now), checking: true }, "ping") : stay(link);
    case "pause":
      return stay({ type: "paused", tries: triesOf(link, now) }, "drop");
    case "resume":
      return link.type === "paused" || link.type === "offline" ? connect(link, now) : stay(link);
    case "close":
      return stay({ type: "closed", code: signal.code, why: signal.why }, "drop");
    default:
      return signal satisfies never;
  }
}

/** When the next tick is due; undefined if only another event can change the state. */
export function dueAt(
  link: ConnectionState,
  waits: { readonly oldestSentAt?: number },
): number | undefined {
  switch (link.type) {
    case "connecting":
      return link.openBy;
    case "offline":
      return link.retryAt;
    case "paused":
    case "closed":
      return undefined;
    case "replaying":
    case "live": {
      const times = [link.pingAt, link.pongBy ?? Infinity];
      const { oldestSentAt } = waits;
      if (link.type === "replaying" || oldestSentAt !== undefined)
        times.push(link.heardAt + SILENCE_MS);
      if (oldestSentAt !== undefined) times.push(oldestSentAt + CONFIRMATION_MS);
      return Math.min(...times);
    }
    default:
      return link satisfies never;
  }
}

const isOpen = (link: ConnectionState): link is Extract<ConnectionState, Open> =>
  link.type === "replaying" || link.type === "live";

function answered<Some extends Extract<ConnectionState, Open>>(link: Some): Some {
  const { pongBy: _answered, checking: _checked, ...rest } = link;
  return rest as Some;
}

/** A `ping` is sent now, and its answer is due soon. */
const probed = <Some extends Extract<ConnectionState, Open>>(link: Some, now: number): Some => ({
  ...link,
  pingAt: now + PING_EVERY_MS,
  pongBy: Math.min(link.pongBy ?? Infinity, now + PONG_AWAKE_MS),
});

function tick(link: ConnectionState, oldestSentAt: number | undefined, moment: Moment): Step {
  const { now } = moment;
  switch (link.type) {
    case "offline":
      return now >= link.retryAt ? connect(link, now) : stay(link);
    case "connecting":
      return now >= link.openBy ? lost(link, "the room does not answer", moment) : stay(link);
    case "replaying":
    case "live": {
      const waits = link.type === "replaying" || oldestSentAt !== undefined;
      if (now >= (link.pongBy ?? Infinity)) return lost(link, "the link is dead", moment);
      if (waits && now >= link.heardAt + SILENCE_MS)
        return lost(link, "the room is silent", moment);
      if (now >= (oldestSentAt ?? Infinity) + CONFIRMATION_MS) {
        return lost(link, "a message was not confirmed in five minutes", moment);
      }
      if (now < link.pingAt) return stay(link);
      return stay({ ...link, pingAt: now + PING_EVERY_MS, pongBy: now + PONG_MS }, "ping");
    }
    case "paused":
    case "closed":
      return stay(link);
    default:
      return link satisfies never;
  }
}

/** Failed tries in a row; a connection that was stable clears them. */
function triesOf(link: ConnectionState, now: number): number {
  if (link.type === "closed") return 0;
  return link.type === "live" && now - link.since >= STABLE_MS ? 0 : link.tries;
}

const offline = (tries: number, retryAt: number, why: string): Step => ({
  link: { type: "offline", tries, retryAt, why },
  actions: ["drop"],
});

/** Gives the connection up. */
function lost(link: ConnectionState, why: string, { now, random }: Moment): Step {
  const tries = triesOf(link, now) + 1;
  return offline(tries, now + (tries === 1 ? 0 : backoffMs(tries, random)), why);
}

function ended(
  link: ConnectionState,
  { code, reason, spread, freshKey }: Extract<ConnectionEvent, { type: "ended" }>,
  { now, random }: Moment,
): Step {
  if (link.type === "offline" || link.type === "paused") return stay(link);
  const why = reason === "" ? sentence(code) : reason;
  const tries = triesOf(link, now) + 1;
  const back = (ms: number): Step => offline(tries, now + ms, why);
  const isFinal =
    code === CLOSE.UNSUPPORTED_DATA ||
    code === CLOSE.INVALID_DATA ||
    code === CLOSE.TOO_BIG ||
    isFinalClose(code) ||
    (code === CLOSE.KEY_EXPIRED &&
      (!freshKey || (link.type !== "closed" && link.renewed === true)));
  if (isFinal) return stay({ type: "closed", code, why }, "drop");
  if (code === CLOSE.KEY_EXPIRED) {
    const { link: away, actions } = back(tries <= 2 ? 0 : backoffMs(tries, random));
    return { link: { ...away, renewed: true } as ConnectionState, actions };
  }
  if (isTemporaryClose(code)) return back(backoffMs(tries, random));
  // Reconnect at once, but back off from the third try on.
  if (isStaleClose(code)) return back(tries <= 2 ? 0 : backoffMs(tries, random));
  return back(tries === 1 ? random * spread : backoffMs(tries, random));
}

const sentence = (code: number): string => {
  if (code === CLOSE.ABNORMAL) return "the connection broke";
  return code === CLOSE.GOING_AWAY || code === CLOSE.SERVICE_RESTART
    ? "the room restarts"
    : `the room closed the link (${code})`;
};
