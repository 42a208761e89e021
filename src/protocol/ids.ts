/**
 * Identifiers: of rooms, peers, connections, and positions in the log.
 *
 * Invariant: a branded value was made by its parser here, so it needs no further check.
 */

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A room's name, NFC-normalised, 1 to 32 code points. */
export type RoomName = Brand<string, "RoomName">;
/** A peer's name, NFC-normalised, 1 to 32 code points. */
export type PeerName = Brand<string, "PeerName">;
/** A position in the log: an integer ≥ 0; 0 is before the first entry. */
export type Seq = Brand<number, "Seq">;
/** One connection of all that the room ever had. Later connections compare greater. */
export type ConnectionId = Brand<string, "ConnectionId">;

/** A name, and one of its connections. The identity is the connection, never the name. */
export interface ConnectionRef {
  readonly name: PeerName;
  readonly id: ConnectionId;
}

/** The grammar of room and peer names, for an NFC-normalised string; use it with the flag `u`. */
export const NAME_PATTERN = String.raw`^[\p{L}\p{N}][\p{L}\p{N}\p{M}_.\-]{0,31}$`;
/** The grammar of names in words, for error messages. */
export const NAME_GRAMMAR =
  'a name has 1 to 32 characters: a letter or digit first, then also marks, "_", "-" and "."';

/**
 * UTF-16 units that a name may have before it is normalised: 32 code points, each of which has at most four units in
 * any canonically equivalent form (Unicode FAQ "Normalization", maximum expansion of NFD in UTF-16). Normalising costs
 * the square of a run of combining marks, so a longer text is refused without normalising.
 */
export const NAME_UNITS = 128;

const NAME = new RegExp(NAME_PATTERN, "u");

const parseName = (text: string): string | undefined => {
  if (text.length > NAME_UNITS) return undefined;
  const name = text.normalize("NFC");
  return NAME.test(name) ? name : undefined;
};

/** @returns the normalised name, or undefined if `text` is outside the grammar */
export const parseRoomName = (text: string) => parseName(text) as RoomName | undefined;

/** @returns the normalised name, or undefined if `text` is outside the grammar */
export const parsePeerName = (text: string) => parseName(text) as PeerName | undefined;

/** @returns `value` as a position; anything but an integer from 0 to 2^53 − 1 is undefined */
export const parseSeq = (value: unknown): Seq | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as Seq) : undefined;

/** Returns the position `by` entries further on. `by` may be negative; the result never is. */
export const addSeq = (seq: Seq, by: number): Seq => Math.max(0, seq + by) as Seq;

/** Before the first entry. */
export const SEQ_ZERO = 0 as Seq;

export const maxSeq = (a: Seq, b: Seq): Seq => (a > b ? a : b);

/** Wide enough for a millisecond clock until the year 33658; ids compare as text. */
const ID_DIGITS = 15;

/**
 * Returns the id of a new connection, ordered within the room and unique.
 *
 * "Highest listed + 1" alone could be used twice after a wake, and a late failure signal would then remove a living
 * connection.
 * @param newest the highest id known so far
 * @param now    ms since 1970
 * @param chance 32 random bits
 */
export function nextConnectionId(
  newest: ConnectionId | undefined,
  now: number,
  chance: number,
): ConnectionId {
  const floor = newest === undefined ? 0 : Number(newest.slice(0, ID_DIGITS)) + 1;
  const order = Math.max(now, floor).toString().padStart(ID_DIGITS, "0");
  return `${order}-${(chance >>> 0).toString(16).padStart(8, "0")}` as ConnectionId;
}

/** Every runtime has it; the core's types include no platform. */
declare const TextEncoder: new () => {
  encodeInto(text: string, into: Uint8Array): { readonly read: number; readonly written: number };
};
const encoder = new TextEncoder();
/** The buffer for text that is only counted. */
const scratch = new Uint8Array(16 * 1024);

/** @returns the length of `text` in UTF-8 bytes; a lone surrogate counts three */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let rest = text; ;) {
    const { read, written } = encoder.encodeInto(rest, scratch);
    bytes += written;
    if (read === rest.length) return bytes;
    rest = rest.slice(read);
  }
}
