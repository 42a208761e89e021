/** What Tab completes: names before the colon, and commands. */
import { NAME_UNITS } from "../../protocol/ids.ts";
import { COLON, COMMA, COMMANDS } from "./input.ts";

/**
 * @param line  what stands left of the cursor
 * @param names known names, the own one not among them
 * @returns what could stand there, and the part of `line` that it would replace, as `node:readline` wants it; a first
 *   name that is the only one comes with its colon
 */
export function complete(line: string, names: Iterable<string>): [string[], string] {
  if (line.startsWith("/")) {
    return [COMMANDS.filter((command) => command.startsWith(line)), line];
  }
  if (COLON.test(line)) return [[], line];
  const parts = line.split(COMMA).map((part) => part.trim());
  const begun = parts.pop() ?? "";
  if (begun.length > NAME_UNITS) return [[], begun];
  const hits = [...new Set(names)].filter(
    (name) => name.startsWith(begun.normalize("NFC")) && !parts.includes(name),
  );
  if (hits.length === 1 && parts.length === 0) return [[`${hits[0]}: `], begun];
  return [hits.sort(), begun];
}
