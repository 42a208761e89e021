/** Colours names, and dims what is beside the point. */
import { sanitizeLine } from "../../protocol/sanitize.ts";

export interface Style {
  readonly colour: boolean;
  /** The user's own name. */
  readonly me: string;
  /** Each message begins with its number. */
  readonly numbers?: boolean;
}

/** Colours that are legible on black and on white: no black, white or grey. */
const COLOURS = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96] as const;
const DIM = 2;

/** The colour of a name: the same in every room and every run. */
export function colourOf(name: string): number {
  // FNV-1a
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return COLOURS[hash % COLOURS.length] ?? COLOURS[0];
}

const paint = (code: number, text: string): string => `\u001b[${code}m${text}\u001b[0m`;

export const paintName = (name: string, { colour }: Pick<Style, "colour">): string =>
  colour ? paint(colourOf(name), sanitizeLine(name)) : sanitizeLine(name);

/** @param text contains no colours */
export const dim = (text: string, { colour }: Pick<Style, "colour">): string =>
  colour ? paint(DIM, text) : text;
