/** An oracle independent of the codecs: whether the broker may get this command. */
import { isDeepStrictEqual } from "node:util";
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

const isRef = (ref: number): boolean => Number.isSafeInteger(ref) && ref >= 1;

const isData = (data: unknown, limits: Limits): boolean =>
  typeof data === "object" &&
  data !== null &&
  !Array.isArray(data) &&
  Buffer.byteLength(JSON.stringify(data)) <= limits.data &&
  isKept(data) &&
  depthOf(data) <= 16 &&
  // What JSON cannot write would come back as null.
  isDeepStrictEqual(JSON.parse(JSON.stringify(data)), data);

const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null
    ? 0
    : 1 + Math.max(0, ...Object.values(value).map(depthOf));

const isContent = (text: string, data: unknown, limits: Limits): boolean =>
  isText(text) &&
  Buffer.byteLength(text) <= limits.text &&
  (data === undefined ? text !== "" : isData(data, limits));

/** @returns whether `command` satisfies the promises that its type cannot express */
export function isSound(command: Command, limits: Limits): boolean {
  switch (command.type) {
    case "Message": {
      const { text, to, id, ref, data } = command;
      const named = id === undefined || isId(id);
      const refers = ref === undefined || isRef(ref);
      const holds = isContent(text, data, limits) && refers && named;
      return holds && isRecipients(to, limits.recipients);
    }
    case "Patch": {
      const { id, ref, text, data, erase } = command;
      if (!isId(id) || !isRef(ref)) return false;
      if (erase) return text === undefined && data === undefined;
      return text === undefined ? isData(data, limits) : isContent(text, data, limits);
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
