/**
 * Parses a message given as a line of JSON: `{"text":"a\nb","to":["bob"]}`. Without `to`, it goes to everyone.
 *
 * Invariant: an unknown field is rejected, never ignored: a mistyped `to` must not send to everyone.
 */
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import type { Input } from "./input.ts";

const FIELDS: ReadonlySet<string> = new Set(["text", "to"]);

const invalid = (why: string): Input => ({ type: "invalid", why });

export function readJsonLine(line: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return invalid('not valid JSON: write {"text":"hi","to":["bob"]} on one line');
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid('expected an object, like {"text":"hi","to":["bob"]}');
  }
  const stray = Object.keys(value).find((field) => !FIELDS.has(field));
  if (stray !== undefined) {
    return invalid(
      `unknown field ${JSON.stringify(stray.slice(0, 40))}; the fields are text and to`,
    );
  }
  const { text, to } = value as { readonly text?: unknown; readonly to?: unknown };
  if (typeof text !== "string" || text === "") return invalid("text: expected a string, not empty");
  if (!text.isWellFormed()) return invalid("text: expected well-formed Unicode");
  if (to === undefined) return { type: "send", text };
  if (!Array.isArray(to) || to.length === 0) {
    return invalid("to: expected a list of names; leave it out to send to everyone");
  }
  const names = new Set<string>();
  for (const given of to as unknown[]) {
    const name = typeof given === "string" ? parsePeerName(given) : undefined;
    if (name === undefined) return invalid(`to: ${NAME_GRAMMAR}`);
    names.add(name);
  }
  return { type: "send", text, to: [...names] };
}
