/**
 * Which part of a long list is in the document.
 *
 * Invariants:
 * - Never more than `ROWS` items, whatever the length of the list.
 * - While it follows, the end of the list is in it.
 * - When the list changes, the window stays on the item that it began with.
 */

/** Items in the document. Day lines come on top of them. */
export const ROWS = 280;
/** How far the window moves when its edge comes near. */
export const STEP = 100;

export interface VirtualWindow {
  readonly start: number;
  readonly end: number;
  /** New items at the end pull the window along. */
  readonly follows: boolean;
}

export const EMPTY: VirtualWindow = { start: 0, end: 0, follows: true };

export const atEnd = (length: number): VirtualWindow => ({
  start: Math.max(0, length - ROWS),
  end: length,
  follows: true,
});

const from = (wanted: number, length: number): VirtualWindow => {
  const start = Math.max(0, Math.min(wanted, length - 1));
  return { start, end: Math.min(length, start + ROWS), follows: false };
};

export const up = ({ start }: VirtualWindow, length: number): VirtualWindow =>
  from(start - STEP, length);

export const down = ({ start }: VirtualWindow, length: number): VirtualWindow =>
  from(Math.min(start + STEP, Math.max(0, length - ROWS)), length);

/**
 * The window for a list that has changed.
 * @param before the key of the item that it began with
 * @param keys   of the new list
 */
export function moved(
  window: VirtualWindow,
  before: string | undefined,
  keys: readonly string[],
): VirtualWindow {
  if (window.follows) return atEnd(keys.length);
  const at = before === undefined ? -1 : keys.indexOf(before);
  return from(at < 0 ? window.start : at, keys.length);
}
