/** Limits that the room and its clients share. The operator's own come with `welcome.limits`. */

/** Messages of one page of `history`, if the client does not say how many. */
export const HISTORY_DEFAULT = 50;
/** Messages of one page of `history`, at most. */
export const HISTORY_MAX = 100;
/** Names of one page of `who`. */
export const WHO_NAMES = 200;
/** Bytes that the data of one signal may have as JSON. */
export const SIGNAL_BYTES = 1_024;
/** The cost of `history` and `who`, in commands of the sender's rate limit; every other command costs one. */
export const QUERY_COST = 10;

/** How often the author may change the text and the data of one entry; after that, only erase it. */
export const PATCHES_MAX = 32;
/** UTF-16 units of the mark of a reaction (docs/conventions.md); the room does not check it. */
export const MARK_UNITS = 64;
/** Levels of objects and arrays in the `data` of an entry, the object itself included. */
export const DATA_DEPTH = 16;

/** `welcome.limits` of a room whose operator sets none; a client assumes them until its first `welcome`. */
export const DEFAULT_LIMITS = {
  /** Bytes of one message's text, as UTF-8. */
  text: 8_192,
  /** Bytes of one entry's `data`, as JSON in UTF-8; 0: the room takes none. */
  data: 4_096,
  /** Hours within which an author may change the text and the data of an entry; 0: never. */
  patchHours: 24,
  /** Bytes of one frame from a client. */
  frame: 65_536,
  /** Names that one message may be addressed to. */
  recipients: 64,
  /** Entries, and their bytes, in flight to one connection. */
  window: 256,
  windowBytes: 262_144,
  /** Items a second of one name, and how many at once. */
  rate: 50,
  burst: 500,
} as const;
