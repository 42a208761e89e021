/**
 * The messages and requests that wait to be sent: in which order, in which frames, and how fast.
 *
 * Invariants:
 * - Messages are sent in the order of the outbox, each once per connection, within the room's rate.
 * - A frame is never larger than the room's limit.
 * - If two connections end right after the same messages, these are sent one by one; a message that still ends its
 *   connection is a poison message, and is given up.
 */
import { utf8Length } from "../protocol/ids.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { isOfOtherHistory, nextToSend } from "./session.ts";
import type { ClientRecord, Queued } from "./storage/storage.ts";
import { CLOSE, isFinalClose, isTemporaryClose, isStaleClose } from "../protocol/close-codes.ts";
import { DEFAULT_LIMITS, QUERY_COST } from "../protocol/limits.ts";

type RoomLimits = Extract<ServerFrame, { type: "welcome" }>["limits"];

/** A connection that ends within this time after messages were sent may have ended because of them. */
const POISON_MS = 3_000;
/** Close codes that no message can have caused: restarts, and closes that the room explains. */
const isBlameless = (code: number): boolean =>
  code === CLOSE.GOING_AWAY ||
  code === CLOSE.SERVICE_RESTART ||
  isFinalClose(code) ||
  isTemporaryClose(code) ||
  isStaleClose(code);

export class SendQueue {
  readonly rateLimiter = new RateLimiter();
  /** Accepted before the storage was read. */
  readonly unopened: Queued[] = [];
  /** JSON texts, each smaller than a frame. */
  readonly requests: string[] = [];
  readonly ephemerals: string[] = [];
  /** Sent on this connection and not decided: when, by id, in the order of sending. */
  readonly sentIds = new Map<string, number>();
  #limits: Pick<RoomLimits, "text" | "data" | "patchHours" | "frame" | "recipients"> =
    DEFAULT_LIMITS;
  #hasLimits = false;
  /** The oldest undecided message when the last connection ended right after sending. */
  #suspect = "";
  /** Messages that are sent one by one, until each is decided. */
  readonly #suspected = new Set<string>();
  /** Messages that are known to fit the limits. */
  readonly #fitting = new Set<string>();
  /** Messages that ended their connection each time: they are not sent again, and given up if no replay brings them. */
  readonly #quarantined = new Set<string>();

  /** When the oldest undecided message was sent on this connection. */
  get oldestSentAt(): number | undefined {
    return this.sentIds.values().next().value;
  }

  /** Sets the limits of the room. */
  setLimits(limits: RoomLimits, now: number): void {
    // A room of release 1 says nothing of data and of patches, and would drop the one and refuse the other.
    const { data, patchHours }: Partial<RoomLimits> = limits;
    this.#limits = { ...limits, data: data ?? 0, patchHours: patchHours ?? 0 };
    this.#hasLimits = true;
    this.#fitting.clear();
    this.rateLimiter.set(limits.rate, limits.burst, now);
  }

  /** Bytes of UTF-8 that the text of one message may have. */
  get textLimit(): number {
    return this.#limits.text;
  }

  /** Bytes of UTF-8 that the data of one message may have as JSON; 0: the room takes none. */
  get dataLimit(): number {
    return this.#limits.data;
  }

  /** Hours within which the text and the data of an own message may be changed; 0: never. */
  get patchHours(): number {
    return this.#limits.patchHours;
  }

  /** Returns why a new message exceeds the limits; undefined if it does not, or before the first `welcome`. */
  refusal(queued: Queued): string | undefined {
    return this.#hasLimits ? this.#tooLarge(queued) : undefined;
  }

  /**
   * Returns queued messages that cannot be sent, with the reason. Call it after the replay, so that messages which are
   * already stored are gone from the queue.
   */
  unsendable(record: ClientRecord): { queued: Queued; code: string; why: string }[] {
    return record.outbox.flatMap((queued) => {
      if (queued.unknown || this.sentIds.has(queued.id)) return [];
      if (this.#quarantined.has(queued.id)) {
        const why = "the link ended each time right after this message: it was taken out";
        return [{ queued, code: "lost", why }];
      }
      if (isOfOtherHistory(record, queued)) {
        const why =
          "ref: the room was restored or made again: the message that this refers to belongs to another history";
        return [{ queued, code: "unknown-ref", why }];
      }
      if (this.#fitting.has(queued.id)) return [];
      const why = this.#tooLarge(queued);
      if (why !== undefined) return [{ queued, code: "too-large", why }];
      this.#fitting.add(queued.id);
      return [];
    });
  }

  /** Returns the messages that may be sent now. */
  next(record: ClientRecord, now: number): readonly Queued[] {
    const room = Math.min(this.rateLimiter.available(now), 1_000);
    const next = nextToSend(record, this.sentIds, room);
    if (this.#suspected.size === 0) return next;
    return this.#isAwaited(record) ? [] : next.slice(0, 1);
  }

  /**
   * Returns whether a sent message is undecided, so that one that is sent alone must wait. Messages of unknown fate do not
   * count: only the confirmation of a later one can settle them.
   */
  #isAwaited({ outbox }: ClientRecord): boolean {
    return (
      this.sentIds.size > 0 && outbox.some(({ id, unknown }) => !unknown && this.sentIds.has(id))
    );
  }

  /** Puts the items of a round into frames, as few as the room's limit allows. */
  frames(
    acks: readonly object[],
    batch: readonly Queued[],
    isLive: boolean,
    now: number,
  ): string[] {
    const items = acks.map((ack) => JSON.stringify(ack));
    for (const queued of batch) {
      items.push(sendText(queued));
      this.sentIds.set(queued.id, now);
    }
    this.rateLimiter.take(batch.length);
    if (isLive) items.push(...this.#others(now));
    return pack(items, this.#limits.frame);
  }

  /** Whether this JSON text fits into a frame. */
  fits(text: string): boolean {
    return utf8Length(text) <= this.#limits.frame;
  }

  /** When more may be sent, by the client's clock; undefined if nothing waits. */
  dueAt(record: ClientRecord, now: number): number | undefined {
    const times: number[] = [];
    if (this.requests.length > 0) times.push(now + this.rateLimiter.wait(QUERY_COST, now));
    const waits = record.outbox.some(({ id, unknown }) => !unknown && !this.sentIds.has(id));
    if (waits && !(this.#suspected.size > 0 && this.#isAwaited(record))) {
      times.push(now + this.rateLimiter.wait(1, now));
    }
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** A message was confirmed or refused, or its fate is unknown. */
  decided({ id }: Queued): void {
    this.sentIds.delete(id);
    this.#suspected.delete(id);
    this.#quarantined.delete(id);
    this.#fitting.delete(id);
    if (this.#suspect === id) this.#suspect = "";
  }

  /**
   * Notes the end of a connection, and finds poison messages. After two ends in a row behind the same oldest message, all
   * undecided ones are sent one by one; one that ends its connection twice more, alone, is given up.
   */
  linkEnded(code: number, now: number): void {
    const [oldest] = this.sentIds.keys();
    const last = [...this.sentIds.values()].at(-1) ?? 0;
    if (oldest !== undefined && !isBlameless(code) && now - last <= POISON_MS) {
      const again = this.#suspect === oldest;
      this.#suspect = again ? "" : oldest;
      if (again && this.#suspected.has(oldest)) this.#quarantined.add(oldest);
      else if (again) for (const id of this.sentIds.keys()) this.#suspected.add(id);
    }
    this.sentIds.clear();
    this.ephemerals.length = 0;
    this.requests.length = 0;
  }

  /** Returns the ephemerals that may be sent now, dropping the rest, and the requests that may be sent now. */
  #others(now: number): string[] {
    const items: string[] = [];
    for (const signal of this.ephemerals.splice(0)) {
      if (this.rateLimiter.available(now) < 1) break;
      this.rateLimiter.take(1);
      items.push(signal);
    }
    while (this.requests.length > 0 && this.rateLimiter.available(now) >= QUERY_COST) {
      this.rateLimiter.take(QUERY_COST);
      items.push(...this.requests.splice(0, 1));
    }
    return items;
  }

  #tooLarge(queued: Queued): string | undefined {
    const { text, data, frame, recipients } = this.#limits;
    if (utf8Length(queued.text ?? "") > text) {
      return `text: at most ${text} bytes go into one message; send it in parts`;
    }
    if (queued.data !== undefined && utf8Length(JSON.stringify(queued.data)) > data) {
      return data === 0
        ? "data: this room takes none"
        : `data: at most ${data} bytes of JSON go into one message`;
    }
    if (queued.type === undefined && new Set(queued.to).size > recipients) {
      return `to: at most ${recipients} names go into one message`;
    }
    if (this.fits(sendText(queued))) return undefined;
    return `the message is larger than a frame of ${frame} bytes; send it in parts, or to fewer`;
  }
}

/** The frame of a queued item. JSON.stringify leaves out what is undefined. */
function sendText(queued: Queued): string {
  const { id, text, ref, data } = queued;
  if (queued.type === "patch") {
    return JSON.stringify({ type: "patch", id, ref, text, data, erase: queued.erase });
  }
  const { to, quiet } = queued;
  return JSON.stringify({ type: "send", id, text, to, ref, data, quiet });
}

/** Joins JSON texts to frames: one text alone, several as an array, none larger than `limit` bytes. */
export function pack(texts: readonly string[], limit: number): string[] {
  const frames: string[] = [];
  let some: string[] = [];
  let bytes = 0;
  const cut = (): void => {
    const [only] = some;
    if (only !== undefined) frames.push(some.length === 1 ? only : `[${some.join(",")}]`);
    some = [];
    bytes = 1;
  };
  cut();
  for (const text of texts) {
    const own = utf8Length(text) + 1;
    if (bytes + own + 1 > limit) cut();
    some.push(text);
    bytes += own;
  }
  cut();
  return frames;
}
