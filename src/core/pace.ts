/**
 * How long a turn waits, so that a busy room writes fewer rows: the operator's `COMMIT_INTERVAL_MS`.
 *
 * Invariants:
 * - Only a turn that may store something begins to wait, and only within the interval after a commit that stored
 *   entries: the first message after quiet never waits.
 * - The whole turn waits, so events still take effect in arrival order.
 * - R11: nothing waits while somebody is behind, because their acks are what lets them go on.
 */
export class Pace {
  readonly #intervalMs: number;
  #storedAt = -Infinity;

  /** @param intervalMs 0: no turn ever waits */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Entries were stored. */
  stored(now: number): void {
    this.#storedAt = now;
  }

  /**
   * @param frames what waits for the turn, as clients wrote it
   * @param isAnyoneBehind asked only if it matters
   * @returns milliseconds in [0, interval]
   */
  waitMs(frames: Iterable<string>, isAnyoneBehind: () => boolean, now: number): number {
    const left = this.#storedAt + this.#intervalMs - now;
    if (left <= 0 || this.#intervalMs === 0) return 0;
    for (const frame of frames) {
      // A clock that was put back does not lengthen the wait.
      if (!isAck(frame)) return isAnyoneBehind() ? 0 : Math.min(left, this.#intervalMs);
    }
    return 0;
  }
}

/** Is it surely a mere ack? It stores nothing, and waiting for it would only keep the room awake. */
const isAck = (frame: string): boolean => /^\s*\{\s*"type"\s*:\s*"ack"/.test(frame);
