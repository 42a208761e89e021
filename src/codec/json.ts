/**
 * The codec of `chat.v1`: from frames of JSON text to commands, and from messages to frames.
 *
 * Invariants:
 * - R7: no text makes `readFrame` throw; a text that cannot be parsed becomes a refusal.
 * - Each item is parsed by itself: a bad one is refused alone. Items are parsed one by one, as the broker takes them.
 * - A text that goes to many peers is made once.
 */
import * as v from "valibot";
import { joinFrames } from "../core/entry.ts";
import type { Command, ServerMessage } from "../core/event.ts";
import { type Limits } from "../core/limits.ts";
import { HISTORY_DEFAULT, SIGNAL_BYTES } from "../protocol/limits.ts";
import { parseSeq, type PeerName, utf8Length } from "../protocol/ids.ts";
import { clientFrames, expectationOf } from "../protocol/frames.ts";
import {
  merged,
  type Refused,
  refused,
  tooManyRecipients,
  validateData,
  validateMessage,
  validateText,
} from "./validation.ts";

/** Parses a frame. @param text one text frame, at most `limits.frame` bytes */
export function readFrame(text: string, limits: Limits): Iterable<Command> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const expected = "frame: JSON text was expected, an object or an array of objects";
    return [refused("bad-frame", expected)];
  }
  if (!Array.isArray(value)) return [readItem(value, limits)];
  return value.length === 0 ? [{ type: "Empty" }] : readItems(value, limits);
}

function* readItems(items: readonly unknown[], limits: Limits): Generator<Command, void> {
  for (const item of items) yield readItem(item, limits);
}

const schemas = new Map<unknown, (typeof clientFrames)[keyof typeof clientFrames]>(
  Object.entries(clientFrames),
);

function readItem(item: unknown, limits: Limits): Command {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    return refused("bad-frame", "frame: every item must be a JSON object with a type");
  }
  const plain = parseFastPath(item, limits);
  if (plain !== undefined) return plain;
  const schema = schemas.get((item as { type?: unknown }).type);
  if (schema === undefined) {
    return refused("bad-frame", `type: expected ${expectationOf(undefined, "type")}`, idOf(item));
  }
  const { to } = item as { to?: unknown };
  if (Array.isArray(to) && to.length > limits.recipients) {
    const names = merged(to as readonly unknown[], limits);
    if (names.length > limits.recipients) return tooManyRecipients(names, limits, idOf(item));
    return readShaped(schema, { ...item, to: names }, limits);
  }
  return readShaped(schema, item, limits);
}

function readShaped(
  schema: (typeof clientFrames)[keyof typeof clientFrames],
  item: object,
  limits: Limits,
): Command {
  const result = v.safeParse(schema, item, { abortEarly: true });
  if (!result.success) {
    const key = result.issues[0].path?.[0]?.key;
    const field = typeof key === "string" ? key : "frame";
    const expected = expectationOf((item as { type?: unknown }).type, field);
    return refused("bad-frame", `${field}: expected ${expected}`, idOf(item));
  }
  const frame = result.output;
  switch (frame.type) {
    case "send":
      return readSend(frame, limits);
    case "patch":
      return readPatch(frame, limits);
    case "ack":
      return { type: "Ack", seq: frame.seq, ...(frame.k !== undefined && { k: frame.k }) };
    case "signal":
      return readSignal(frame, idOf(item), limits);
    case "history": {
      const { id, before, limit = HISTORY_DEFAULT } = frame;
      return { type: "History", id, limit, ...(before !== undefined && { before }) };
    }
    case "who": {
      const { id, after } = frame;
      return { type: "Who", id, ...(after !== undefined && { after }) };
    }
    default:
      return frame satisfies never;
  }
}

/** Most names match this. Being ASCII, such a name is in its normal form. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const MAX_ID = 64;

/**
 * The fast path of nearly all frames: an ack, and a message to everyone or to one peer with a plain name.
 * @returns what the schemas would return; undefined for every other item, which the schemas decide
 */
function parseFastPath(item: object, limits: Limits): Command | undefined {
  const fields = item as Readonly<Record<string, unknown>>;
  const { type, id, text, to, seq, k } = fields;
  if (type === "ack" && k === undefined) {
    const position = parseSeq(seq);
    return position === undefined ? undefined : { type: "Ack", seq: position };
  }
  if (type !== "send" || typeof id !== "string" || typeof text !== "string") return undefined;
  if (id === "" || id.length > MAX_ID || text === "") return undefined;
  const { ref, data, quiet } = fields;
  if (ref !== undefined || data !== undefined || quiet !== undefined) return undefined;
  if (!id.isWellFormed() || !text.isWellFormed()) return undefined;
  if (to === undefined) return validateMessage(text, undefined, id, limits);
  if (!Array.isArray(to) || to.length !== 1) return undefined;
  const [name] = to as readonly unknown[];
  if (typeof name !== "string" || !PLAIN_NAME.test(name)) return undefined;
  return validateMessage(text, [name as PeerName], id, limits);
}

type Frame<Type extends keyof typeof clientFrames> = v.InferOutput<(typeof clientFrames)[Type]>;

function readSend({ text, to, id, ref, data, quiet }: Frame<"send">, limits: Limits): Command {
  const refusal = (data && validateData(data, id, limits)) ?? emptyText(text, data, id);
  if (refusal !== undefined) return refusal;
  const message = validateMessage(text, to, id, limits);
  return message.type === "Invalid"
    ? message
    : { ...message, ref, data, quiet: quiet || undefined };
}

function readPatch({ id, ref, text, data, erase }: Frame<"patch">, limits: Limits): Command {
  if (erase && (text !== undefined || data !== undefined)) {
    return refused("bad-frame", "erase: expected without text and data, or absent", id);
  }
  if (!erase && text === undefined && data === undefined) {
    return refused("bad-frame", "patch: expected text, data or erase", id);
  }
  const refusal =
    (data && validateData(data, id, limits)) ??
    (text === undefined
      ? undefined
      : (emptyText(text, data, id) ?? validateText(text, id, limits)));
  return refusal ?? { type: "Patch", id, ref, text, data, erase };
}

const emptyText = (text: string, data: object | undefined, id: string): Refused | undefined =>
  text === "" && data === undefined
    ? refused("bad-frame", `text: expected ${expectationOf("send", "text")}`, id)
    : undefined;

function readSignal(
  { data, to }: Frame<"signal">,
  id: string | undefined,
  limits: Limits,
): Command {
  if (to !== undefined && to.length > limits.recipients) return tooManyRecipients(to, limits, id);
  let text: string;
  try {
    text = JSON.stringify(data);
  } catch {
    return refused("bad-frame", "data: nested too deep", id);
  }
  const bytes = utf8Length(text);
  if (bytes > SIGNAL_BYTES) {
    const limit = `data: ${bytes} bytes, at most ${SIGNAL_BYTES} bytes of JSON go into one signal`;
    return refused("too-large", limit, id);
  }
  if (!isWellFormed(data))
    return refused("bad-frame", `data: expected ${expectationOf("signal", "data")}`, id);
  return { type: "Signal", data: text, ...(to && { to }) };
}

/** For small values only: it recurses as deep as they do. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner));
}

function idOf(item: object): string | undefined {
  const result = v.safeParse(clientFrames.who.entries.id, (item as { id?: unknown }).id);
  return result.success ? result.output : undefined;
}

export interface FrameText {
  readonly text: string;
  readonly bytes: number;
}

/** Encodes one recipient's frame of a turn: an object, or an array of several. */
export function writeFrame(messages: readonly ServerMessage[], limits: Limits): FrameText {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined && goesToMany(only)) {
    let frame = sharedFrames.get(only);
    if (frame === undefined) sharedFrames.set(only, (frame = join(messages, limits)));
    return frame;
  }
  return join(messages, limits);
}

/** The frames of messages that go to many peers, by identity. */
const sharedFrames = new WeakMap<ServerMessage, FrameText>();

/** Only these are cached: caching each frame to one peer makes more garbage than it saves work. */
const goesToMany = (out: ServerMessage): boolean =>
  out.type === "entries" ? out.shared === true : out.type === "presence" || out.type === "signal";

function join(messages: readonly ServerMessage[], limits: Limits): FrameText {
  const items: string[] = [];
  let bytes = 0;
  for (const out of messages) {
    if (out.type === "entries") {
      // The length of an entry is known: it is not counted again for each recipient.
      for (const entry of out.entries) {
        items.push(entry.frame);
        bytes += entry.bytes;
      }
      continue;
    }
    const text = write(out, limits);
    if (text === undefined) continue;
    items.push(text);
    bytes += utf8Length(text);
  }
  if (items.length === 1) return { text: items[0] ?? "", bytes };
  // The separators are ASCII.
  return { text: joinFrames(items, ","), bytes: bytes + 2 + Math.max(0, items.length - 1) };
}

const some = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length > 0 ? list : undefined;

/** @returns undefined for a notice that only `chat.line` has */
function write(
  out: Exclude<ServerMessage, { type: "entries" }>,
  limits: Limits,
): string | undefined {
  switch (out.type) {
    case "welcome": {
      const { spread, ...facts } = out;
      const { text, data, patchHours, frame, recipients, window, windowBytes, rate, burst } =
        limits;
      const sizes = { text, data, patchHours, frame, recipients };
      const shown = { ...sizes, window, windowBytes, rate, burst, spread };
      return JSON.stringify({ ...facts, limits: shown });
    }
    case "presence": {
      const { type, joined, left, online, missed } = out;
      const lists = { joined: some(joined), left: some(left), online, missed: missed || undefined };
      return JSON.stringify({ type, ...lists });
    }
    case "signal": {
      const { type, from, to, data } = out;
      return `${JSON.stringify({ type, from, to }).slice(0, -1)},"data":${data}}`;
    }
    case "history": {
      const { type, id, entries, next } = out;
      const messages = entries.map((entry) => entry.frame).join(",");
      const rest = next === undefined ? "" : `,"next":${next}`;
      return `{"type":"${type}","id":${JSON.stringify(id)},"messages":[${messages}]${rest}}`;
    }
    case "error":
      return JSON.stringify({ type: out.type, ...out.refusal });
    case "gap":
    case "mark":
    case "ready":
    case "who":
      return JSON.stringify(out);
    case "away":
    case "help":
      return undefined;
    default:
      return out satisfies never;
  }
}
