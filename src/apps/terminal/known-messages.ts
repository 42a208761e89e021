/**
 * The messages that this program has seen: what a reply quotes and whom it is for, and what `/edit` and `/erase` change
 * without a number.
 *
 * Invariant: a message is as its last patch left it, in whichever order message and patches came.
 */
import type { Entry, Patch } from "../../client/index.ts";

/** How many messages are kept. */
const KNOWN_MAX = 1_000;
/** How much of a text is kept, in UTF-16 units: enough to quote it. */
const TEXT_UNITS = 400;

export type KnownMessage = Pick<Entry, "seq" | "from" | "to" | "text" | "patched" | "erased">;

export class KnownMessages {
  readonly #me: string;
  readonly #bySeq = new Map<number, KnownMessage>();
  /** The number of the newest message of this name; reactions and the like do not count. */
  #last: number | undefined;

  constructor(me: string) {
    this.#me = me;
  }

  add({ seq, from, to, text, patched, erased, quiet }: Entry): void {
    const known = this.#bySeq.get(seq);
    if (known !== undefined && versionOf(known) > (patched ?? seq)) return;
    this.#set({ seq, from, to, text, patched, erased });
    if (from === this.#me && quiet !== true) this.#last = Math.max(seq, this.#last ?? 0);
  }

  /** @returns whether the patch changes what was seen: a message that came late already has the contents of the patch */
  apply({ seq, ref, text, patched, erase }: Patch): boolean {
    const known = this.#bySeq.get(ref);
    if (known === undefined) return true;
    if (patched !== undefined || seq <= versionOf(known)) return false;
    const changed =
      erase === true ? { text: "", erased: true as const } : { text: text ?? known.text };
    this.#set({ ...known, ...changed, patched: seq });
    return true;
  }

  get(seq: number): KnownMessage | undefined {
    return this.#bySeq.get(seq);
  }

  /** The newest message of this name; undefined if none has been seen. */
  get last(): KnownMessage | undefined {
    return this.#last === undefined ? undefined : this.#bySeq.get(this.#last);
  }

  /**
   * Returns whom a reply to a known message goes to: those who have the message, without this name. Undefined: everyone, as
   * the message did.
   */
  audienceOf({ from, to }: KnownMessage): readonly string[] | undefined {
    if (to === undefined) return undefined;
    const others = new Set([from, ...to]);
    others.delete(this.#me);
    // A note to oneself is answered to oneself.
    return others.size === 0 ? [this.#me] : [...others];
  }

  /** Forgets all: the room has another history now, in which the same numbers are other messages. */
  clear(): void {
    this.#bySeq.clear();
    this.#last = undefined;
  }

  #set(known: KnownMessage): void {
    const text = known.text.slice(0, TEXT_UNITS);
    this.#bySeq.delete(known.seq);
    this.#bySeq.set(known.seq, { ...known, text });
    for (const oldest of this.#bySeq.keys()) {
      if (this.#bySeq.size <= KNOWN_MAX) return;
      if (oldest !== this.#last) this.#bySeq.delete(oldest);
    }
  }
}

const versionOf = ({ seq, patched }: KnownMessage): number => patched ?? seq;

/** A newer room, or a server that is not a room, may send anything as a message. */
export const isReadable = ({
  from,
  to,
  text,
  ref,
}: {
  readonly [Key in "from" | "to" | "text" | "ref"]?: unknown;
}): boolean =>
  typeof from === "string" &&
  typeof text === "string" &&
  (to === undefined || Array.isArray(to)) &&
  (ref === undefined || typeof ref === "number");
