/**
 * Parses the commands, which begin with `/`.
 *
 * Invariant: a command that is not understood does nothing; its sentence says what to write instead.
 */
import type { Data } from "../../protocol/frames.ts";
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, MARK_UNITS } from "../../protocol/limits.ts";

export type Command =
  /** `ref`: the number of a message; absent: the last one of this name. */
  | { readonly type: "edit"; readonly ref?: number; readonly text?: string; readonly data?: Data }
  | { readonly type: "erase"; readonly ref?: number }
  | { readonly type: "reply"; readonly ref: number; readonly text: string }
  | { readonly type: "react"; readonly ref: number; readonly mark: string; readonly on: boolean }
  | { readonly type: "who"; readonly after?: string }
  | { readonly type: "history"; readonly limit: number }
  | { readonly type: "help" }
  | { readonly type: "quit" }
  | { readonly type: "invalid"; readonly why: string };

export const COMMANDS = [
  "/who",
  "/history",
  "/reply",
  "/edit",
  "/erase",
  "/react",
  "/help",
  "/quit",
] as const;

const invalid = (why: string): Command => ({ type: "invalid", why });

const HOW_TO_EDIT = "write /edit and the new text of your last message, or /edit #41 and the text";
const HOW_TO_ERASE = "write /erase for your last message, or /erase #41";
const HOW_TO_REPLY = "write /reply #41 and the text";
const HOW_TO_REACT = `write /react #41 and a mark without spaces, such as 👍, at most ${MARK_UNITS} characters; "off" after it takes it back`;
const NUMBERS = "/history shows the numbers";

/** @param line without spaces around it */
export function readCommand(line: string): Command {
  const [command = "", ...words] = line.split(/\s+/);
  const rest = line.slice(command.length).trim();
  const [argument] = words;
  switch (command) {
    case "/edit": {
      const { ref, text } = withNumber(rest);
      if (ref === "bad" || text === "") return invalid(`${HOW_TO_EDIT}; ${NUMBERS}`);
      return { type: "edit", text, ...(ref !== undefined && { ref }) };
    }
    case "/erase": {
      const { ref, text } = withNumber(rest);
      if (ref === "bad" || text !== "") return invalid(`${HOW_TO_ERASE}; ${NUMBERS}`);
      return { type: "erase", ...(ref !== undefined && { ref }) };
    }
    case "/reply": {
      const { ref, text } = withNumber(rest);
      return ref === undefined || ref === "bad" || text === ""
        ? invalid(`${HOW_TO_REPLY}; ${NUMBERS}`)
        : { type: "reply", ref, text };
    }
    case "/react": {
      const { ref, text } = withNumber(rest);
      const [mark = "", off, ...more] = text.split(/\s+/);
      const isMark = mark !== "" && mark.length <= MARK_UNITS;
      const isWrong = !isMark || (off !== undefined && off !== "off") || more.length > 0;
      return ref === undefined || ref === "bad" || isWrong
        ? invalid(`${HOW_TO_REACT}; ${NUMBERS}`)
        : { type: "react", ref, mark, on: off === undefined };
    }
    default:
  }
  if (words.length > 1) return invalid("too many words after the command; see /help");
  switch (command) {
    case "/who": {
      if (argument === undefined) return { type: "who" };
      const after = parsePeerName(argument);
      return after === undefined ? invalid(`/who: ${NAME_GRAMMAR}`) : { type: "who", after };
    }
    case "/history": {
      const limit = argument === undefined ? HISTORY_DEFAULT : Number(argument);
      if (/^\d{1,3}$/.test(argument ?? "1") && limit >= 1 && limit <= HISTORY_MAX) {
        return { type: "history", limit };
      }
      return invalid(`write /history, or /history and a number from 1 to ${HISTORY_MAX}`);
    }
    case "/help":
    case "/quit":
      if (argument !== undefined) return invalid(`${command} takes no argument`);
      return { type: command === "/help" ? "help" : "quit" };
    default:
      return invalid(`unknown command; the commands are ${COMMANDS.join(" ")}`);
  }
}

/** Splits the number of a message off. A word like `#lunch` is text, and a number that is none is `bad`. */
function withNumber(rest: string): { readonly ref?: number | "bad"; readonly text: string } {
  const [word, digits] = /^#(\d\S*)/.exec(rest) ?? [];
  if (word === undefined || digits === undefined) return { text: rest };
  const ref = Number(digits);
  const isNumber = /^\d{1,15}$/.test(digits) && ref >= 1;
  return { ref: isNumber ? ref : "bad", text: rest.slice(word.length).trim() };
}
