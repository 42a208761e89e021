/**
 * To whom the newest messages went, so that a reaction goes to those who can read its message, and to nobody else.
 */
import type { Entry } from "./events.ts";

/** Messages that are remembered. */
const REMEMBERED = 10_000;

export class Circles {
  readonly #me: string;
  readonly #circles = new Map<number, readonly string[] | undefined>();

  /** @param me the name of this client */
  constructor(me: string) {
    this.#me = me;
  }

  /** Notes a message that was delivered. */
  note({ seq, from, to }: Pick<Entry, "seq" | "from" | "to">): void {
    this.#circles.set(seq, to && this.#others([from, ...to]));
    if (this.#circles.size <= REMEMBERED) return;
    const [oldest] = this.#circles.keys();
    if (oldest !== undefined) this.#circles.delete(oldest);
  }

  /** Another history of the room begins. */
  clear(): void {
    this.#circles.clear();
  }

  has(seq: number): boolean {
    return this.#circles.has(seq);
  }

  /** Returns the author and the recipients, without this client's name, which gets its own entries; undefined: everyone. */
  of(seq: number): readonly string[] | undefined {
    return this.#circles.get(seq);
  }

  /** The author and as many recipients as a message may have are one name too many, unless this client's is left out. */
  #others(names: readonly string[]): readonly string[] {
    const others = [...new Set(names)].filter((name) => name !== this.#me);
    // A note to oneself is marked by oneself.
    return others.length > 0 ? others : [this.#me];
  }
}
