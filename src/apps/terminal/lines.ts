/**
 * Splits a stream into lines, without their LF or CR LF. Nothing else ends a line, because JSON may contain U+2028 and
 * U+2029, at which `node:readline` would break it.
 */
import type { Readable } from "node:stream";

export async function* linesOf(input: Readable): AsyncGenerator<string> {
  input.setEncoding("utf8");
  // Pieces are joined once at the end of the line: appending each would copy a long line many times.
  let pieces: string[] = [];
  for await (const chunk of input) {
    const [first = "", ...more] = String(chunk).split("\n");
    pieces.push(first);
    for (const next of more) {
      yield withoutReturn(pieces.join(""));
      pieces = [next];
    }
  }
  const last = pieces.join("");
  if (last !== "") yield withoutReturn(last);
}

const withoutReturn = (line: string): string => line.replace(/\r$/, "");
