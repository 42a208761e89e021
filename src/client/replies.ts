/**
 * Exactly one reply to an entry, through any crash: the id of a reply is derived from the entry.
 *
 * An entry is delivered again to the next life until it is done. A reply of an earlier life lies above it in the log, so the
 * replay brings the reply before the first `ready`, and before that nothing is sent. So a stored reply is found by its id,
 * and is not sent again.
 *
 * Invariants:
 * - An id depends on the room's history (`epoch`), on the entry's position and on how many replies to this entry were
 *   accepted before: the next life makes the same one. A random id has no colon, so it is never the same.
 * - A reply that was found and is not used is forgotten once no entry below it can be delivered again.
 * - A message that an earlier life left in the outbox may be decided before this life asks for it: its outcome waits here.
 */
import type { ChatError } from "./errors.ts";
import type { Entry } from "./events.ts";

/** Ids have 1 to 64 code points; an epoch longer than this is replaced by a digest. */
const EPOCH_LENGTH = 32;
/** Entries for which the number of messages is counted. */
const COUNTED = 10_000;

/** @param n how many replies to this entry came before, from 0 on */
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
  /** The history of each entry: positions repeat in the next history. */
  readonly #epochs = new WeakMap<object, string>();
  /** By the id of the first reply. */
  readonly #counts = new Counts();
  /** Replies of an earlier life that the replay brought. */
  readonly #stored = new Map<string, Entry>();
  /** Messages that an earlier life left in the outbox. */
  readonly #inherited = new Set<string>();
  /** Errors of those that were not stored. */
  readonly #failures = new Map<string, ChatError>();
  /** A gap up to here came during the replay: replies of an earlier life below it are hidden. */
  #hiddenUpTo = 0;
  /** The first `ready` of this life came: all replies of an earlier life are known. */
  isKnown = false;

  /** Notes an entry that is delivered to the application. */
  shown(entry: Entry, epoch: string): void {
    this.#epochs.set(entry, epoch);
  }

  /** Notes messages that an earlier life left: they may be decided before this life asks for them. */
  inherit(outbox: readonly { readonly id: string }[]): void {
    for (const { id } of outbox) if (isReplyId(id)) this.#inherited.add(id);
  }

  /** Notes an own entry. */
  found(entry: Entry): void {
    if (!isReplyId(entry.id)) return;
    if (this.#inherited.delete(entry.id) || !this.isKnown) this.#stored.set(entry.id, entry);
  }

  /** Notes a message that was refused, or whose fate is unknown. */
  failed(id: string, error: ChatError): void {
    if (this.#inherited.delete(id)) this.#failures.set(id, error);
  }

  gap(to: number): void {
    if (!this.isKnown) this.#hiddenUpTo = Math.max(this.#hiddenUpTo, to);
  }

  /** The room has another history now: positions count again. */
  restart(): void {
    this.#stored.clear();
    this.#hiddenUpTo = 0;
  }

  /** Everything up to `seq` is done: replies up to there are not needed any more. */
  done(seq: number): void {
    for (const [id, entry] of this.#stored) {
      if (entry.seq > seq) return;
      this.#stored.delete(id);
    }
  }

  /** Returns the history of an entry. @param epoch the current one, for an entry that was never delivered */
  epochOf(entry: Pick<Entry, "seq">, epoch: string): string {
    return this.#epochs.get(entry) ?? epoch;
  }

  /** Returns the id of the next reply to this entry. */
  idOf(entry: Pick<Entry, "seq">, epoch: string): string {
    return replyId(
      this.epochOf(entry, epoch),
      entry.seq,
      this.#counts.get(this.#key(entry, epoch)),
    );
  }

  /** Counts an accepted reply. */
  accepted(entry: Pick<Entry, "seq">, epoch: string): void {
    this.#counts.add(this.#key(entry, epoch));
  }

  /** Takes the reply that an earlier life stored. */
  take(id: string): Entry | undefined {
    const entry = this.#stored.get(id);
    this.#stored.delete(id);
    return entry;
  }

  /** Returns why a reply that an earlier life left is not stored. */
  failureOf(id: string): ChatError | undefined {
    return this.#failures.get(id);
  }

  /** Whether a gap hides whether an earlier life replied to this entry. */
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
  // FNV-1a, four times from different offsets: 128 bits, to tell the few epochs of one room apart.
  const parts = [0, 1, 2, 3].map((salt) => {
    let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
    for (let at = 0; at < epoch.length; at++) {
      hash = Math.imul(hash ^ epoch.charCodeAt(at), 0x01000193);
    }
    return (hash >>> 0).toString(16).padStart(8, "0");
  });
  return parts.join("");
}
