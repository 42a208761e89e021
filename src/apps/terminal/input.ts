/**
 * Reads what a person types: the tutorial's syntax and the commands.
 *
 * Invariant: no line makes this throw; what cannot be read comes out as a sentence that says what to write instead.
 */
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import { HISTORY_MAX, HISTORY_DEFAULT } from "../../protocol/limits.ts";
import { HOW_TO_SEND } from "../../protocol/line-syntax.ts";

export type Input =
  | { readonly type: "nothing" }
  | { readonly type: "send"; readonly text: string; readonly to?: readonly string[] }
  | { readonly type: "who"; readonly after?: string }
  | { readonly type: "history"; readonly limit: number }
  | { readonly type: "help" }
  | { readonly type: "quit" }
  /** Text without an address. `why`: what to write instead, where it may not go to everyone. */
  | { readonly type: "plain"; readonly text: string; readonly why: string }
  | { readonly type: "wrong"; readonly why: string };

export const COMMANDS = ["/who", "/history", "/help", "/quit"] as const;

/** @param isText it begins with what was pasted, which is no command, whatever it says */
export function readInput(line: string, isText = false): Input {
  const trimmed = line.trim();
  if (trimmed === "") return { type: "nothing" };
  return trimmed.startsWith("/") && !isText ? readCommand(trimmed) : readMessage(trimmed);
}

const wrong = (why: string): Input => ({ type: "wrong", why });

function readCommand(line: string): Input {
  const [command, argument, ...rest] = line.split(/\s+/);
  if (rest.length > 0) return wrong("too many words after the command; see /help");
  switch (command) {
    case "/who": {
      if (argument === undefined) return { type: "who" };
      const after = parsePeerName(argument);
      return after === undefined ? wrong(`/who: ${NAME_GRAMMAR}`) : { type: "who", after };
    }
    case "/history": {
      const limit = argument === undefined ? HISTORY_DEFAULT : Number(argument);
      if (/^\d{1,3}$/.test(argument ?? "1") && limit >= 1 && limit <= HISTORY_MAX) {
        return { type: "history", limit };
      }
      return wrong(`write /history, or /history and a number from 1 to ${HISTORY_MAX}`);
    }
    case "/help":
    case "/quit":
      if (argument !== undefined) return wrong(`write ${command} by itself`);
      return { type: command === "/help" ? "help" : "quit" };
    default:
      return wrong(`no such command; there are ${COMMANDS.join(" ")}`);
  }
}

/** Input methods for Chinese and Japanese write these; read as plain text, such an address would go to everyone. */
export const COLON = /[:：]/;
export const COMMA = /[,，、]/;

function readMessage(line: string): Input {
  // Of a text of several lines, the first holds the names.
  const [first = ""] = line.split("\n", 1);
  const colon = first.search(COLON);
  const isUrl = /^[a-z]+:\/\//i.test(first);
  if (colon === -1 || isUrl) {
    return { type: "plain", text: line, why: `to whom? ${HOW_TO_SEND}` };
  }
  const text = line.slice(colon + 1).trim();
  if (text === "") return wrong(`nothing after the colon: ${HOW_TO_SEND}`);
  const names = line.slice(0, colon).trim();
  if (names === "*") return { type: "send", text };
  const to = new Set<string>();
  for (const part of names.split(COMMA)) {
    const name = parsePeerName(part.trim());
    if (name === undefined) {
      const why = `before the colon: ${NAME_GRAMMAR}; ${HOW_TO_SEND}`;
      // "at 10:30" and ":-)" name nobody; "bob carol: hi" was meant to, and must not go to everyone.
      return /^\s|^$/.test(line.slice(colon + 1)) ? wrong(why) : { type: "plain", text: line, why };
    }
    to.add(name);
  }
  return { type: "send", text, to: [...to] };
}
