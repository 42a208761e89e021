/** What must have come since the last look at the inbox, for a turn to go on gathering: frames, joins and the like. */
export const BATCH_ITEMS = 8;

/** How long it gathers at most. */
export const BATCH_MS = 20; /**
 * When a turn is taken: once nothing more comes in, and not before the operator's `COMMIT_INTERVAL_MS` has passed.
 *
 * Invariants:
 * - Gathering is not waiting: the turn is taken at the first look at which little came since the look before, so a
 *   message that is alone is taken at once, and a steady trickle is not waited for. A flood is cut after `GATHER_MS`.
 * - Only a turn that may store something begins to wait, and only within the interval after a commit that stored
 *   entries: the first message after quiet never waits.
 * - The whole turn waits, so events still take effect in arrival order.
 * - R11: nothing waits while somebody is behind, because their acks are what lets them go on.
 */

export class BatchTimer {
  readonly #intervalMs: number;
  #storedAt = -Infinity;
  /** When the turn that gathers now began to, and how many items the last look saw. */
  #begunAt = 0;
  #seen = 0;

  /** @param intervalMs 0: no turn ever waits */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** The first item of a turn has come. */
  start(now: number): void {
    this.#begunAt = now;
    this.#seen = 1;
  }

  /**
   * A look at the inbox, once everything that the platform had at hand was delivered.
   * @returns whether much has come since the last look, so that it pays to look once more before the turn is taken
   */
  shouldKeepBatching(items: number, now: number): boolean {
    const grew = items >= this.#seen + BATCH_ITEMS;
    this.#seen = items;
    const passed = now - this.#begunAt;
    return grew && passed >= 0 && passed < BATCH_MS;
  }

  /** Entries were stored. */
  committed(now: number): void {
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
