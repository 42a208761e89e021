/**
 * One entry of the log, and its one textual form.
 *
 * Invariant: `frame` is the `message` frame that goes over the wire and lies in the log, encoded once.
 */
import { type PeerName, type Seq, utf8Length } from "../protocol/ids.ts";

export interface EntryFields {
  readonly seq: Seq;
  readonly from: PeerName;
  /** Absent: to everyone the room knows. */
  readonly to?: readonly PeerName[] | undefined;
  readonly text: string;
  /** The sender's id of the message; `chat.line` senders give none. */
  readonly id?: string | undefined;
  /** Server time, ms since 1970; for display only. */
  readonly at: number;
  /** An operator erased the text. */
  readonly redacted?: true | undefined;
}

export interface Entry extends EntryFields {
  readonly frame: string;
  /** The length of `frame` in UTF-8 bytes. */
  readonly bytes: number;
}

/** Encodes an entry: the only place where a message becomes wire text. */
export function encodeEntry(fields: EntryFields): Entry {
  const { seq, from, to, text, id, at, redacted } = fields;
  // JSON.stringify leaves out what is undefined.
  return framed(fields, JSON.stringify({ type: "message", seq, from, to, text, id, at, redacted }));
}

/** Spelled out, so that all entries have one shape: the hot path depends on that. */
const framed = (fields: EntryFields, frame: string): Entry => {
  const { seq, from, to, text, id, at, redacted } = fields;
  return { seq, from, to, text, id, at, redacted, frame, bytes: utf8Length(frame) };
};

/** The entry without its text. */
export function redact({ seq, from, to, id, at }: EntryFields): Entry {
  return encodeEntry({ seq, from, to, text: "", id, at, redacted: true });
}

/** The separator of the frames of a segment. JSON text holds no raw line feed, so splitting there is safe. */
export const SEPARATOR = ",\n";

/**
 * Returns a JSON array of frames; by default, the text of a segment. It is made in one copy: brackets added to the joined
 * text would cost a second one when the platform takes it. Overwrites the ends of `frames`.
 */
export function joinFrames(frames: string[], separator = SEPARATOR): string {
  const last = frames.length - 1;
  if (last < 0) return "[]";
  frames[0] = `[${frames[0]}`;
  frames[last] = `${frames[last]}]`;
  return frames.join(separator);
}

/** A short id without escapes, at the end of a frame that was not erased, and more characters than that end has. */
const SHORT_ID = /","id":"([ !#-[\]-\uffff]{1,10})","at":\d+\}$/;
const SHORT_ID_TAIL = 48;

/**
 * Parses a frame of a segment. A short id is cut out first: V8 internalizes every string of ten characters or fewer that
 * JSON holds. That table grows by doubling, which took 80 ms after a million ids.
 * @throws if it is not JSON
 */
export function readEntry(frame: string): Entry {
  const [, id] = SHORT_ID.exec(frame.slice(-SHORT_ID_TAIL)) ?? [];
  if (id === undefined) return framed(JSON.parse(frame) as EntryFields, frame);
  const end = frame.lastIndexOf('","at":');
  const before = frame.slice(0, end - id.length - ',"id":"'.length);
  return framed({ ...(JSON.parse(before + frame.slice(end + 1)) as EntryFields), id }, frame);
}

/** Returns the beginning of the frame of the entry at `seq`, as every release wrote it. */
export const frameStart = (seq: Seq): string => `{"type":"message","seq":${seq},`;

/**
 * Returns whether the entry of this frame can concern `name`, from the unparsed text, because most of a segment is for
 * others. A quotation mark within a string is escaped, so the quoted name occurs only as a sender, a recipient, or the
 * whole text of a message.
 */
export const mayConcern = (frame: string, name: PeerName): boolean =>
  !frame.includes('"to":[') || frame.includes(`"${name}"`);

/** Returns whether the entry is to `name`, to everyone, or from `name`. The caller checks the birth of the name. */
export const concerns = (entry: EntryFields, name: PeerName): boolean =>
  entry.to === undefined || entry.from === name || entry.to.includes(name);
