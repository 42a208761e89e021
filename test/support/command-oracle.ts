/** An oracle independent of the codecs: whether the broker may get this command. */
import type { Command } from "../../src/core/event.ts";
import type { Limits } from "../../src/core/limits.ts";

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}_.-]{0,31}$/u;
const CODES = new Set(["bad-frame", "too-large"]);

const isText = (text: unknown): text is string => typeof text === "string" && text.isWellFormed();
const isId = (id: unknown): boolean => isText(id) && id !== "" && Array.from(id).length <= 64;
const isName = (name: string): boolean => NAME.test(name) && name.normalize("NFC") === name;
const isSeq = (seq: number): boolean => Number.isSafeInteger(seq) && seq >= 0;

function isRecipients(to: readonly string[] | undefined, most: number): boolean {
  if (to === undefined) return true;
  const different = new Set(to).size === to.length;
  return to.length > 0 && to.length <= most && different && to.every(isName);
}

function isKept(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isText(key) && isKept(inner));
}

/** @returns whether `command` satisfies the promises that its type cannot express */
export function isSound(command: Command, limits: Limits): boolean {
  switch (command.type) {
    case "Message": {
      const { text, to, id } = command;
      const fits = Buffer.byteLength(text) <= limits.text;
      const named = id === undefined || isId(id);
      return isText(text) && text !== "" && fits && named && isRecipients(to, limits.recipients);
    }
    case "Ack":
      return isSeq(command.seq);
    case "Signal": {
      const { data, to } = command;
      const fits = Buffer.byteLength(data) <= 1_024;
      return fits && isKept(JSON.parse(data)) && isRecipients(to, limits.recipients);
    }
    case "History": {
      const { id, before, limit } = command;
      const ranged = Number.isSafeInteger(limit) && limit >= 1 && limit <= 100;
      return ranged && (id === undefined || isId(id)) && (before === undefined || isSeq(before));
    }
    case "Who": {
      const { id, after } = command;
      return (id === undefined || isId(id)) && (after === undefined || isText(after));
    }
    case "Invalid": {
      const { code, message, id } = command.refusal;
      return CODES.has(code) && isText(message) && message !== "" && (id === undefined || isId(id));
    }
    case "Help":
    case "Quit":
    case "Empty":
      return true;
    default:
      return command satisfies never;
  }
}
