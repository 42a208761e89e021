/**
 * Makes text of others safe to show in a terminal: several lines, and JSON.
 *
 * Invariant: no text from the room can move the cursor, set colours, the title or the direction of text, or look like a
 * line of its own.
 */
import { CONTROL, sanitizeLine } from "../../protocol/sanitize.ts";

export const BREAKS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;

/** @returns the lines of `text`, each clean; those after the first are indented, so that none passes for another's */
export const cleanLines = (text: string): string[] =>
  text.split(BREAKS).map((line, index) => (index === 0 ? "" : "  ") + sanitizeLine(line));

/** @returns the same JSON, with what a terminal obeys written as escapes */
export const cleanJson = (json: string): string =>
  json.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
