/**
 * The life of a client, from the opening of its storage to its end: by `close`, by a final close code, or by a storage that
 * fails.
 *
 * Invariants:
 * - Messages that were accepted before the storage was opened go into the outbox, or are rejected.
 * - A client that ends, whatever ends it, releases its storage after the last save, so that its successor can open it.
 */
import { CLOSE } from "../protocol/close-codes.ts";
import type { Connection } from "./connection.ts";
import { type ClientContext, storageError } from "./context.ts";
import { ofHistory } from "./session.ts";
import { ClosedError, OutboxFullError, type StorageError } from "./errors.ts";
import { onNetwork } from "./network-events.ts";
import { type Ownership, ownershipOf } from "./ownership.ts";
import type { Rounds } from "./rounds.ts";
import type { ClientRecord } from "./storage/storage.ts";

/** How long `close` waits until sent messages are decided. */
const FLUSH_MS = 5_000;
/** How long a client waits for a storage that another client of this process has: that may be closing, or stay for ever. */
const SUCCESSION_MS = 6_000;
/** How long *done* waits for other changes to be saved with it: a fast consumer does not cost a save for each entry. */
const SAVE_DONE_MS = 20;

export class Lifetime {
  readonly #context: ClientContext;
  readonly #connection: Connection;
  readonly #rounds: Rounds;
  readonly #ownership: Ownership;
  readonly #stopListening: () => void;
  /** Once the storage was opened, or has failed. Before that, the room's history is unknown. */
  opened: Promise<void> = Promise.resolve();
  /** The error with which the storage has failed. */
  failure: StorageError | undefined;
  #isClosing = false;
  /** The storage may belong to another client now. */
  #isReleased = false;
  /** Saves *done*, if no round does before. */
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: ClientContext, connection: Connection, rounds: Rounds) {
    this.#context = context;
    this.#connection = connection;
    this.#rounds = rounds;
    this.#ownership = ownershipOf(context.settings.storage);
    this.#stopListening = onNetwork({
      onAwake: () => connection.dispatch({ type: "awake" }),
      onLost: () => connection.dispatch({ type: "doubted" }),
    });
  }

  begin(): void {
    // In a microtask, so that the caller can add listeners first.
    this.opened = Promise.resolve().then(() => this.#open());
  }

  /** How many messages were accepted and are not decided; messages of unknown fate are not counted. */
  get waiting(): number {
    return this.#context.record?.outbox.filter(({ unknown }) => !unknown).length ?? 0;
  }

  async close(): Promise<void> {
    const { clock, emitter, delivery } = this.#context;
    const deadline = clock.now() + FLUSH_MS;
    this.#isClosing = true;
    // Another owner may hold the storage for longer than that.
    if (this.#context.record === undefined) await within(FLUSH_MS, this.opened);
    const isFlushing = (): boolean => this.#connection.state.type === "live" && this.waiting > 0;
    while (isFlushing() && clock.now() < deadline) await emitter.next(deadline - clock.now());
    // Processed entries are acknowledged, and accepted messages saved, before the storage is released.
    await this.#rounds.current;
    delivery.end(true);
    const why = "closed by this client";
    this.#connection.dispatch({ type: "close", code: CLOSE.NORMAL, why });
    if (this.#context.record !== undefined) await this.#release();
  }

  /** Opens the storage, and begins to connect. */
  async #open(): Promise<void> {
    const context = this.#context;
    const { store, emitter, sendQueue, delivery, replies, settings, sends } = context;
    const { begins } = this.#ownership;
    if (begins !== undefined) await within(SUCCESSION_MS, begins);
    try {
      const movedAside = await store.open();
      if (movedAside !== undefined) emitter.emit("error", movedAside);
    } catch (error) {
      this.#ownership.end();
      return this.fail(error);
    }
    if (context.record === undefined) return;
    const unopened = sendQueue.unopened.splice(0);
    const place = Math.max(0, settings.outboxLimit - context.record.outbox.length);
    const { epoch } = context.record;
    const accepted = unopened.slice(0, place).map((queued) => ofHistory(queued, epoch));
    const outbox = [...context.record.outbox, ...accepted];
    delivery.begin(context.record.cursor);
    replies.inherit(context.record.outbox);
    context.record = { ...context.record, outbox };
    for (const { id } of unopened.slice(place)) {
      sends.reject(id, new OutboxFullError("messages of an earlier life wait already"));
    }
    const { type } = this.#connection.state;
    if (type === "closed") await this.#release();
    else if (type !== "paused") this.#connection.begin();
  }

  /** @throws ClosedError if the client is closed, or its storage was not opened */
  requireRecord(): ClientRecord {
    const { record } = this.#context;
    if (this.#connection.state.type === "closed" || record === undefined) throw this.closedError();
    return record;
  }

  async #release(): Promise<void> {
    if (this.#saveTimer !== undefined) clearTimeout(this.#saveTimer);
    this.#isReleased = true;
    try {
      await this.#context.store.close();
    } catch (error) {
      this.#context.emitter.emit("error", storageError(error));
    }
    this.#ownership.end();
  }

  /** Schedules a save: *done* may have moved, or a consumer waits for entries that have to be sent again. */
  scheduleSave(): void {
    if (this.#saveTimer !== undefined || this.#isReleased) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      this.#context.replies.done(this.#context.delivery.done ?? 0);
      this.#rounds.work();
    }, SAVE_DONE_MS);
  }

  closedError(): ClosedError {
    const { state } = this.#connection;
    return state.type === "closed"
      ? new ClosedError(state.code, state.why)
      : new ClosedError(CLOSE.NORMAL, "closed by this client");
  }

  /** The storage failed: without it the client can promise nothing. */
  fail(error: unknown): void {
    const failure = storageError(error);
    this.failure = failure;
    this.#context.sends.rejectAll(failure);
    this.#context.emitter.emit("error", failure);
    const { message: why } = failure;
    this.#connection.dispatch({ type: "close", code: CLOSE.INTERNAL_ERROR, why });
  }

  onClosed(): void {
    this.#stopListening();
    if (!this.#isClosing) void this.#retire();
    const error = this.closedError();
    this.#context.sends.rejectAll(error);
    this.#context.requests.rejectAll(error);
    this.#context.delivery.end(false, this.failure);
  }

  /** Releases the storage of a client that ended by itself: its successor need not wait for `close`. */
  async #retire(): Promise<void> {
    await this.#rounds.current;
    await this.#context.store.save().catch(() => {});
    this.#ownership.end();
  }
}

/** Waits for `promise`, but `ms` at most. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, timeout]);
  if (timer !== undefined) clearTimeout(timer);
}
