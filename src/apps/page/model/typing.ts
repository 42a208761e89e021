/** Typing indicators: signals are sent seldom, and expire soon. The time is a parameter, from a monotonic clock. */

/** The least time between two own signals. */
export const SIGNAL_INTERVAL_MS = 3_000;
/** How long a signal of another person counts. */
export const TYPING_MS = 6_000;
/** With more people online than this, typing to everyone sends no signal. */
export const LARGE_ROOM = 50;
/** How many people who type are remembered. */
const TYPISTS_MAX = 20;

export class Typing {
  readonly #until = new Map<string, number>();
  #signalledAt = -Infinity;

  /** Returns whether this key press sends a signal. */
  shouldSignal(now: number, online: number, to: readonly string[]): boolean {
    if (to.length === 0 && online > LARGE_ROOM) return false;
    if (now - this.#signalledAt < SIGNAL_INTERVAL_MS) return false;
    this.#signalledAt = now;
    return true;
  }

  /** The next key press begins a new message. */
  onSent(): void {
    this.#signalledAt = -Infinity;
  }

  onSignal(from: string, data: unknown, now: number): void {
    const isTyping = typeof data === "object" && data !== null && "typing" in data && data.typing;
    if (isTyping !== true) return;
    if (this.#until.size < TYPISTS_MAX || this.#until.has(from)) {
      this.#until.set(from, now + TYPING_MS);
    }
  }

  /** The message of `from` arrived; without `from`: the connection broke. */
  clear(from?: string): void {
    if (from === undefined) this.#until.clear();
    else this.#until.delete(from);
  }

  /** The names of those who type now. */
  typists(now: number): readonly string[] {
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    return [...this.#until.keys()];
  }
}
