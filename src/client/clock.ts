/**
 * The client's clock. Every duration is counted on it; the wall clock is for people and for `attempt` alone.
 *
 * Invariants:
 * - It never runs backwards, and nothing moves it when the wall clock is set: no deadline is postponed or passes early.
 * - On some platforms it stands still while the device sleeps. The wall clock does not, so `jump` detects that.
 */

/** A difference between the two clocks that drift and rounding do not explain. */
const JUMP_MS = 1_000;

interface Sources {
  /** ms since 1970, by the system. */
  readonly wall: () => number;
  /** ms since some moment, never set. */
  readonly steady: () => number;
}

const SYSTEM: Sources = {
  wall: () => Date.now(),
  steady: () => performance.timeOrigin + performance.now(),
};

export class Clock {
  readonly #sources: Sources;
  /** How far the wall clock was ahead at the last call of `jump`. */
  #lead: number;

  constructor(sources: Sources = SYSTEM) {
    this.#sources = sources;
    this.#lead = sources.wall() - sources.steady();
  }

  /** @returns ms; only differences mean something */
  now(): number {
    return this.#sources.steady();
  }

  /** Returns a moment of this clock as ms since 1970, by the wall clock as it is set now. */
  toWall(moment: number): number {
    return Math.round(this.#sources.wall() + moment - this.#sources.steady());
  }

  /**
   * Returns how far the wall clock has moved against this one since the last call.
   * @returns ms: above 0 if the device slept or the wall clock was set forward, below 0 if it was set back; else 0
   */
  jump(): number {
    const lead = this.#sources.wall() - this.#sources.steady();
    const moved = lead - this.#lead;
    if (Math.abs(moved) < JUMP_MS) return 0;
    this.#lead = lead;
    return moved;
  }
}
