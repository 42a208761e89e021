/**
 * The context that the parts of one client share: its settings, its record, and the queues between the application and the
 * room.
 *
 * Invariant: every change of the outbox is announced by the event `outbox`.
 */
import type { ServerFrame } from "../protocol/frames.ts";
import { Circles } from "./circles.ts";
import { Clock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import { StorageError } from "./errors.ts";
import { Emitter, type Entry, type OutboxItem, type Patch } from "./events.ts";
import { newSession } from "./handshakes.ts";
import type { Settings } from "./options.ts";
import { Pending } from "./pending.ts";
import { RecordStore } from "./record-store.ts";
import { Replies } from "./replies.ts";
import { SendQueue } from "./send-queue.ts";
import type { ClientRecord, Queued } from "./storage/storage.ts";

/** The message of a FateUnknownError. */
export const UNKNOWN = "whether this message was stored is no longer known: look at the history";

export class ClientContext {
  readonly settings: Settings;
  readonly clock = new Clock();
  readonly emitter = new Emitter();
  readonly replies = new Replies();
  readonly circles: Circles;
  readonly sendQueue = new SendQueue();
  /** Sends that wait for their confirmation. */
  readonly sends = new Pending<Entry | Patch>();
  /** Queries that wait for their reply. */
  readonly requests = new Pending<ServerFrame>();
  readonly delivery: Delivery;
  readonly store: RecordStore;
  /** The option `since`, until the first `welcome`. */
  since: number | undefined;

  /** @param onMoved called when *done* may have moved, or a consumer waits for entries that have to be sent again */
  constructor(settings: Settings, onMoved: () => void) {
    this.settings = settings;
    this.since = settings.since;
    this.circles = new Circles(settings.name);
    this.delivery = new Delivery({
      isListening: () => this.emitter.has("entry"),
      moved: onMoved,
      stalled: (error) => this.emitter.emit("error", error),
    });
    this.store = new RecordStore(settings.storage, {
      newSession: () => newSession(settings),
      done: () => this.delivery.done,
    });
  }

  /** Undefined until the storage was opened. */
  get record(): ClientRecord | undefined {
    return this.store.record;
  }

  set record(record: ClientRecord | undefined) {
    const before = this.store.record?.outbox;
    this.store.record = record;
    if (record !== undefined && record.outbox !== before) this.emitter.emit("outbox", this.outbox);
  }

  /** Messages that were accepted and are not decided, in the order of `send`. */
  get outbox(): readonly OutboxItem[] {
    return [...(this.record?.outbox ?? []), ...this.sendQueue.unopened].map(publicPart);
  }
}

/** The part of a queued item that applications see. */
export function publicPart(queued: Queued): OutboxItem {
  const { sent: _sent, unknown: _unknown, maybe: _maybe, epoch: _epoch, ...item } = queued;
  return item.type === "patch" ? item : { ...item, type: "message" };
}

export const storageError = (error: unknown): StorageError =>
  error instanceof StorageError ? error : new StorageError(String(error));
