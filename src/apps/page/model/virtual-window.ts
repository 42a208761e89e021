/**
 * The part of a long list that is in the document.
 *
 * Invariants:
 * - The window has at most `ROWS` items, whatever the length of the list.
 * - While the window follows, it contains the end of the list.
 * - When the list changes, the window still begins with the same item.
 */

/** Items in the document, not counting day lines. */
export const ROWS = 280;
/** How many items the window moves when its edge comes into sight. */
export const STEP = 100;

export interface VirtualWindow {
  readonly start: number;
  readonly end: number;
  /** The window moves with new items at the end. */
  readonly follows: boolean;
}

export const EMPTY: VirtualWindow = { start: 0, end: 0, follows: true };

export const atEnd = (length: number): VirtualWindow => ({
  start: Math.max(0, length - ROWS),
  end: length,
  follows: true,
});

const windowFrom = (wanted: number, length: number): VirtualWindow => {
  const start = Math.max(0, Math.min(wanted, length - 1));
  return { start, end: Math.min(length, start + ROWS), follows: false };
};

export const up = ({ start }: VirtualWindow, length: number): VirtualWindow =>
  windowFrom(start - STEP, length);

export const down = ({ start }: VirtualWindow, length: number): VirtualWindow =>
  windowFrom(Math.min(start + STEP, Math.max(0, length - ROWS)), length);

/** Returns the window with the item at the index `at` in its middle. */
export const around = (at: number, length: number): VirtualWindow =>
  windowFrom(Math.min(at - ROWS / 2, length - ROWS), length);

/**
 * Returns the window for a list that has changed.
 * @param before the key of the item that the window began with
 * @param keys   of the new list
 */
export function updated(
  window: VirtualWindow,
  before: string | undefined,
  keys: readonly string[],
): VirtualWindow {
  if (window.follows) return atEnd(keys.length);
  const at = before === undefined ? -1 : keys.indexOf(before);
  return windowFrom(at < 0 ? window.start : at, keys.length);
}
