/** docs/protocol.schema.json is the validator's export, and accepts the same frames. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { clientFrames, serverFrames } from "../../src/protocol/frames.ts";
import { type JsonSchema, protocolSchema, SCHEMA_FILE, schemaText } from "./protocol-schema.ts";
import { peers } from "../support/arbitraries.ts";

test("docs/protocol.schema.json is up to date", () => {
  expect(readFileSync(SCHEMA_FILE, "utf8"), "stale: run npm run docs:schema").toBe(schemaText());
});

const document = protocolSchema();
const definitions = document["$defs"] as Readonly<Record<string, JsonSchema>>;

const title = (type: string): string => type.charAt(0).toUpperCase() + type.slice(1);

test("every frame has a definition that states its purpose", () => {
  const expected = [
    "ClientFrame",
    "ClientItem",
    "ServerFrame",
    "ServerItem",
    ...Object.keys(clientFrames).map((type) => `Client${title(type)}`),
    ...Object.keys(serverFrames).map((type) => `Server${title(type)}`),
  ];
  expect(Object.keys(definitions).sort()).toEqual(expected.sort());
  for (const definition of Object.values(definitions)) {
    expect(definition["description"]).toMatch(/\.$/);
  }
});

const send = { type: "send", id: "m1", text: "hi" };
const message = { type: "message", seq: 1, from: "alice", text: "hi", at: 0 };
const limits = {
  text: 1,
  data: 0,
  patchHours: 1,
  frame: 1,
  recipients: 1,
  window: 1,
  windowBytes: 1,
  rate: 1,
  burst: 1,
};
const welcome = {
  type: "welcome",
  room: "lobby",
  name: "alice",
  epoch: "e",
  head: 0,
  since: 0,
  online: 1,
  peers: ["alice"],
  limits: { ...limits, spread: 0 },
};

type Row = readonly [what: string, frame: unknown, valid: boolean];

const fromClients: readonly Row[] = [
  ["a message", send, true],
  ["a message to some", { ...send, to: ["bob"] }, true],
  ["a message to nobody", { ...send, to: [] }, false],
  ["a message to null", { ...send, to: null }, false],
  ["a message to a bad name", { ...send, to: ["bob", "b@b"] }, false],
  ["a message to a name of 33", { ...send, to: ["x".repeat(33)] }, false],
  ["a message to a name of 32 astral letters", { ...send, to: ["𝒜".repeat(32)] }, true],
  ["a message to 65, which a room's limit refuses", { ...send, to: peers(65) }, true],
  ["an empty text, which the room takes only with data", { ...send, text: "" }, true],
  ["data", { ...send, text: "", ref: 1, quiet: true, data: { mark: "x" } }, true],
  ["data that is a list", { ...send, data: [1] }, false],
  ["data that is a text", { ...send, data: "x" }, false],
  ["a ref to nothing", { ...send, ref: 0 }, false],
  ["a patch of a text", { type: "patch", id: "p1", ref: 1, text: "hi" }, true],
  ["a patch of nothing, which the room rejects", { type: "patch", id: "p1", ref: 1 }, true],
  ["an erasure", { type: "patch", id: "p1", ref: 1, erase: true }, true],
  ["an erasure that is none", { type: "patch", id: "p1", ref: 1, erase: false }, false],
  ["a patch without a ref", { type: "patch", id: "p1", text: "hi" }, false],
  ["a text that is a number", { ...send, text: 7 }, false],
  ["no text", { type: "send", id: "m1" }, false],
  ["an empty id", { ...send, id: "" }, false],
  ["an id of 64 astral characters", { ...send, id: "😀".repeat(64) }, true],
  ["an id of 65", { ...send, id: "x".repeat(65) }, false],
  ["an id of line feeds", { ...send, id: "\n\n" }, true],
  ["unknown fields", { ...send, colour: "red" }, true],
  ["an ack", { type: "ack", seq: 0 }, true],
  ["an ack of a fraction", { type: "ack", seq: 0.5 }, false],
  ["an ack below the start", { type: "ack", seq: -1 }, false],
  ["an ack of 2^53 − 1", { type: "ack", seq: 2 ** 53 - 1 }, true],
  ["an ack of 2^53", { type: "ack", seq: 2 ** 53 }, false],
  ["an ack of text", { type: "ack", seq: "1" }, false],
  ["a signal", { type: "signal", data: { a: [1, null] }, to: ["bob"] }, true],
  ["a signal of null", { type: "signal", data: null }, true],
  ["a signal of nothing", { type: "signal" }, false],
  ["history", { type: "history", id: "h1" }, true],
  ["history with everything", { type: "history", id: "h1", before: 9, limit: 100 }, true],
  ["history, limit 0", { type: "history", id: "h1", limit: 0 }, false],
  ["history, limit 101", { type: "history", id: "h1", limit: 101 }, false],
  ["history before null", { type: "history", id: "h1", before: null }, false],
  ["who", { type: "who", id: "w1", after: "" }, true],
  ["who after a number", { type: "who", id: "w1", after: 1 }, false],
  ["who without an id", { type: "who" }, false],
  ["an unknown type", { type: "shout", id: "m1" }, false],
  ["a type of the room's", message, false],
  ["no type", { id: "m1", text: "hi" }, false],
  ["no object", "hi", false],
  ["null", null, false],
  ["several", [send, { type: "ack", seq: 1 }], true],
  ["several, one of them bad", [send, 7], false],
  ["none", [], true],
  ["an array in an array", [[send]], false],
];

const fromTheRoom: readonly Row[] = [
  ["a welcome", welcome, true],
  ["a welcome without limits", { ...welcome, limits: undefined }, false],
  ["a welcome with a limit too few", { ...welcome, limits }, false],
  ["a message", message, true],
  ["an erased message", { ...message, text: "", erased: true, by: "operator", patched: 2 }, true],
  ["a message that says it is not erased", { ...message, erased: false }, false],
  ["a message from nobody", { ...message, from: "" }, false],
  ["a gap", { type: "gap", from: 1, to: 2 }, true],
  ["a gap to nowhere", { type: "gap", from: 1 }, false],
  ["ready", { type: "ready", seq: 1 }, true],
  ["presence", { type: "presence", online: 1 }, true],
  [
    "presence with everything",
    { type: "presence", joined: ["bob"], left: [], online: 1, missed: true },
    true,
  ],
  ["presence that missed nothing", { type: "presence", online: 1, missed: false }, false],
  ["a signal", { type: "signal", from: "bob", data: 1 }, true],
  ["a patch", { type: "patch", seq: 2, from: "alice", at: 0, ref: 1, text: "ho", data: {} }, true],
  ["a superseded patch", { type: "patch", seq: 2, from: "alice", at: 0, ref: 1, patched: 3 }, true],
  ["a patch to nobody", { type: "patch", seq: 2, from: "alice", to: [], at: 0, ref: 1 }, true],
  ["a patch of nothing", { type: "patch", seq: 2, from: "alice", at: 0 }, false],
  ["history", { type: "history", id: "h1", messages: [message], next: 1 }, true],
  ["history of something else", { type: "history", id: "h1", messages: [welcome] }, false],
  ["who", { type: "who", id: "w1", peers: [{ name: "bob", online: false }], next: "bob" }, true],
  ["who, neither here nor away", { type: "who", id: "w1", peers: [{ name: "bob" }] }, false],
  ["an error", { type: "error", code: "bad-ack", message: "seq" }, true],
  ["an unknown error", { type: "error", code: "oops", message: "seq" }, false],
  ["a type of a client's", send, false],
  ["several", [welcome, message, { type: "ready", seq: 1 }], true],
];

describe.each([
  ["ClientFrame", clientFrames, fromClients],
  ["ServerFrame", serverFrames, fromTheRoom],
])("schema and validator agree on a %s", (name, frames, rows) => {
  test.each(rows)("%s", (_what, frame, valid) => {
    expect(validated(frame, frames)).toBe(valid);
    // As it comes over the wire, where nothing is undefined.
    expect(isValid(JSON.parse(JSON.stringify(frame)), definition(name))).toBe(valid);
  });
});

test.each([
  ["half a character", { ...send, text: "\ud800" }],
  ["half a character in data", { ...send, id: "\udc00" }],
  ["a name that NFC makes too long", { ...send, to: ["\u0958".repeat(17)] }],
])("the schema does not cover this case, and states so: %s", (_what, frame) => {
  expect(isValid(frame, definition("ClientFrame"))).toBe(true);
  expect(validated(frame, clientFrames)).toBe(false);
  expect(document["description"]).toMatch(/well-formed Unicode/);
  expect(document["description"]).toMatch(/NFC/);
});

function validated(frame: unknown, frames: Readonly<Record<string, unknown>>): boolean {
  if (Array.isArray(frame))
    return frame.every((item) => !Array.isArray(item) && validated(item, frames));
  const type = (frame as { type?: unknown } | null)?.type;
  const schema = Object.entries(frames).find(([name]) => name === type)?.[1];
  return schema !== undefined && v.is(schema as v.GenericSchema, frame);
}

function definition(name: string): JsonSchema {
  const found = definitions[name];
  if (found === undefined) throw new Error(`no definition ${name}`);
  return found;
}

/** The part of JSON Schema that the document uses; an unknown keyword fails the test. */
function isValid(value: unknown, schema: JsonSchema): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`the evaluator does not know ${keyword}`);
    return check(value, wanted);
  });
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const valids = (value: unknown, schemas: unknown): number =>
  (schemas as JsonSchema[]).filter((schema) => isValid(value, schema)).length;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
};

const KEYWORDS: Readonly<Record<string, (value: unknown, wanted: unknown) => boolean>> = {
  title: () => true,
  description: () => true,
  $ref: (value, wanted) => isValid(value, definition(String(wanted).replace("#/$defs/", ""))),
  type: (value, wanted) => TYPES[String(wanted)]?.(value) ?? false,
  const: (value, wanted) => value === wanted,
  enum: (value, wanted) => (wanted as unknown[]).includes(value),
  oneOf: (value, wanted) => valids(value, wanted) === 1,
  pattern: (value, wanted) =>
    typeof value !== "string" || new RegExp(String(wanted), "u").test(value),
  minLength: (value, wanted) =>
    typeof value !== "string" || Array.from(value).length >= Number(wanted),
  minimum: (value, wanted) => typeof value !== "number" || value >= Number(wanted),
  maximum: (value, wanted) => typeof value !== "number" || value <= Number(wanted),
  minItems: (value, wanted) => !Array.isArray(value) || value.length >= Number(wanted),
  items: (value, wanted) =>
    !Array.isArray(value) || value.every((item) => isValid(item, wanted as JsonSchema)),
  required: (value, wanted) =>
    !isObject(value) || (wanted as string[]).every((key) => Object.hasOwn(value, key)),
  properties: (value, wanted) =>
    !isObject(value) ||
    Object.entries(value).every(([key, inner]) => {
      const schema = Object.entries(wanted as object).find(([name]) => name === key)?.[1];
      return schema === undefined || isValid(inner, schema as JsonSchema);
    }),
};
