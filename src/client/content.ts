/** Checks what an application gives to be sent: TypeScript may not have checked it. */
import { faultOf } from "../protocol/data.ts";
import type { QueuedMessage, QueuedPatch } from "./storage/storage.ts";

/** A message or a patch, as an application gives it. */
export type Content = Omit<QueuedMessage, "id" | "sent"> | Omit<QueuedPatch, "id" | "sent">;

/** Returns what is wrong with the content, with the field first; undefined if nothing is. */
export function faultIn(content: Content): string | undefined {
  const { text, ref, data } = content;
  if (text !== undefined && typeof text !== "string") return "text: expected a string";
  if (ref !== undefined && !(Number.isSafeInteger(ref) && ref >= 1)) {
    return "ref: expected the seq of a message, a whole number from 1 on";
  }
  if (data !== undefined) {
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      return "data: expected a JSON object";
    }
    const fault = faultOf(data);
    if (fault !== undefined) return `data: ${fault}`;
  }
  return content.type === "patch" ? faultInPatch(content) : faultInMessage(content);
}

function faultInMessage({ text, to, data, quiet }: Extract<Content, { type?: undefined }>) {
  if (text === undefined) return "text: expected a string";
  if (text === "" && data === undefined) return "text: expected one that is not empty, or data";
  if (to !== undefined && !isNames(to)) return "to: expected a list of names";
  return quiet === undefined || typeof quiet === "boolean"
    ? undefined
    : "quiet: expected true or false";
}

const isNames = (to: unknown): boolean =>
  Array.isArray(to) && to.every((name) => typeof name === "string");

function faultInPatch({ ref, text, data, erase }: Extract<Content, { type: "patch" }>) {
  if (ref === undefined) return "ref: expected the seq of a message, a whole number from 1 on";
  if (erase) return undefined;
  if (text === undefined && data === undefined) return "text: expected a string, or data";
  return text === "" && data === undefined
    ? "text: expected one that is not empty, or data"
    : undefined;
}

/**
 * Returns the content as it is kept and sent: a later change of what the application gave changes nothing, and fields that
 * are undefined are left out. Check the copy too: an object may have a JSON form of another kind, as a date has.
 */
export const copyOf = <One extends Content>(content: One): One =>
  JSON.parse(JSON.stringify(content)) as One;
