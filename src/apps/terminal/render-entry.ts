/**
 * Formats messages, and the changes of messages.
 *
 * Invariant: only a message begins with `from `, and only a line of this program with `* ` or `#`. What a message quotes is
 * a line of its own before it, so no text can pass for a quotation.
 */
import type { Entry, Patch } from "../../client/index.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { dim, paintName, type Style } from "./colours.ts";
import type { KnownMessage } from "./known-messages.ts";
import { cleanLines } from "./sanitize.ts";

/** How much of a message a quotation shows, in characters. */
const QUOTE_CHARACTERS = 60;

/**
 * @param original the message that the entry refers to, if it is known
 * @param time     the time of the entry, for a list of earlier ones, which always has the numbers
 */
export function entryLines(
  entry: Entry,
  original: KnownMessage | undefined,
  style: Style,
  time?: string,
): string[] {
  if (entry.quiet === true) return [];
  const head = time === undefined ? "" : `* ${time} `;
  const notice = noticeOf(entry, style);
  if (notice !== undefined) return [`${head || "* "}${notice}`];
  const isNumbered = time !== undefined || style.numbers === true;
  const number = isNumbered ? `${dim(`#${entry.seq}`, style)} ` : "";
  const [first = "", ...more] = cleanLines(entry.text);
  return [
    ...(entry.ref === undefined ? [] : [dim(`* ${reference(entry.ref, original)}`, style)]),
    `${head}${number}from ${paintName(entry.from, style)}: ${first}`,
    ...more,
  ];
}

/** The sentence that stands in the place of an entry without text. */
function noticeOf({ seq, from, text, erased, by }: Entry, style: Style): string | undefined {
  const name = paintName(from, style);
  if (erased === true) return `a message from ${name} (#${seq}) was erased${byWhom(by)}`;
  return text === ""
    ? `${name} sent something that this terminal cannot show (#${seq})`
    : undefined;
}

const byWhom = (by: Entry["by"]): string => (by === undefined ? "" : " by an operator");

/** Formats a change. One whose place a later one took, and one of `data` alone, show nothing. */
export function patchLines(patch: Patch, style: Style): string[] {
  const { from, ref, text, quiet, patched, erase, by } = patch;
  if (quiet === true || patched !== undefined) return [];
  const name = paintName(from, style);
  if (erase === true) {
    return by === undefined
      ? [`* ${name} erased a message (#${ref})`]
      : [`* a message from ${name} (#${ref}) was erased${byWhom(by)}`];
  }
  if (text === undefined || text === "") return [];
  const [first = "", ...more] = cleanLines(text);
  return [`* ${name} changed a message (#${ref}): ${first}`, ...more];
}

/** `re #41 alice: first words…` */
function reference(ref: number, original: KnownMessage | undefined): string {
  if (original === undefined) return `re #${ref}`;
  const from = sanitizeLine(original.from);
  if (original.erased === true) return `re #${ref} ${from}, erased`;
  const [first = "", ...more] = cleanLines(original.text);
  const characters = Array.from(first);
  const isWhole = more.length === 0 && characters.length <= QUOTE_CHARACTERS;
  const words = isWhole ? first : `${characters.slice(0, QUOTE_CHARACTERS).join("").trimEnd()}…`;
  return words === "" ? `re #${ref} ${from}` : `re #${ref} ${from}: ${words}`;
}
