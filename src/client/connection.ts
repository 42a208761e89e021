/**
 * The connection: one WebSocket after the other, driven by the pure machine of connection-state.ts.
 *
 * Invariants:
 * - At most one socket is current. Events of an older socket are dropped.
 * - The attempt is saved before its handshake, so that the room can tell an older handshake from a newer one.
 */
import { CLOSE } from "../protocol/close-codes.ts";
import {
  type ConnectionEvent,
  type ConnectionState,
  type Step,
  begin,
  step,
} from "./connection-state.ts";
import type { ClientContext } from "./context.ts";
import { type ClientState, stateOf } from "./events.ts";
import { attemptClock } from "./handshakes.ts";
import { addressOf, protocolsOf } from "./options.ts";
import { nextAttempt } from "./session.ts";

/** The callbacks of the connection. */
export interface ConnectionOwner {
  /** A text came on the current socket. */
  onText(text: string): void;
  /** The socket was given up: requests on it are void. */
  onDrop(): void;
  /** The connection ended for good. */
  onClosed(): void;
  /** After each transition: what is due next may have changed. */
  onTransition(): void;
  /** The storage failed. */
  onStorageError(error: unknown): void;
}

export class Connection {
  readonly #context: ClientContext;
  readonly #owner: ConnectionOwner;
  #state: ConnectionState;
  #socket: WebSocket | undefined;
  /** The number of the running connect: an earlier one that still waits does not count. */
  #attempt = 0;
  /** The position that the current connection requested. */
  requestedSince: number | undefined;
  /** ms over which to scatter a first reconnect, by the last `welcome`. */
  spread = 0;

  constructor(context: ClientContext, owner: ConnectionOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#state = begin(context.clock.now()).link;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The state as applications see it. */
  get publicState(): ClientState {
    return stateOf(this.#state, (moment) => this.#context.clock.toWall(moment));
  }

  /** The current socket, to compare after an `await`. */
  get socket(): WebSocket | undefined {
    return this.#socket;
  }

  /** Begins to connect, once the storage was opened. */
  begin(): void {
    this.#transition(begin(this.#context.clock.now()));
  }

  dispatch(event: ConnectionEvent): void {
    this.#transition(step(this.#state, event, this.#moment()));
  }

  /** Drops the connection and connects again at once, in one transition. */
  reconnect(): void {
    const moment = this.#moment();
    const away = step(this.#state, { type: "pause" }, moment);
    const back = step(away.link, { type: "resume" }, moment);
    this.#transition({ link: back.link, actions: [...away.actions, ...back.actions] });
  }

  transmit(frame: string): void {
    if (this.#socket?.readyState === 1) this.#socket.send(frame);
  }

  #moment(): { readonly now: number; readonly random: number } {
    return { now: this.#context.clock.now(), random: Math.random() };
  }

  #transition({ link, actions }: Step): void {
    const before = comparable(this.#state);
    this.#state = link;
    for (const action of actions) {
      if (action === "drop") this.#drop();
      else if (action === "ping") this.transmit("ping");
      else void this.#connect();
    }
    if (link.type === "closed") this.#owner.onClosed();
    if (comparable(link) !== before) this.#context.emitter.emit("state", this.publicState);
    this.#owner.onTransition();
  }

  async #connect(): Promise<void> {
    const context = this.#context;
    const { settings, delivery } = context;
    const attempt = ++this.#attempt;
    let key: string;
    try {
      key = await settings.key();
    } catch (error) {
      if (this.#attempt === attempt)
        this.#ended(CLOSE.ABNORMAL, `the key could not be had: ${String(error)}`);
      return;
    }
    // While the key was fetched, the connection may have been given up, or the client closed.
    if (context.record === undefined || this.#attempt !== attempt) return;
    context.record = nextAttempt(context.record, attemptClock(context.record.attempt, Date.now()));
    try {
      await context.store.save();
    } catch (error) {
      return this.#owner.onStorageError(error);
    }
    if (this.#attempt !== attempt) return;
    let socket: WebSocket;
    try {
      const cursor = delivery.resumeAt;
      this.requestedSince = context.since === undefined ? cursor : undefined;
      const from = cursor === undefined ? context.record : { ...context.record, cursor };
      socket = new WebSocket(addressOf(settings, from, context.since).href, protocolsOf(key));
    } catch (error) {
      return this.#ended(CLOSE.ABNORMAL, `no connection can be made: ${String(error)}`);
    }
    this.#listen(socket);
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (this.#socket === socket) this.dispatch({ type: "opened" });
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket && typeof data === "string") this.#owner.onText(data);
    });
    // Ignored: the close event that follows has the code.
    socket.addEventListener("error", () => {});
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason);
    });
  }

  #ended(code: number, reason: string): void {
    const { sendQueue, clock, settings } = this.#context;
    if (code === CLOSE.TOO_FAST) sendQueue.rateLimiter.empty(clock.now());
    sendQueue.linkEnded(code, clock.now());
    const { hasFreshKeys: freshKey } = settings;
    this.dispatch({ type: "ended", code, reason, spread: this.spread, freshKey });
  }

  /** Gives up the current socket. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#attempt++;
    this.#context.sendQueue.linkEnded(CLOSE.STALE, this.#context.clock.now());
    this.#owner.onDrop();
    try {
      socket?.close(this.#state.type === "closed" ? CLOSE.NORMAL : CLOSE.STALE);
    } catch {
      // It never opened, or has ended.
    }
  }
}

/** The state as applications see it, without the clock: two are equal if nothing visible has changed. */
const comparable = (state: ConnectionState): string =>
  JSON.stringify(stateOf(state, (moment) => moment));
