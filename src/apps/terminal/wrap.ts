/**
 * Breaks lines between words, because the terminal would break them anywhere.
 *
 * Invariant: every row but the first begins with two spaces, so that none looks like a line of its own.
 */

const INDENT = "  ";
/** A narrower terminal is too narrow to wrap for. */
const COLUMNS_MIN = 10;
/** A tab may take up to this many columns. */
const TAB_COLUMNS = 8;

// oxlint-disable-next-line no-control-regex -- our own colours, which have no width
const COLOUR = /\u001b\[[\d;]*m/g;
/** Printable ASCII only: the width is the length. */
const PLAIN = /^[ -~]*$/;
const NO_WIDTH = /[\p{M}\p{Cf}\p{Cc}]/u;
const NARROW = /[\uff61-\uffdc]/;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;

/** @returns the rows of a line, none wider than `columns`; undefined columns: the line as it is */
export function wrap(line: string, columns: number | undefined): string[] {
  if (columns === undefined || columns < COLUMNS_MIN || widthOf(line) <= columns) return [line];
  const rows: string[] = [];
  let row: string | undefined;
  let width = 0;
  for (const word of line.split(" ")) {
    const wide = widthOf(word);
    if (row !== undefined && width + 1 + wide <= columns) {
      row += ` ${word}`;
      width += 1 + wide;
      continue;
    }
    if (row !== undefined) rows.push(row);
    row = rows.length === 0 ? "" : INDENT;
    width = row.length;
    // A word wider than a row is broken at the end of the row.
    for (const piece of width + wide <= columns ? [word] : clustersOf(word)) {
      const more = widthOf(piece);
      if (width + more > columns && width > INDENT.length) {
        rows.push(row);
        row = INDENT;
        width = INDENT.length;
      }
      row += piece;
      width += more;
    }
  }
  return [...rows, row ?? ""];
}

/** The width in columns; where terminals differ, as with joined emoji, the largest. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text.replaceAll(COLOUR, "")) {
    if (character === "\t") width += TAB_COLUMNS;
    else if (!NO_WIDTH.test(character)) {
      width += WIDE.test(character) && !NARROW.test(character) ? 2 : 1;
    }
  }
  return width;
}

const segmenter = new Intl.Segmenter();

/** Splits a word into its visible characters; a colour sequence stays in one piece. */
function clustersOf(word: string): string[] {
  const colours = word.match(COLOUR) ?? [];
  const clusters: string[] = [];
  for (const [index, part] of word.split(COLOUR).entries()) {
    for (const { segment } of segmenter.segment(part)) clusters.push(segment);
    const colour = colours[index];
    if (colour !== undefined) clusters.push(colour);
  }
  return clusters;
}
