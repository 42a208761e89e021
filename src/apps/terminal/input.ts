/**
 * Parses what a person types: the tutorial's syntax and the commands.
 *
 * Invariant: no line makes this throw; an invalid line becomes a sentence that says what to write instead.
 */
import type { Data } from "../../protocol/frames.ts";
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import { COLON, COMMA, HOW_TO_SEND } from "../../protocol/line-syntax.ts";
import { type Command, readCommand } from "./commands.ts";

export type Input =
  | Command
  | { readonly type: "empty" }
  | {
      readonly type: "send";
      readonly text: string;
      readonly to?: readonly string[];
      readonly ref?: number;
      readonly data?: Data;
      readonly quiet?: boolean;
    }
  /** Text without recipients. `why` says what to write instead, for input that may not go to everyone. */
  | { readonly type: "plain"; readonly text: string; readonly why: string };

/** @param isPasted the line begins with pasted text, which is never a command */
export function readInput(line: string, isPasted = false): Input {
  const trimmed = line.trim();
  if (trimmed === "") return { type: "empty" };
  return trimmed.startsWith("/") && !isPasted ? readCommand(trimmed) : readMessage(trimmed);
}

const invalid = (why: string): Command => ({ type: "invalid", why });

function readMessage(line: string): Input {
  // The names are in the first line of a text of several lines.
  const [first = ""] = line.split("\n", 1);
  const colon = first.search(COLON);
  const isUrl = /^[a-z]+:\/\//i.test(first);
  if (colon === -1 || isUrl) {
    return { type: "plain", text: line, why: `to whom? ${HOW_TO_SEND}` };
  }
  const text = line.slice(colon + 1).trim();
  if (text === "") return invalid(`nothing after the colon: ${HOW_TO_SEND}`);
  const names = line.slice(0, colon).trim();
  if (names === "*") return { type: "send", text };
  const to = new Set<string>();
  for (const part of names.split(COMMA)) {
    const name = parsePeerName(part.trim());
    if (name === undefined) {
      const why = `before the colon: ${NAME_GRAMMAR}; ${HOW_TO_SEND}`;
      // "at 10:30" and ":-)" are text. "bob carol: hi" is meant for two people, and must not go to everyone.
      return /^\s|^$/.test(line.slice(colon + 1))
        ? invalid(why)
        : { type: "plain", text: line, why };
    }
    to.add(name);
  }
  return { type: "send", text, to: [...to] };
}
