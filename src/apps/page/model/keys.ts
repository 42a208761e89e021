/** What a key press means to the page. Pure. */

type Press = Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing" | "keyCode">;

/** The code of every key that an input method takes. */
const TAKEN_BY_INPUT_METHOD = 229;

/**
 * `send`: Enter without Shift; `escape`: Escape; undefined: nothing to the page.
 *
 * While a word is composed, both belong to the input method. Chromium and Firefox say so with `isComposing`. Safari ends
 * the composition before it reports the key that ended it: there only `keyCode` tells, which is why a deprecated
 * property is read here.
 */
export function pressOf({
  key,
  shiftKey,
  isComposing,
  keyCode,
}: Press): "send" | "escape" | undefined {
  if (isComposing || keyCode === TAKEN_BY_INPUT_METHOD) return undefined;
  if (key === "Escape") return "escape";
  return key === "Enter" && !shiftKey ? "send" : undefined;
}
