/**
 * Breaks lines between words, before the terminal breaks them anywhere.
 *
 * Invariant: every row but the first begins with two spaces, so that none passes for a line of its own.
 */

const INDENT = "  ";
/** In fewer columns than this no wrapping is of use. */
const COLUMNS_MIN = 10;
/** The next stop of a tab may be this far away. */
const TAB_COLUMNS = 8;

// oxlint-disable-next-line no-control-regex -- our own colours, which take no place
const COLOUR = /\u001b\[[\d;]*m/g;
/** Printable ASCII alone: as wide as it is long. */
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
    // A word that is wider than a row is broken where the row ends.
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

/** In columns; where terminals differ, as of joined emoji, the widest that one shows. */
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

/** What is seen as one character each; a colour stays in one piece. */
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
