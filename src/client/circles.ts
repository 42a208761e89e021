/**
 * To whom the newest messages went, so that a reaction goes to those who can read its message, and to nobody else.
 */
import type { Entry } from "./events.ts";

/** Messages that are remembered. */
const REMEMBERED = 10_000;

export class Circles {
  readonly #circles = new Map<number, readonly string[] | undefined>();

  /** Notes a message that was delivered. */
  note({ seq, from, to }: Pick<Entry, "seq" | "from" | "to">): void {
    this.#circles.set(seq, to && [...new Set([from, ...to])]);
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

  /** Returns the author and the recipients; undefined: everyone. */
  of(seq: number): readonly string[] | undefined {
    return this.#circles.get(seq);
  }
}
