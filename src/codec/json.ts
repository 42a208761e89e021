/**
 * The codec of `chat.v1`: frames of JSON text to commands, and what the room says to frames.
 *
 * Invariants:
 * - R7: no text makes `readFrame` throw; what cannot be read comes out as a refusal.
 * - Each item is read by itself: a bad one is refused alone. Items are read one by one, as far as somebody listens.
 * - A text that goes to many is made once.
 */
import * as v from "valibot";
import { joinFrames } from "../core/entry.ts";
import type { Command, ServerMessage } from "../core/event.ts";
import { type Limits } from "../core/limits.ts";
import { HISTORY_DEFAULT, SIGNAL_BYTES } from "../protocol/limits.ts";
import { parseSeq, type PeerName, utf8Length } from "../protocol/ids.ts";
import { clientFrames, EXPECTED } from "../protocol/frames.ts";
import { merged, validateMessage, refused, tooManyRecipients } from "./validation.ts";

/** @param text one text frame, at most `limits.frame` bytes */
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
    return refused("bad-frame", `type: expected ${EXPECTED["type"]}`, idOf(item));
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
    return refused("bad-frame", `${field}: expected ${EXPECTED[field]}`, idOf(item));
  }
  const frame = result.output;
  switch (frame.type) {
    case "send":
      return validateMessage(frame.text, frame.to, frame.id, limits);
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

/** What names mostly look like. Being ASCII, such a name is in its normal form. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const MAX_ID = 64;

/**
 * The short way for nearly all that is said: an ack, and a message to everyone or to one plainly named peer.
 * @returns what the schemas would say of it; undefined for whatever is not quite so simple: they decide
 */
function parseFastPath(item: object, limits: Limits): Command | undefined {
  const { type, id, text, to, seq, k } = item as Readonly<Record<string, unknown>>;
  if (type === "ack" && k === undefined) {
    const position = parseSeq(seq);
    return position === undefined ? undefined : { type: "Ack", seq: position };
  }
  if (type !== "send" || typeof id !== "string" || typeof text !== "string") return undefined;
  if (id === "" || id.length > MAX_ID || text === "") return undefined;
  if (!id.isWellFormed() || !text.isWellFormed()) return undefined;
  if (to === undefined) return validateMessage(text, undefined, id, limits);
  if (!Array.isArray(to) || to.length !== 1) return undefined;
  const [name] = to as readonly unknown[];
  if (typeof name !== "string" || !PLAIN_NAME.test(name)) return undefined;
  return validateMessage(text, [name as PeerName], id, limits);
}

function readSignal(
  { data, to }: Extract<v.InferOutput<typeof clientFrames.signal>, object>,
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
  if (!isWellFormed(data)) return refused("bad-frame", `data: expected ${EXPECTED["data"]}`, id);
  return { type: "Signal", data: text, ...(to && { to }) };
}

/** To be asked of small values only: it goes as deep as they do. */
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

/** One recipient's frame of a turn: an object, or an array of several. */
export function writeFrame(outs: readonly ServerMessage[], limits: Limits): FrameText {
  const [only] = outs;
  if (outs.length === 1 && only !== undefined && goesToMany(only)) {
    let frame = shared.get(only);
    if (frame === undefined) shared.set(only, (frame = join(outs, limits)));
    return frame;
  }
  return join(outs, limits);
}

/** Frames of an `Out` that many are handed, by identity. */
const shared = new WeakMap<ServerMessage, FrameText>();

/** Only these are kept: what is kept of each frame to one makes more garbage than it spares work. */
const goesToMany = (out: ServerMessage): boolean =>
  out.type === "entries" ? out.shared === true : out.type === "presence" || out.type === "signal";

function join(outs: readonly ServerMessage[], limits: Limits): FrameText {
  const items: string[] = [];
  let bytes = 0;
  for (const out of outs) {
    if (out.type === "entries") {
      // Their length is known: what was counted once is not counted again for each who gets it.
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
  // What stands between the items is ASCII.
  return { text: joinFrames(items, ","), bytes: bytes + 2 + Math.max(0, items.length - 1) };
}

const some = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length > 0 ? list : undefined;

/** @returns undefined for a notice that is for people; the broker gives them to `chat.line` only */
function write(
  out: Exclude<ServerMessage, { type: "entries" }>,
  limits: Limits,
): string | undefined {
  switch (out.type) {
    case "welcome": {
      const { spread, ...facts } = out;
      const { text, frame, recipients, window, windowBytes, rate, burst } = limits;
      const told = { text, frame, recipients, window, windowBytes, rate, burst, spread };
      return JSON.stringify({ ...facts, limits: told });
    }
    case "presence": {
      const { type, joined, left, online, missed } = out;
      const news = { joined: some(joined), left: some(left), online, missed: missed || undefined };
      return JSON.stringify({ type, ...news });
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
    case "redacted":
      return JSON.stringify({ type: out.type, seq: out.seq });
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
