/**
 * Makes the text of others safe to show as a line.
 *
 * Invariant: a sanitized line cannot move a cursor, set colours, a title or the direction of text, or begin another line.
 */

/**
 * C0 except tab, DEL, C1 (a terminal may take U+009B for ESC [), the line separators U+2028 and U+2029, and the characters
 * that change the direction of text.
 */
export const CONTROL =
  // oxlint-disable-next-line no-control-regex -- these are removed
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Removes the control characters of a line. */
export const sanitizeLine = (line: string): string => line.replace(CONTROL, "");
