/**
 * What waits to be sent on this link, in which frames, and how fast.
 *
 * Invariants:
 * - Messages go in the order of the outbox, each once per link, within the room's allowance.
 * - A frame is never larger than the room takes.
 * - If two links end right after the same messages, they go one by one; the one that still ends its link is named.
 */
import { utf8Length } from "../core/names.ts";
import type { ServerFrame } from "../wire/frames.ts";
import { Allowance } from "./allowance.ts";
import { nextToSend } from "./session.ts";
import type { ClientRecord, Queued } from "./storage.ts";

type RoomLimits = Extract<ServerFrame, { type: "welcome" }>["limits"];

/** What a question costs of the allowance. */
const QUESTION_COST = 10;
/** A link that ends within this time after messages went out may have ended because of them. */
const POISON_MS = 3_000;
/** Ends that say nothing about what was sent: the room restarts, is full, has trouble of its own. */
const BLAMELESS = new Set([1001, 1012, 4102, 4100, 4104, 4201]);

export class Outgoing {
  readonly allowance = new Allowance();
  /** Accepted before the storage was read. */
  readonly early: Queued[] = [];
  readonly questions: object[] = [];
  readonly passing: object[] = [];
  /** Handed to this link and not decided: when, by id. In the order of sending. */
  readonly handed = new Map<string, number>();
  #frameLimit = 65_536;
  #suspected = "";
  #oneByOne = false;

  /** When the oldest undecided message was handed to this link. */
  get oldestSentAt(): number | undefined {
    return this.handed.values().next().value;
  }

  /** The room told its limits. @returns messages that it would refuse, and why */
  setLimits(record: ClientRecord, limits: RoomLimits, now: number): [Queued, string][] {
    this.#frameLimit = limits.frame;
    this.allowance.set(limits.rate, limits.burst, now);
    return record.outbox.flatMap((queued): [Queued, string][] => {
      if (queued.unknown) return [];
      if (utf8Length(queued.text) > limits.text) {
        return [
          [queued, `text: at most ${limits.text} bytes go into one message; send it in parts`],
        ];
      }
      if ((queued.to?.length ?? 0) > limits.recipients) {
        return [[queued, `to: at most ${limits.recipients} names go into one message`]];
      }
      return [];
    });
  }

  /** The messages that may go now. */
  next(record: ClientRecord, now: number): readonly Queued[] {
    const room = this.#oneByOne
      ? 1 - this.handed.size
      : Math.min(this.allowance.available(now), 1_000);
    return nextToSend(record, this.handed, room);
  }

  /** Puts a round into frames, as few as the room's limit allows. */
  frames(
    acks: readonly object[],
    batch: readonly Queued[],
    isLive: boolean,
    now: number,
  ): string[] {
    const items: object[] = [...acks];
    for (const { id, text, to } of batch) {
      items.push({ type: "send", id, text, ...(to && { to }) });
      this.handed.set(id, now);
    }
    this.allowance.take(batch.length);
    if (isLive) items.push(...this.#others(now));
    return pack(
      items.map((item) => JSON.stringify(item)),
      this.#frameLimit,
    );
  }

  /** Signals that may go now, the rest dropped; questions that may go now. */
  #others(now: number): object[] {
    const items: object[] = [];
    for (const signal of this.passing.splice(0)) {
      if (this.allowance.available(now) < 1) break;
      this.allowance.take(1);
      items.push(signal);
    }
    while (this.questions.length > 0 && this.allowance.available(now) >= QUESTION_COST) {
      this.allowance.take(QUESTION_COST);
      items.push(this.questions.shift() ?? {});
    }
    return items;
  }

  /** When more may go, ms since 1970; undefined if nothing waits. */
  dueAt(record: ClientRecord, now: number): number | undefined {
    const times: number[] = [];
    if (this.questions.length > 0) times.push(now + this.allowance.wait(QUESTION_COST, now));
    const waits = record.outbox.some(({ id, unknown }) => !unknown && !this.handed.has(id));
    if (waits && !(this.#oneByOne && this.handed.size > 0)) {
      times.push(now + this.allowance.wait(1, now));
    }
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** A message was confirmed, refused, or lost from sight. */
  decided({ id }: Queued): void {
    if (this.handed.delete(id)) {
      this.#suspected = "";
      if (this.handed.size === 0) this.#oneByOne = false;
    }
  }

  linkEnded(): void {
    this.handed.clear();
    this.passing.length = 0;
  }

  /** The link ended: is it the fault of a message? @returns the one that has ended every link it went out on */
  suspects(record: ClientRecord, code: number, now: number): Queued | undefined {
    const last = [...this.handed.values()].at(-1);
    if (last === undefined || now - last > POISON_MS || BLAMELESS.has(code)) return undefined;
    const key = [...this.handed.keys()].join();
    const again = key === this.#suspected;
    this.#suspected = key;
    if (!again) return undefined;
    if (!this.#oneByOne) {
      this.#oneByOne = true;
      this.#suspected = "";
      return undefined;
    }
    this.#suspected = "";
    return record.outbox.find(({ id }) => this.handed.has(id));
  }
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
