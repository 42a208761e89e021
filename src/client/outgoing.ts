/**
 * Messages of the application on their way into the outbox: sent, replied, carried from another room.
 *
 * Invariants:
 * - A message is in the outbox in the step of its call, if the storage is open, and on disk before it is sent (rounds.ts). So
 *   a reply is saved with the position that makes its entry done, even if the caller does not await it.
 * - A reply has the id that every life gives it, and a carried entry is marked in one step with the outbox: so neither is
 *   stored twice through a crash.
 */
import { randomToken } from "../protocol/random-token.ts";
import { idOfCarried, type Origin, withCarried } from "./carried.ts";
import { type ClientContext, publicPart, UNKNOWN } from "./context.ts";
import { type ChatError, FateUnknownError, OutboxFullError, RefusedError } from "./errors.ts";
import type { Entry } from "./events.ts";
import { Counts } from "./replies.ts";
import type { ClientRecord, QueuedMessage } from "./storage/storage.ts";

/** UTF-16 units of text that may wait in the outbox: browsers keep five million in all. */
const OUTBOX_UNITS = 2_000_000;

type Recipients = readonly string[] | undefined;

/** The storage of the client, as far as messages need it. */
export interface OpenStorage {
  /** Once the storage was opened, or has failed. */
  readonly opened: Promise<void>;
  /** @throws ClosedError if the client is closed, or its storage failed */
  requireRecord(): ClientRecord;
}

export class Outgoing {
  readonly #context: ClientContext;
  readonly #storage: OpenStorage;
  readonly #work: () => void;
  /** How many messages were carried in this life, by entry. */
  readonly #carries = new Counts();

  /** @param work starts a round */
  constructor(context: ClientContext, storage: OpenStorage, work: () => void) {
    this.#context = context;
    this.#storage = storage;
    this.#work = work;
  }

  /** @returns the entry, once it is stored; or why the message is not accepted */
  send(text: string, to: Recipients): Promise<Entry> | ChatError {
    const id = randomToken(96);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) return refusal;
    return this.#accept({ id, text, ...(to && { to: [...to] }), sent: false });
  }

  async reply(entry: Pick<Entry, "seq" | "from">, text: string, to: Recipients): Promise<Entry> {
    if (!Number.isSafeInteger(entry.seq) || entry.seq < 0) {
      throw new RefusedError("bad-frame", "expected an entry with its `seq`");
    }
    // Without an `await` where the storage is open: see the invariant.
    if (this.#context.record === undefined) await this.#storage.opened;
    const { epoch = "", outbox } = this.#storage.requireRecord();
    const { replies } = this.#context;
    const id = replies.idOf(entry, epoch);
    const stored = replies.take(id);
    const isWaiting = outbox.some((one) => one.id === id);
    const failure = replies.failureOf(id);
    if (stored !== undefined || isWaiting || failure !== undefined) {
      replies.accepted(entry, epoch);
      if (failure !== undefined) throw failure;
      return stored ?? this.#confirmed(id);
    }
    if (replies.isHidden(entry, epoch)) throw new FateUnknownError(UNKNOWN);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) throw refusal;
    replies.accepted(entry, epoch);
    return this.#accept({
      id,
      text,
      ...(to && { to: [...to] }),
      sent: false,
      ...(!replies.isKnown && { maybe: true }),
    });
  }

  /** @param source the part of the client whose room the entry is from */
  async carry(
    entry: Pick<Entry, "seq">,
    text: string,
    source: Outgoing,
    to: Recipients,
  ): Promise<Entry | undefined> {
    if (this.#context.record === undefined) await this.#storage.opened;
    const { carried = [], outbox } = this.#storage.requireRecord();
    const origin = source.#originOf(entry);
    const key = JSON.stringify([origin.source, origin.epoch, origin.seq]);
    const n = this.#carries.get(key);
    const earlier = idOfCarried(carried, origin, n);
    if (earlier !== undefined) {
      this.#carries.add(key);
      return outbox.some(({ id }) => id === earlier) ? this.#confirmed(earlier) : undefined;
    }
    const id = randomToken(96);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) throw refusal;
    this.#carries.add(key);
    const { record } = this.#context;
    if (record !== undefined) {
      this.#context.record = { ...record, carried: withCarried(carried, origin, { n, id }) };
    }
    return this.#accept({ id, text, ...(to && { to: [...to] }), sent: false });
  }

  #originOf(entry: Pick<Entry, "seq">): Origin {
    const { settings, replies, record, store } = this.#context;
    const { base, room, name } = settings;
    return {
      source: [base.href, room, name].join(" "),
      epoch: replies.epochOf(entry, record?.epoch ?? ""),
      seq: entry.seq,
      done: store.savedCursor,
    };
  }

  /** @returns why a message is not accepted */
  #refusalOf(id: string, text: string, to: Recipients): ChatError | undefined {
    if (typeof text !== "string" || (to !== undefined && !Array.isArray(to))) {
      return new RefusedError("bad-frame", "expected a text, and a list of names in `to`");
    }
    const full = this.#isFull(text);
    if (full !== undefined) return new OutboxFullError(full);
    const queued: QueuedMessage = { id, text, ...(to && { to }), sent: false };
    const why = this.#context.sendQueue.refusal(queued);
    if (why === undefined) return undefined;
    const error = new RefusedError("too-large", why);
    this.#context.emitter.emit("refused", { ...publicPart(queued), error });
    return error;
  }

  /** @returns a sentence if the outbox has no place for this text */
  #isFull(text: string): string | undefined {
    const { settings, record, sendQueue } = this.#context;
    const waiting = [...(record?.outbox ?? []), ...sendQueue.unopened];
    const units = waiting.reduce((sum, queued) => sum + queued.text.length, text.length);
    if (waiting.length < settings.outboxLimit && units <= OUTBOX_UNITS) return undefined;
    return `${waiting.length} messages wait already: wait until some are confirmed`;
  }

  /** Puts a message into the outbox. @returns the entry, once it is stored */
  #accept(queued: QueuedMessage): Promise<Entry> {
    const context = this.#context;
    const { record } = context;
    if (record !== undefined) context.record = { ...record, outbox: [...record.outbox, queued] };
    else {
      context.sendQueue.unopened.push(queued);
      context.emitter.emit("outbox", context.outbox);
    }
    this.#work();
    return this.#confirmed(queued.id);
  }

  #confirmed(id: string): Promise<Entry> {
    const confirmed = this.#context.sends.add(id);
    // An application that does not wait for it gets a refusal by the event.
    confirmed.catch(() => {});
    return confirmed;
  }
}
