/** Tab completion of commands, and of names before the colon. */
import { NAME_UNITS } from "../../protocol/ids.ts";
import { COLON, COMMA } from "../../protocol/line-syntax.ts";
import { COMMANDS } from "./commands.ts";

/**
 * @param line  the text left of the cursor
 * @param names known names, without the user's own
 * @returns the candidates, and the part of `line` that they replace, in the form that `node:readline` expects; a first
 *   name that is the only candidate includes its colon
 */
export function complete(line: string, names: Iterable<string>): [string[], string] {
  if (line.startsWith("/")) {
    return [COMMANDS.filter((command) => command.startsWith(line)), line];
  }
  if (COLON.test(line)) return [[], line];
  const parts = line.split(COMMA).map((part) => part.trim());
  const prefix = parts.pop() ?? "";
  if (prefix.length > NAME_UNITS) return [[], prefix];
  const matches = [...new Set(names)].filter(
    (name) => name.startsWith(prefix.normalize("NFC")) && !parts.includes(name),
  );
  if (matches.length === 1 && parts.length === 0) return [[`${matches[0]}: `], prefix];
  return [matches.sort(), prefix];
}
