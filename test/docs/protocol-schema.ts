/**
 * The frames of `chat.v1` as one JSON Schema (draft 2020-12), from the validator's own definitions.
 *
 * Invariant: src/protocol/frames.ts alone defines the form of a frame; this file only adds its purpose.
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import { clientFrames, expectationOf, serverFrames } from "../../src/protocol/frames.ts";

/** The `data` of an entry. */
const data: unknown = clientFrames.send.entries.data.wrapped;

/** The part of JSON Schema that this file writes. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The purpose of each client frame. */
const CLIENT: Readonly<Record<keyof typeof clientFrames, string>> = {
  send: "Sends a message. It is confirmed by coming back, with this `id`, as a `message`.",
  patch: "Changes an earlier message of yours, or erases it. It is confirmed like a message.",
  ack: "Acknowledges that everything up to `seq` is processed. `k` is that of the newest `mark` that you have read.",
  signal: "Sends an ephemeral to the other peers online: never stored, never replayed.",
  history: "Requests a page of older entries, just below `before`.",
  who: "Requests a page of names, those that sort after `after`.",
};

/** The meaning of each server frame. */
const SERVER: Readonly<Record<keyof typeof serverFrames, string>> = {
  welcome: "The first frame of a connection, once.",
  gap: "Entries from `from` to `to` that you have not had are no longer kept.",
  message: "One entry that concerns you: to you, to everyone (`to` absent), or sent by you.",
  patch:
    "An entry too: it changes the earlier entry `ref`. With `patched`, a later one has taken its place.",
  ready: "Everything up to `welcome.head` has been sent; your cursor may move to `seq`.",
  mark: "A place in the stream: send its `k` with your next ack, at once.",
  presence: "Names that joined and names that left. The lists are sets: repeats are harmless.",
  signal: "An ephemeral: never stored, never replayed, in no promised order with entries.",
  history: "A page, oldest first. Absent `next`: there is no older one.",
  who: "A page of names, sorted by UTF-8 bytes. Absent `next`: there is no later one.",
  error: "One command was rejected for good: nothing of it was stored.",
};

const DESCRIPTION = [
  "Every text frame of the WebSocket subprotocol chat.v1, in both directions, is one object with a `type` or an array of such objects. See docs/protocol.md.",
  "Unknown fields are ignored; unknown types are rejected.",
  "Patterns use the flag `u`, and hold for names after NFC normalisation.",
  "A schema cannot express these rules: every string is well-formed Unicode; an empty `text` needs `data`; a patch has `erase` or one of `text` and `data`; repeats in `to` are merged; `welcome.limits` has the limits of the room.",
].join(" ");

/** @returns a new document */
export function protocolSchema(): JsonSchema {
  const client = definitions("Client", clientFrames, CLIENT);
  const server = definitions("Server", serverFrames, SERVER);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "chat.v1",
    description: DESCRIPTION,
    oneOf: [ref("ClientFrame"), ref("ServerFrame")],
    $defs: {
      ClientFrame: frame("a client", "ClientItem"),
      ServerFrame: frame("the room", "ServerItem"),
      ClientItem: item("a client sends", client),
      ServerItem: item("the room sends", server),
      ...client,
      ...server,
    },
  };
}

type Schemas = Readonly<Record<string, Parameters<typeof toJsonSchema>[0]>>;

/** One definition for each type of frame: `send` of a client becomes `ClientSend`. */
function definitions(
  prefix: "Client" | "Server",
  schemas: Schemas,
  descriptions: Readonly<Record<string, string>>,
): Record<string, JsonSchema> {
  const named = Object.entries(schemas).map(([type, schema]) => {
    const { $schema: _, ...shape } = toJsonSchema(schema, {
      target: "draft-2020-12",
      errorMode: "ignore",
      // A check of the validator's own has no form in JSON Schema.
      overrideSchema: ({ valibotSchema }) =>
        valibotSchema === data ? { type: "object" } : undefined,
    });
    const title = prefix + type.charAt(0).toUpperCase() + type.slice(1);
    const description = descriptions[type];
    const told =
      prefix === "Client" ? { ...shape, properties: expected(type, shape.properties) } : shape;
    return [title, { title, description, ...told }] as const;
  });
  return Object.fromEntries(named);
}

/** The rules of a client's fields, in the words of the sentence that rejects them. */
const expected = (type: string, properties: object = {}): JsonSchema =>
  Object.fromEntries(
    Object.entries(properties).map(([field, schema]: [string, object]) => {
      const description = field === "type" ? undefined : expectationOf(type, field);
      return [field, { ...(description !== undefined && { description }), ...schema }];
    }),
  );

const ref = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

const item = (who: string, frames: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  description: `One item that ${who}.`,
  oneOf: Object.keys(frames).map(ref),
});

const frame = (who: string, name: string): JsonSchema => ({
  title: `A text frame of ${who}`,
  description:
    "One object, or an array of objects that are processed as if they had come one by one.",
  oneOf: [ref(name), { type: "array", items: ref(name) }],
});

/** The document as `SCHEMA_FILE` holds it. */
export const schemaText = (): string => `${JSON.stringify(protocolSchema(), null, 2)}\n`;

export const SCHEMA_FILE = new URL("../../docs/protocol.schema.json", import.meta.url);
