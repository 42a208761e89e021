/** Who types: told seldom, believed for a short while. Time comes in, from a clock that nobody sets. */

/** The least time between two signals of one's own. */
export const TELL_EVERY_MS = 3_000;
/** How long a signal of somebody else is believed. */
export const BELIEVED_MS = 6_000;
/** In a larger room, what is for everyone is typed in silence. */
export const CROWD = 50;
/** How many are remembered. */
const TYPISTS = 20;

export class Typing {
  readonly #until = new Map<string, number>();
  #toldAt = -Infinity;

  /** Is a signal due, now that something was typed? */
  isDue(now: number, online: number, to: readonly string[]): boolean {
    if (to.length === 0 && online > CROWD) return false;
    if (now - this.#toldAt < TELL_EVERY_MS) return false;
    this.#toldAt = now;
    return true;
  }

  /** The next word begins a new message. */
  sent(): void {
    this.#toldAt = -Infinity;
  }

  hears(from: string, data: unknown, now: number): void {
    const isTyping = typeof data === "object" && data !== null && "typing" in data && data.typing;
    if (isTyping !== true) return;
    if (this.#until.size < TYPISTS || this.#until.has(from)) {
      this.#until.set(from, now + BELIEVED_MS);
    }
  }

  /** What was typed has come, or the link is gone. */
  forget(from?: string): void {
    if (from === undefined) this.#until.clear();
    else this.#until.delete(from);
  }

  /** Those who type now. */
  at(now: number): readonly string[] {
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    return [...this.#until.keys()];
  }
}
