/**
 * Reads a line of JSON that is to be sent: `{"text":"a\nb","to":["bob"]}`, without `to` to everyone.
 *
 * Invariant: what is not understood is refused, never ignored: a mistyped `to` must not send to everyone.
 */
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import type { Input } from "./input.ts";

const FIELDS: ReadonlySet<string> = new Set(["text", "to"]);

const wrong = (why: string): Input => ({ type: "wrong", why });

export function readJsonLine(line: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return wrong('this is no JSON: write {"text":"hi","to":["bob"]} on one line');
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return wrong('expected an object, like {"text":"hi","to":["bob"]}');
  }
  const stray = Object.keys(value).find((field) => !FIELDS.has(field));
  if (stray !== undefined) {
    return wrong(`there is no field ${JSON.stringify(stray.slice(0, 40))}; there are text and to`);
  }
  const { text, to } = value as { readonly text?: unknown; readonly to?: unknown };
  if (typeof text !== "string" || text === "") return wrong("text: expected a text, not empty");
  if (!text.isWellFormed()) return wrong("text: half a character is in it");
  if (to === undefined) return { type: "send", text };
  if (!Array.isArray(to) || to.length === 0) {
    return wrong("to: expected a list of names; leave it out to send to everyone");
  }
  const names = new Set<string>();
  for (const given of to as unknown[]) {
    const name = typeof given === "string" ? parsePeerName(given) : undefined;
    if (name === undefined) return wrong(`to: ${NAME_GRAMMAR}`);
    names.add(name);
  }
  return { type: "send", text, to: [...names] };
}
