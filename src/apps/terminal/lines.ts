/**
 * The lines of a stream, each without its end: LF, or CR LF. Nothing else ends one, because JSON may hold U+2028 and
 * U+2029 as they are, at which `node:readline` would break it.
 */
import type { Readable } from "node:stream";

export async function* linesOf(input: Readable): AsyncGenerator<string> {
  input.setEncoding("utf8");
  // In pieces, so that a line that comes in many of them is not copied with each.
  let begun: string[] = [];
  for await (const chunk of input) {
    const [first = "", ...more] = String(chunk).split("\n");
    begun.push(first);
    for (const next of more) {
      yield endless(begun.join(""));
      begun = [next];
    }
  }
  const last = begun.join("");
  if (last !== "") yield endless(last);
}

const endless = (line: string): string => line.replace(/\r$/, "");
