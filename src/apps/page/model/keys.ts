/** The meaning of a key press to the page. Pure. */

type Press = Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing" | "keyCode">;

/** The code of every key that the input method handles. */
const TAKEN_BY_INPUT_METHOD = 229;

/**
 * @returns `send` for Enter without Shift, `escape` for Escape, `up` for the arrow up, undefined for every other key
 *
 * While a word is composed, all keys belong to the input method. Chromium and Firefox set `isComposing`. Safari ends the
 * composition before it reports the key that ended it, and only `keyCode` shows it. Therefore this function reads a
 * deprecated property.
 */
export function pressOf({
  key,
  shiftKey,
  isComposing,
  keyCode,
}: Press): "send" | "escape" | "up" | undefined {
  if (isComposing || keyCode === TAKEN_BY_INPUT_METHOD) return undefined;
  if (key === "Escape") return "escape";
  if (key === "ArrowUp" && !shiftKey) return "up";
  return key === "Enter" && !shiftKey ? "send" : undefined;
}
