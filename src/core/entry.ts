/**
 * One entry of the log, and its one textual form: a message, or a patch that changes an earlier message.
 *
 * Invariants:
 * - `frame` is the frame that goes over the wire and lies in the log, encoded once.
 * - A frame begins with `type`, `seq`, `from`, `to`, in this order, and `data` is its last field: what a reader concludes
 *   from the unparsed text depends on that.
 * - A message is folded: it has the text and the data that its last patch gave it. Of the patches of one entry, only the
 *   last has contents, so a text that was changed or erased is nowhere in the log.
 */
import { type PeerName, type Seq, utf8Length } from "../protocol/ids.ts";
import type { Data } from "../protocol/frames.ts";

interface CommonFields {
  readonly seq: Seq;
  /** The author; of a patch by the operator, the author of the entry that it changes. */
  readonly from: PeerName;
  /** Absent: to everyone the room knows. */
  readonly to?: readonly PeerName[] | undefined;
  /** The sender's id; `chat.line` senders and the operator give none. */
  readonly id?: string | undefined;
  /** Server time, ms since 1970; for display only. */
  readonly at: number;
  /** Nobody is to be disturbed. */
  readonly quiet?: true | undefined;
  /** The last patch of this entry; of a patch: the later one that took its place. */
  readonly patched?: Seq | undefined;
  /** Who erased it, if not the author. */
  readonly by?: "operator" | undefined;
  readonly data?: Data | undefined;
}

export interface MessageFields extends CommonFields {
  readonly type: "message";
  readonly text: string;
  /** The entry that it refers to, which the room does not look up. */
  readonly ref?: Seq | undefined;
  /** How often its author changed it; absent: never. */
  readonly patches?: number | undefined;
  /** Text and data were erased. */
  readonly erased?: true | undefined;
}

export interface PatchFields extends CommonFields {
  readonly type: "patch";
  /** The entry that it changes. */
  readonly ref: Seq;
  readonly text?: string | undefined;
  readonly erase?: true | undefined;
}

export type EntryFields = MessageFields | PatchFields;

interface Encoded {
  readonly frame: string;
  /** The length of `frame` in UTF-8 bytes. */
  readonly bytes: number;
}

export type Message = MessageFields & Encoded;
export type Patch = PatchFields & Encoded;
export type Entry = Message | Patch;

/** All fields that an entry may have. */
type AnyFields = { -readonly [Field in keyof MessageFields | keyof PatchFields]?: unknown };

/** Encodes an entry: the only place where one becomes wire text. */
export function encodeEntry(fields: MessageFields): Message;
export function encodeEntry(fields: PatchFields): Patch;
export function encodeEntry(fields: EntryFields): Entry {
  const { type, seq, from, to, text, id, at } = fields;
  // JSON.stringify leaves out what is undefined.
  const common = { type, seq, from, to, text, id, at };
  if (fields.type === "message" && isPlain(fields)) return framed(fields, JSON.stringify(common));
  const { ref, quiet, patched, patches, erased, by, erase, data }: AnyFields = fields;
  return framed(
    fields,
    JSON.stringify({ ...common, ref, quiet, patched, patches, erased, by, erase, data }),
  );
}

/** Nearly all messages. */
const isPlain = ({ ref, quiet, patched, erased, data }: MessageFields): boolean =>
  (ref ?? quiet ?? patched ?? erased ?? data) === undefined;

/** Spelled out, so that all entries have one shape: the hot path depends on that. */
function framed(fields: EntryFields, frame: string): Entry {
  const { type, seq, from, to, text, id, at, ref, quiet, patched, patches }: AnyFields = fields;
  const { erased, by, erase, data }: AnyFields = fields;
  return {
    type,
    seq,
    from,
    to,
    text,
    id,
    at,
    ref,
    quiet,
    patched,
    patches,
    erased,
    by,
    erase,
    data,
    frame,
    bytes: utf8Length(frame),
  } as Entry;
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

/** A short id without escapes, at the end of the frame of a plain message, and more characters than that end has. */
const SHORT_ID = /","id":"([ !#-[\]-\uffff]{1,10})","at":\d+\}$/;
const SHORT_ID_TAIL = 48;

/** The frame of a message whose text an operator had erased, as release 1 wrote it. */
type ErasedByRelease1 = MessageFields & { readonly redacted?: true };

/**
 * Parses a frame of a segment. A short id is cut out first: V8 internalizes every string of ten characters or fewer that
 * JSON holds. That table grows by doubling, which took 80 ms after a million ids.
 * @throws if it is not JSON
 */
export function readEntry(frame: string): Entry {
  const [, id] = SHORT_ID.exec(frame.slice(-SHORT_ID_TAIL)) ?? [];
  if (id === undefined) {
    const fields = JSON.parse(frame) as EntryFields;
    return (fields as ErasedByRelease1).redacted ? erasedByRelease1(fields) : framed(fields, frame);
  }
  const end = frame.lastIndexOf('","at":');
  const before = frame.slice(0, end - id.length - ',"id":"'.length);
  return framed({ ...(JSON.parse(before + frame.slice(end + 1)) as EntryFields), id }, frame);
}

const erasedByRelease1 = ({ seq, from, to, id, at }: EntryFields): Message =>
  encodeEntry({ type: "message", seq, from, to, text: "", id, at, erased: true, by: "operator" });

/** Returns whether the frame is that of the entry at `seq`, by its beginning, which is the same in every release. */
export const isFrameOf = (seq: Seq, frame: string): boolean =>
  frame.startsWith(`{"type":"message","seq":${seq},`) ||
  frame.startsWith(`{"type":"patch","seq":${seq},`);

/** The beginning of a frame that is not for everyone. A name holds nothing that JSON escapes. */
const IS_ADDRESSED = /^\{"type":"[a-z]+","seq":\d+,"from":"[^"]*","to":\[/;

/**
 * Returns whether the entry of this frame can concern `name`, from the unparsed text, because most of a segment is for
 * others. A quotation mark within a string is escaped, so the quoted name occurs only as a sender, a recipient, or within
 * the text and the data.
 */
export const mayConcern = (frame: string, name: PeerName): boolean =>
  !IS_ADDRESSED.test(frame) || frame.includes(`"${name}"`);

/** Returns whether an operator made this patch: then `to` alone says whom it concerns, the author included. */
export const isOperatorPatch = ({ type, by }: Pick<EntryFields, "type" | "by">): boolean =>
  type === "patch" && by !== undefined;

/** Returns the names that an addressed entry concerns. */
export const namesOf = (entry: EntryFields): readonly PeerName[] =>
  isOperatorPatch(entry) ? (entry.to ?? []) : [entry.from, ...(entry.to ?? [])];

/** Returns whether the entry is to `name`, to everyone, or from `name`. The caller checks the birth of the name. */
export const concerns = (entry: EntryFields, name: PeerName): boolean =>
  entry.to === undefined ||
  (entry.from === name && !isOperatorPatch(entry)) ||
  entry.to.includes(name);
