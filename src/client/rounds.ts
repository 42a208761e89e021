/**
 * The rounds of a client: take what came, decide what goes, save, then send.
 *
 * Invariants:
 * - One round at a time. An acknowledged position is saved before, and a message is on record as sent before it is sent.
 * - A round starts after all that the application does in this turn.
 */
import type { Connection } from "./connection.ts";
import { dueAt } from "./connection-state.ts";
import type { ClientContext } from "./context.ts";
import type { Incoming } from "./incoming.ts";
import { markSent, withdraw } from "./session.ts";
import type { Queued } from "./storage/storage.ts";

/** The longest time between two checks of the clocks: a sleep of the device is noticed this late. */
const CLOCK_CHECK_MS = 5_000;

export class Rounds {
  readonly #context: ClientContext;
  readonly #connection: Connection;
  readonly #incoming: Incoming;
  readonly #onError: (error: unknown) => void;
  #texts: string[] = [];
  #round: Promise<void> = Promise.resolve();
  #isWorking = false;
  #hasMore = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onError called when the storage fails */
  constructor(
    context: ClientContext,
    connection: Connection,
    incoming: Incoming,
    onError: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#connection = connection;
    this.#incoming = incoming;
    this.#onError = onError;
  }

  /** The end of the round that runs, if one does. */
  get current(): Promise<void> {
    return this.#round;
  }

  /** A text of the room waits for the next round. */
  receive(text: string): void {
    if (text === "pong") return this.#connection.dispatch({ type: "pong" });
    this.#texts.push(text);
    this.work();
  }

  /** The connection was given up: its texts are dropped. */
  reset(): void {
    this.#texts = [];
    this.#incoming.reset();
  }

  work(): void {
    this.#hasMore = true;
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#round = Promise.resolve()
      .then(() => this.#run())
      .catch((error: unknown) => this.#onError(error))
      .finally(() => {
        this.#isWorking = false;
        this.scheduleTimer();
        if (this.#hasMore && this.#connection.state.type !== "closed") this.work();
      });
  }

  async #run(): Promise<void> {
    const context = this.#context;
    const { delivery, emitter } = context;
    const connection = this.#connection;
    while (this.#hasMore) {
      this.#hasMore = false;
      for (const entry of delivery.waiting()) {
        if (!emitter.emit("entry", entry)) delivery.failed(entry.seq);
      }
      for (const text of this.#texts.splice(0)) this.#incoming.read(text);
      const { socket } = connection;
      const batch = this.#nextBatch();
      if (context.record && batch.length > 0) context.record = markSent(context.record, batch);
      await context.store.save();
      if (socket !== undefined && connection.socket === socket) this.#sendBatch(batch);
      if (this.#nextBatch().length > 0) this.#hasMore = true;
      if (delivery.isDry) this.#reconnectForBacklog();
    }
  }

  #nextBatch(): readonly Queued[] {
    const context = this.#context;
    if (this.#connection.state.type !== "live" || context.record === undefined) return [];
    for (const { queued, code, why } of context.sendQueue.unsendable(context.record)) {
      this.#incoming.apply(withdraw(context.record, queued, code, why));
    }
    return context.sendQueue.next(context.record, context.clock.now());
  }

  /** Sends all that a round brings, the ack, the messages, the requests, in one array frame. */
  #sendBatch(batch: readonly Queued[]): void {
    const { sendQueue, clock } = this.#context;
    const connection = this.#connection;
    const awaited = sendQueue.sentIds.size > 0;
    const ack = this.#incoming.takeAck();
    const acks = ack === undefined ? [] : [ack];
    const isLive = connection.state.type === "live";
    for (const frame of sendQueue.frames(acks, batch, isLive, clock.now())) {
      connection.transmit(frame);
    }
    if (batch.length > 0 && !awaited) connection.dispatch({ type: "sent" });
  }

  /** Connects again from where a consumer has room again for entries that did not fit. */
  #reconnectForBacklog(): void {
    const { type } = this.#connection.state;
    if (type === "replaying" || type === "live") this.#connection.reconnect();
  }

  /** Sets the one timer to the next time at which something is due. */
  scheduleTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    const { sendQueue, record, clock } = this.#context;
    const { state } = this.#connection;
    const { oldestSentAt } = sendQueue;
    const waits = oldestSentAt === undefined ? {} : { oldestSentAt };
    const now = clock.now();
    const times = [dueAt(state, waits)];
    // The end of a running round schedules again.
    if (state.type === "live" && record !== undefined && !this.#isWorking) {
      times.push(sendQueue.dueAt(record, now));
    }
    const set = times.filter((time) => time !== undefined);
    if (set.length === 0 || record === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#checkClock();
        this.#connection.dispatch({ type: "tick", ...waits });
        this.work();
      },
      Math.min(CLOCK_CHECK_MS, Math.max(0, Math.min(...set) - now)),
    );
  }

  /** Notices that the device slept, or that its clock was set. */
  #checkClock(): void {
    const { clock, emitter } = this.#context;
    const connection = this.#connection;
    const jump = clock.jump();
    if (jump > 0) connection.dispatch({ type: "awake" });
    // The announced time of the next try is no longer true.
    if (jump < 0 && connection.state.type === "offline") {
      emitter.emit("state", connection.publicState);
    }
  }
}
