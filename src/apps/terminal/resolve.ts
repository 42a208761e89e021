/**
 * Decides which message a command is about, and whom a reply goes to.
 *
 * Invariant: nothing is guessed. A reply or a reaction to a private message never goes to everyone, and a message that waits, and so has
 * no number yet, is not mistaken for the one before it.
 */
import type { Input } from "./input.ts";
import type { KnownMessage, KnownMessages } from "./known-messages.ts";

/** A command that changes a message, or refers to one. */
export type Change = Extract<Input, { type: "edit" | "erase" | "reply" | "react" }>;

export const isChange = (input: Input): input is Change =>
  input.type === "edit" ||
  input.type === "erase" ||
  input.type === "reply" ||
  input.type === "react";

/** Is it about the last message of this name? */
export const isAboutLast = (command: Change): boolean =>
  (command.type === "edit" || command.type === "erase") && command.ref === undefined;

type Numbered<Type extends "edit" | "erase"> = Extract<Input, { type: Type }> & {
  readonly ref: number;
};

export type Resolved =
  | Extract<Input, { type: "send" | "invalid" }>
  | (Extract<Input, { type: "react" }> & { readonly original: KnownMessage })
  | Numbered<"edit">
  | Numbered<"erase">
  /** The message is not known, nor who has it: `ref`, or the last one of this name. */
  | { readonly type: "unseen"; readonly ref?: number };

/** @param isWaiting a message of this name waits to be sent */
export function resolve(command: Change, known: KnownMessages, isWaiting: boolean): Resolved {
  switch (command.type) {
    case "react": {
      const original = known.get(command.ref);
      return original === undefined
        ? { type: "unseen", ref: command.ref }
        : { ...command, original };
    }
    case "reply": {
      const { ref, text } = command;
      const original = known.get(ref);
      if (original === undefined) return { type: "unseen", ref };
      const to = known.audienceOf(original);
      return { type: "send", text, ref, ...(to && { to }) };
    }
    case "edit":
    case "erase": {
      const { ref } = command;
      if (ref !== undefined) return { ...command, ref };
      if (isWaiting) return { type: "invalid", why: WAITS };
      const { last } = known;
      if (last === undefined) return { type: "unseen" };
      if (last.erased === true) {
        return { type: "invalid", why: `your last message, #${last.seq}, is erased` };
      }
      return { ...command, ref: last.seq };
    }
    default:
      return command satisfies never;
  }
}

const WAITS =
  "your last message waits to be sent, and has no number yet: do this once it is stored";

/** @param isSearched the room was asked for it */
export function whyUnseen(ref: number | undefined, isSearched: boolean): string {
  if (ref === undefined) {
    return isSearched
      ? "none of the last messages is from you; /history shows the numbers of messages"
      : "your last message is not known here while the room is out of reach: give its number, as #41";
  }
  return isSearched
    ? `there is no message #${ref} that you can read; /history shows the numbers of messages`
    : `message #${ref} is not known here while the room is out of reach, so neither is who has it`;
}
