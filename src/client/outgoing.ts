/**
 * Messages of the application on their way into the outbox: sent, replied, carried from another room.
 *
 * Invariants:
 * - A message is in the outbox in the step of its call, if the storage is open, and on disk before it is sent (rounds.ts). So
 *   a reply is saved with the position that makes its entry done, even if the caller does not await it.
 * - A reply has the id that every life gives it, and a carried entry is marked in one step with the outbox: so neither is
 *   stored twice through a crash.
 */
import type { Data } from "../protocol/frames.ts";
import { randomToken } from "../protocol/random-token.ts";
import { idOfCarried, type Origin, withCarried } from "./carried.ts";
import { type Content, copyOf, faultIn } from "./content.ts";
import { type ClientContext, publicPart, UNKNOWN } from "./context.ts";
import { ChatError, FateUnknownError, OutboxFullError, RefusedError } from "./errors.ts";
import type { Entry, Patch } from "./events.ts";
import { Counts } from "./replies.ts";
import { ofHistory } from "./session.ts";
import type { ClientRecord, Queued } from "./storage/storage.ts";

/** UTF-16 units of text and data that may wait in the outbox: browsers keep five million in all. */
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
  send(content: Content): Promise<Entry | Patch> | ChatError {
    const queued = this.#itemOf(randomToken(96), content);
    return queued instanceof ChatError ? queued : this.#accept(queued);
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
      return stored ?? (this.#confirmed(id) as Promise<Entry>);
    }
    if (replies.isHidden(entry, epoch)) throw new FateUnknownError(UNKNOWN);
    const queued = this.#itemOf(id, { text, ...(to && { to }) });
    if (queued instanceof ChatError) throw queued;
    replies.accepted(entry, epoch);
    return this.#accept(replies.isKnown ? queued : { ...queued, maybe: true }) as Promise<Entry>;
  }

  /** @param source the part of the client whose room the entry is from */
  async carry(
    entry: Pick<Entry, "seq">,
    content: Content,
    source: Outgoing,
  ): Promise<Entry | undefined> {
    if (this.#context.record === undefined) await this.#storage.opened;
    const { carried = [], outbox } = this.#storage.requireRecord();
    const origin = source.#originOf(entry);
    const key = JSON.stringify([origin.source, origin.epoch, origin.seq]);
    const n = this.#carries.get(key);
    const earlier = idOfCarried(carried, origin, n);
    if (earlier !== undefined) {
      this.#carries.add(key);
      if (outbox.every((one) => one.id !== earlier)) return undefined;
      return this.#confirmed(earlier) as Promise<Entry>;
    }
    const id = randomToken(96);
    const queued = this.#itemOf(id, content);
    if (queued instanceof ChatError) throw queued;
    this.#carries.add(key);
    const { record } = this.#context;
    if (record !== undefined) {
      this.#context.record = { ...record, carried: withCarried(carried, origin, { n, id }) };
    }
    return this.#accept(queued) as Promise<Entry>;
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

  /** @returns the item for the outbox, or why it is not accepted */
  #itemOf(id: string, content: Content): Queued | ChatError {
    const fault = faultIn(content) ?? faultIn(copyOf(content));
    if (fault !== undefined) return new RefusedError("bad-frame", fault);
    const queued = { id, ...copyOf(content), sent: false };
    const full = this.#isFull(unitsOf(queued));
    if (full !== undefined) return new OutboxFullError(full);
    const why = this.#context.sendQueue.refusal(queued);
    if (why === undefined) return queued;
    const error = new RefusedError("too-large", why);
    this.#context.emitter.emit("refused", { ...publicPart(queued), error });
    return error;
  }

  /** @returns a sentence if the outbox has no place for so much more */
  #isFull(more: number): string | undefined {
    const { settings, record, sendQueue } = this.#context;
    const waiting = [...(record?.outbox ?? []), ...sendQueue.unopened];
    const units = waiting.reduce((sum, queued) => sum + unitsOf(queued), more);
    if (waiting.length < settings.outboxLimit && units <= OUTBOX_UNITS) return undefined;
    return `${waiting.length} messages wait already: wait until some are confirmed`;
  }

  /** Puts a message into the outbox. @returns the entry, once it is stored */
  #accept(queued: Queued): Promise<Entry | Patch> {
    const context = this.#context;
    const { record } = context;
    if (record !== undefined) {
      const outbox = [...record.outbox, ofHistory(queued, record.epoch)];
      context.record = { ...record, outbox };
    } else {
      context.sendQueue.unopened.push(queued);
      context.emitter.emit("outbox", context.outbox);
    }
    this.#work();
    return this.#confirmed(queued.id);
  }

  #confirmed(id: string): Promise<Entry | Patch> {
    const confirmed = this.#context.sends.add(id);
    // An application that does not wait for it gets a refusal by the event.
    confirmed.catch(() => {});
    return confirmed;
  }
}

/** The units of the data of waiting items: each `send` counts all of them. */
const dataUnits = new WeakMap<Data, number>();

function unitsOf({ text = "", data }: Queued): number {
  if (data === undefined) return text.length;
  let units = dataUnits.get(data);
  if (units === undefined) dataUnits.set(data, (units = JSON.stringify(data).length));
  return text.length + units;
}
