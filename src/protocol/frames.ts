/**
 * The frames of `chat.v1`, on one screen: types, checks and JSON Schema come from here.
 *
 * Invariants:
 * - A value that passes needs no further check: names are normalised, texts are well-formed Unicode.
 * - Unknown fields are ignored, unknown types are not.
 * - Limits that an operator sets are not part of a frame's shape; the codec checks them.
 */
import * as v from "valibot";
import { NAME_PATTERN, NAME_UNITS, type PeerName, type RoomName, type Seq } from "./ids.ts";
import { HISTORY_MAX } from "./limits.ts";
import { ERROR_CODES } from "./error-codes.ts";

const wellFormed = v.check<string>((text) => text.isWellFormed());
/** A text may be empty where there is `data`: the codec checks that. */
const text = v.pipe(v.string(), wellFormed);
const id = v.pipe(v.string(), v.regex(/^[\s\S]{1,64}$/u), wellFormed);
export const named = <Name extends string = PeerName>() =>
  v.pipe(
    v.string(),
    // Checked before normalising, which costs the square of a run of combining marks.
    v.check((text) => text.length <= NAME_UNITS),
    v.normalize("NFC"),
    v.regex(new RegExp(NAME_PATTERN, "u")),
    v.transform((name) => name as Name),
  );
const name = named();
const room = named<RoomName>();
/** The token of a mark. */
const k = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,16}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A position in the log. */
export const position = v.pipe(
  count,
  v.transform((value) => value as Seq),
);
const seq = position;
/** A position of an entry. */
const ref = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(1),
  v.transform((value) => value as Seq),
);
/** Any JSON value. The codec checks its size and depth. */
const anyJson = v.custom<unknown>((value) => value !== undefined);
/** The `data` of an entry, of which the room reads nothing. The codec checks its size, its depth and its strings. */
const data = v.custom<Data>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const yes = v.literal(true);
const merged = v.transform((names: PeerName[]) => [...new Set(names)]);
const recipients = v.pipe(v.array(name), v.minLength(1), merged);
const limit = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(HISTORY_MAX));

/** A JSON object that applications attach to an entry. */
export type Data = Readonly<Record<string, unknown>>;

/** The frames of a client, by `type`. */
export const clientFrames = {
  send: v.object({
    type: v.literal("send"),
    id,
    text,
    to: v.optional(recipients),
    ref: v.optional(ref),
    data: v.optional(data),
    quiet: v.optional(v.boolean()),
  }),
  patch: v.object({
    type: v.literal("patch"),
    id,
    ref,
    text: v.optional(text),
    data: v.optional(data),
    erase: v.optional(yes),
  }),
  ack: v.object({ type: v.literal("ack"), seq, k: v.optional(k) }),
  signal: v.object({ type: v.literal("signal"), data: anyJson, to: v.optional(recipients) }),
  history: v.object({
    type: v.literal("history"),
    id,
    before: v.optional(seq),
    limit: v.optional(limit),
  }),
  who: v.object({
    type: v.literal("who"),
    id,
    after: v.optional(v.pipe(v.string(), wellFormed)),
  }),
} as const;

/** The expectation of each field of a client's frame, for the sentence of a refusal. */
const EXPECTED: Readonly<Record<string, string>> = {
  type: `one of ${Object.keys(clientFrames).join(", ")}`,
  id: "a string of 1 to 64 characters, well-formed Unicode",
  text: "a string of well-formed Unicode, not empty unless there is data",
  to: 'a list of 1 or more names, or absent for everyone; a name has 1 to 32 characters, a letter or digit first, then also marks, "_", "-" and "."',
  seq: "a whole number from 0 on",
  k: "the k of the newest mark that you read, or absent before the first",
  data: "a JSON object, its strings well-formed Unicode, its numbers finite",
  ref: "the seq of an earlier entry, a whole number from 1 on",
  quiet: "true or false, or absent",
  erase: "true, or absent",
  before: "a whole number from 0 on, or absent",
  limit: `a whole number from 1 to ${HISTORY_MAX}, or absent`,
  after: "a string of well-formed Unicode, or absent",
};

/** The fields that every entry may have. */
const entry = {
  seq,
  from: name,
  /** Absent: to everyone. */
  to: v.optional(v.array(name)),
  /** The sender's `id`. */
  id: v.optional(id),
  /** Server time, ms since 1970; for display only. */
  at: count,
  /** Nobody is to be disturbed. */
  quiet: v.optional(yes),
  /** The last patch of this entry; of a patch: the later one that took its place. */
  patched: v.optional(seq),
  /** Who erased it, if not the author. */
  by: v.optional(v.literal("operator")),
  data: v.optional(data),
} as const;

/** The same of a signal, whose `data` is no object of an entry. */
const EXPECTED_OF_SIGNAL = { data: "any JSON value, its strings well-formed Unicode" };

/** Returns what was expected in a field of a client's frame. @param type the type of the frame, if it has a known one */
export const expectationOf = (type: unknown, field: string): string | undefined =>
  (type === "signal" && Object.hasOwn(EXPECTED_OF_SIGNAL, field)
    ? EXPECTED_OF_SIGNAL.data
    : undefined) ?? EXPECTED[field];

const message = v.object({
  type: v.literal("message"),
  ...entry,
  text: v.string(),
  /** The entry that it refers to. */
  ref: v.optional(ref),
  /** How often its author changed it. */
  patches: v.optional(count),
  /** Text and data were erased. */
  erased: v.optional(yes),
});

const patch = v.object({
  type: v.literal("patch"),
  ...entry,
  /** The entry that it changes. */
  ref,
  text: v.optional(v.string()),
  erase: v.optional(yes),
});

const limits = v.object({
  /** Bytes of UTF-8. */
  text: count,
  /** Bytes of JSON in UTF-8; 0: none. */
  data: count,
  /** Hours. */
  patchHours: count,
  /** Bytes of UTF-8. */
  frame: count,
  recipients: count,
  /** Entries in flight. */
  window: count,
  /** Bytes of entries in flight. */
  windowBytes: count,
  /** Items a second. */
  rate: count,
  /** Items at once. */
  burst: count,
  /** ms over which to scatter a first reconnect. */
  spread: count,
});

/** The frames of the room, by `type`. */
export const serverFrames = {
  welcome: v.object({
    type: v.literal("welcome"),
    room,
    name,
    epoch: v.string(),
    head: seq,
    since: seq,
    online: count,
    peers: v.array(name),
    limits,
  }),
  gap: v.object({ type: v.literal("gap"), from: seq, to: seq }),
  message,
  patch,
  ready: v.object({ type: v.literal("ready"), seq }),
  mark: v.object({ type: v.literal("mark"), k }),
  presence: v.object({
    type: v.literal("presence"),
    joined: v.optional(v.array(name)),
    left: v.optional(v.array(name)),
    online: count,
    missed: v.optional(v.literal(true)),
  }),
  signal: v.object({
    type: v.literal("signal"),
    from: name,
    to: v.optional(v.array(name)),
    data: anyJson,
  }),
  history: v.object({
    type: v.literal("history"),
    id,
    messages: v.array(message),
    next: v.optional(seq),
  }),
  who: v.object({
    type: v.literal("who"),
    id,
    peers: v.array(v.object({ name, online: v.boolean() })),
    next: v.optional(name),
  }),
  error: v.object({
    type: v.literal("error"),
    code: v.picklist(ERROR_CODES),
    message: v.string(),
    id: v.optional(id),
  }),
} as const;

type Frames<Schemas> = {
  [Type in keyof Schemas]: Schemas[Type] extends v.GenericSchema
    ? v.InferOutput<Schemas[Type]>
    : never;
}[keyof Schemas];

/** A frame of a client. */
export type ClientFrame = Frames<typeof clientFrames>;
/** A frame of the room. */
export type ServerFrame = Frames<typeof serverFrames>;
