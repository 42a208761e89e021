/**
 * Makes text of others safe to show.
 *
 * Invariant: no text from the room can move the cursor, set colours, the title or the direction of text, or look like a
 * line of its own.
 */

export const BREAKS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;

/** C0 but tab, DEL, C1 (a terminal may take U+009B for ESC [), and the characters that turn the direction of text. */
const CONTROL =
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;

/** @returns one line without anything that a terminal obeys */
export const cleanLine = (text: string): string => text.replace(CONTROL, "");

/** @returns the lines of `text`, each clean; those after the first are indented, so that none passes for another's */
export const cleanLines = (text: string): string[] =>
  text.split(BREAKS).map((line, index) => (index === 0 ? "" : "  ") + cleanLine(line));

/** @returns the same JSON, with what a terminal obeys written as escapes */
export const cleanJson = (json: string): string =>
  json.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
