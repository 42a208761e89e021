/**
 * Parses a line of JSON: a message, `{"text":"a\nb","to":["bob"]}`, which goes to everyone without `to`; a change of a
 * message, `{"edit":41,"text":"b"}`; or `{"erase":41}`.
 *
 * Invariant: an unknown field is rejected, never ignored: a mistyped `to` must not send to everyone.
 */
import { faultOf } from "../../protocol/data.ts";
import type { Data } from "../../protocol/frames.ts";
import { NAME_GRAMMAR, parsePeerName } from "../../protocol/ids.ts";
import type { Input } from "./input.ts";

const FIELDS = {
  send: ["text", "to", "ref", "data", "quiet"],
  edit: ["edit", "text", "data"],
  erase: ["erase"],
} as const;

type Fields = { readonly [Field in (typeof FIELDS)[keyof typeof FIELDS][number]]?: unknown };
type Contents = { readonly text?: string; readonly data?: Data };

const invalid = (why: string): Input => ({ type: "invalid", why });

/** @throws nothing: an invalid line becomes a sentence */
export function readJsonLine(line: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return invalid('not valid JSON: write {"text":"hi","to":["bob"]} on one line');
  }
  if (!isObject(value)) return invalid('expected an object, like {"text":"hi","to":["bob"]}');
  const type = "edit" in value ? "edit" : "erase" in value ? "erase" : "send";
  const known: readonly string[] = FIELDS[type];
  const stray = Object.keys(value).find((field) => !known.includes(field));
  if (stray !== undefined) {
    const fields =
      known.length === 1 ? `the field is ${type} alone` : `the fields are ${known.join(", ")}`;
    return invalid(`unknown field ${JSON.stringify(stray.slice(0, 40))}; ${fields}`);
  }
  if (type === "erase") {
    return isNumber(value["erase"]) ? { type, ref: value["erase"] } : invalid(`erase: ${NUMBER}`);
  }
  const contents = readContents(value);
  if (typeof contents === "string") return invalid(contents);
  if (type === "send") return readMessage(value, contents);
  return isNumber(value["edit"])
    ? { type, ref: value["edit"], ...contents }
    : invalid(`edit: ${NUMBER}`);
}

const NUMBER = "expected the number of a message, like 41";

const isNumber = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1;

const isObject = (value: unknown): value is Fields & Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns text and data, one of them at least; or what is wrong with them. */
function readContents({ text, data }: Fields): Contents | string {
  if (data !== undefined) {
    if (!isObject(data)) return "data: expected an object";
    const fault = faultOf(data);
    if (fault !== undefined) return `data: ${fault}`;
  }
  if (text !== undefined || data === undefined) {
    if (typeof text !== "string" || (text === "" && data === undefined)) {
      return "text: expected a string, not empty";
    }
    if (!text.isWellFormed()) return "text: expected well-formed Unicode";
  }
  return { ...(text !== undefined && { text }), ...(data !== undefined && { data }) };
}

function readMessage({ to, ref, quiet }: Fields, contents: Contents): Input {
  if (ref !== undefined && !isNumber(ref)) return invalid(`ref: ${NUMBER}`);
  if (quiet !== undefined && typeof quiet !== "boolean")
    return invalid("quiet: expected true or false");
  const message = {
    type: "send",
    text: "",
    ...contents,
    ...(ref !== undefined && { ref }),
    ...(quiet !== undefined && { quiet }),
  } as const;
  if (to === undefined) return message;
  if (!Array.isArray(to) || to.length === 0) {
    return invalid("to: expected a list of names; leave it out to send to everyone");
  }
  const names = new Set<string>();
  for (const given of to as unknown[]) {
    const name = typeof given === "string" ? parsePeerName(given) : undefined;
    if (name === undefined) return invalid(`to: ${NAME_GRAMMAR}`);
    names.add(name);
  }
  return { ...message, to: [...names] };
}
