/**
 * Decides when a turn starts: once nothing more comes in, and not before the operator's `COMMIT_INTERVAL_MS` has passed.
 *
 * Invariants:
 * - Batching is not waiting: a turn starts at the first check that finds few new items, so a single message starts one at
 *   once, and a steady trickle is not waited for. A flood is cut after `BATCH_MS`.
 * - Only a turn that may store something waits, and only within the interval after a commit of entries: the first message
 *   after quiet never waits.
 * - The whole turn waits, so events still take effect in arrival order.
 * - R11: no turn waits while a peer is behind, because its acks let it go on.
 */

/** New items since the last check from which a turn goes on batching: frames, joins and the like. */
export const BATCH_ITEMS = 8;

/** How long a turn batches at most. */
export const BATCH_MS = 20;

export class BatchTimer {
  readonly #intervalMs: number;
  #committedAt = -Infinity;
  /** When this turn began to batch, and how many items the last check found. */
  #startedAt = 0;
  #found = 0;

  /** @param intervalMs 0: no turn ever waits */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** The first item of a turn has come. */
  start(now: number): void {
    this.#startedAt = now;
    this.#found = 1;
  }

  /**
   * Checks the inbox, after everything that the platform had ready was delivered.
   * @returns whether so many items are new that it pays to check once more before the turn starts
   */
  shouldKeepBatching(items: number, now: number): boolean {
    const grew = items >= this.#found + BATCH_ITEMS;
    this.#found = items;
    const passed = now - this.#startedAt;
    return grew && passed >= 0 && passed < BATCH_MS;
  }

  /** Entries were committed. */
  committed(now: number): void {
    this.#committedAt = now;
  }

  /**
   * Returns how long the turn waits, ms in [0, interval].
   * @param frames the frames that wait for the turn, as clients wrote them
   * @param isAnyoneBehind called only if it matters
   */
  waitMs(frames: Iterable<string>, isAnyoneBehind: () => boolean, now: number): number {
    const left = this.#committedAt + this.#intervalMs - now;
    if (left <= 0 || this.#intervalMs === 0) return 0;
    for (const frame of frames) {
      // A clock that was set back does not lengthen the wait.
      if (!isAck(frame)) return isAnyoneBehind() ? 0 : Math.min(left, this.#intervalMs);
    }
    return 0;
  }
}

/** Returns whether the frame is surely an ack only. It stores nothing, and waiting for it would only keep the room awake. */
const isAck = (frame: string): boolean => /^\s*\{\s*"type"\s*:\s*"ack"/.test(frame);
