/**
 * Exactly one answer to an entry, through any crash: its id says what it answers.
 *
 * An entry is shown again to the next life until it is done. What an earlier life answered lies above it in the log, so
 * the replay shows the answer before the first `ready`, and before that nothing is sent. So an answer that is stored is
 * found by its id, and is not sent again.
 *
 * Invariants:
 * - An id depends on the room's history (`epoch`), on the entry's place and on how many answers to this entry were
 *   accepted before: the next life makes the same one. A random id has no colon, so none is ever the same.
 * - What was found and is not asked for is forgotten once nothing below it can be shown again.
 * - What an earlier life left in the outbox may be decided before this life asks for it: its outcome waits here.
 */
import type { ChatError } from "./errors.ts";
import type { Entry } from "./events.ts";

/** Ids have 1 to 64 code points; what is longer than this is replaced by a digest. */
const EPOCH_LENGTH = 32;
/** For how many entries is remembered how many messages they led to. */
const COUNTED = 10_000;

/** @param n how many answers to this entry came before, from 0 on */
export const replyId = (epoch: string, seq: number, n: number): string =>
  `re:${short(epoch)}:${seq.toString(36)}:${n.toString(36)}`;

const isReplyId = (id: string | undefined): id is string => id?.startsWith("re:") ?? false;

/** How many messages were accepted for an entry; of the newest entries only. */
export class Counts {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): void {
    const count = this.get(key);
    this.#counts.delete(key);
    this.#counts.set(key, count + 1);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= COUNTED) return;
      this.#counts.delete(oldest);
    }
  }
}

export class Replies {
  /** Which history an entry belongs to: positions repeat in the next one. */
  readonly #epochs = new WeakMap<object, string>();
  /** By the id of the first answer. */
  readonly #counts = new Counts();
  /** Answers of an earlier life, as the replay brought them. */
  readonly #stored = new Map<string, Entry>();
  /** What an earlier life left in the outbox. */
  readonly #inherited = new Set<string>();
  /** What became of those that were not stored. */
  readonly #failures = new Map<string, ChatError>();
  /** A gap up to here came during the replay: what an earlier life answered below it cannot be seen any more. */
  #hiddenUpTo = 0;
  /** The first `ready` of this life came: what an earlier life has sent is known. */
  isKnown = false;

  /** An entry is shown to the application. */
  shown(entry: Entry, epoch: string): void {
    this.#epochs.set(entry, epoch);
  }

  /** An earlier life left these: they may be decided before they are asked for. */
  inherit(outbox: readonly { readonly id: string }[]): void {
    for (const { id } of outbox) if (isReplyId(id)) this.#inherited.add(id);
  }

  /** An own entry came. */
  found(entry: Entry): void {
    if (!isReplyId(entry.id)) return;
    if (this.#inherited.delete(entry.id) || !this.isKnown) this.#stored.set(entry.id, entry);
  }

  /** A message was refused, or is of unknown fate. */
  failed(id: string, error: ChatError): void {
    if (this.#inherited.delete(id)) this.#failures.set(id, error);
  }

  gap(to: number): void {
    if (!this.isKnown) this.#hiddenUpTo = Math.max(this.#hiddenUpTo, to);
  }

  /** The room has another history now. */
  restart(): void {
    this.#stored.clear();
    this.#hiddenUpTo = 0;
  }

  /** Everything up to `seq` is done: an answer there answers nothing that is shown again. */
  done(seq: number): void {
    for (const [id, entry] of this.#stored) {
      if (entry.seq > seq) return;
      this.#stored.delete(id);
    }
  }

  /** The history that this entry belongs to. @param epoch the present one, for an entry that was never shown */
  epochOf(entry: Pick<Entry, "seq">, epoch: string): string {
    return this.#epochs.get(entry) ?? epoch;
  }

  /** The id of the next answer to this entry. */
  idOf(entry: Pick<Entry, "seq">, epoch: string): string {
    return replyId(
      this.epochOf(entry, epoch),
      entry.seq,
      this.#counts.get(this.#key(entry, epoch)),
    );
  }

  /** An answer was accepted. */
  accepted(entry: Pick<Entry, "seq">, epoch: string): void {
    this.#counts.add(this.#key(entry, epoch));
  }

  /** Takes the answer that an earlier life stored. */
  take(id: string): Entry | undefined {
    const entry = this.#stored.get(id);
    this.#stored.delete(id);
    return entry;
  }

  /** Why an answer that an earlier life left is not stored. */
  failureOf(id: string): ChatError | undefined {
    return this.#failures.get(id);
  }

  /** Did a gap hide whether an earlier life answered this entry? */
  isHidden(entry: Pick<Entry, "seq">, epoch: string): boolean {
    return this.epochOf(entry, epoch) === epoch && entry.seq < this.#hiddenUpTo;
  }

  #key(entry: Pick<Entry, "seq">, epoch: string): string {
    return replyId(this.epochOf(entry, epoch), entry.seq, 0);
  }
}

/** @returns a text of at most 32 code points, another one for another `epoch` */
function short(epoch: string): string {
  if (epoch.length <= EPOCH_LENGTH) return epoch;
  // FNV-1a, four times from different beginnings: 128 bits, to tell the few epochs of one room apart.
  const parts = [0, 1, 2, 3].map((salt) => {
    let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
    for (let at = 0; at < epoch.length; at++) {
      hash = Math.imul(hash ^ epoch.charCodeAt(at), 0x01000193);
    }
    return (hash >>> 0).toString(16).padStart(8, "0");
  });
  return parts.join("");
}
