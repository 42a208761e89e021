/**
 * Every bound of the room, by name, with its unit. Nothing else in the project invents a number.
 *
 * `LIMITS` are the operator's (vars of wrangler.toml); the constants below are the protocol's or the room's own.
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 86_400 * SECOND;

interface LimitSpec {
  /** The var of wrangler.toml that sets it. */
  readonly variable: string;
  readonly unit: string;
  readonly preset: number;
  readonly min: number;
  readonly max: number;
}

/** What an operator may set: the var, its unit, its default and its range. */
export const LIMITS = {
  text: { variable: "TEXT_BYTES", unit: "bytes", preset: 8_192, min: 1, max: 65_536 },
  frame: { variable: "FRAME_BYTES", unit: "bytes", preset: 65_536, min: 512, max: 262_144 },
  recipients: { variable: "RECIPIENTS", unit: "names", preset: 64, min: 1, max: 256 },
  window: { variable: "WINDOW", unit: "entries", preset: 256, min: 1, max: 10_000 },
  windowBytes: {
    variable: "WINDOW_BYTES",
    unit: "bytes",
    preset: 256 * KIB,
    min: 1_024,
    max: 8 * MIB,
  },
  rate: { variable: "RATE", unit: "items a second", preset: 50, min: 1, max: 100_000 },
  burst: { variable: "BURST", unit: "items", preset: 500, min: 10, max: 1_000_000 },
  online: { variable: "MAX_ONLINE", unit: "peers", preset: 5_000, min: 1, max: 32_000 },
  names: { variable: "MAX_NAMES", unit: "names", preset: 20_000, min: 1, max: 1_000_000 },
  logEntries: {
    variable: "LOG_ENTRIES",
    unit: "entries",
    preset: 100_000,
    min: 1,
    max: 10_000_000,
  },
  logDays: { variable: "LOG_DAYS", unit: "days", preset: 30, min: 1, max: 3_650 },
  logMebibytes: { variable: "LOG_MIB", unit: "MiB", preset: 256, min: 1, max: 8_192 },
  /** What one name may add in 24 hours, of `logEntries` and of `logMebibytes`; 0: no bound. */
  share: { variable: "LOG_SHARE", unit: "percent of the log", preset: 25, min: 0, max: 100 },
  commitInterval: { variable: "COMMIT_INTERVAL_MS", unit: "ms", preset: 0, min: 0, max: 1_000 },
} as const satisfies Record<string, LimitSpec>;

/** The operator's limits, checked. */
export type Limits = { readonly [Name in keyof typeof LIMITS]: number };

/** The limits of an environment that sets none. */
export const presets = (): Limits => {
  const limits = Object.entries(LIMITS).map(([name, { preset }]) => [name, preset]);
  return Object.fromEntries(limits) as Limits;
};

/**
 * Reads the limits from the environment. A missing or empty var means its default.
 * @returns the limits, or one sentence that says which var is wrong and what it may be
 */
export function readLimits(vars: { readonly [name: string]: unknown }): Limits | string {
  const limits: Record<string, number> = {};
  for (const [name, spec] of Object.entries(LIMITS)) {
    const given = vars[spec.variable];
    const text =
      given === undefined || given === ""
        ? String(spec.preset)
        : JSON.stringify(given).replaceAll('"', "");
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= spec.min && value <= spec.max)) {
      return `${spec.variable} must be a whole number of ${spec.unit} from ${spec.min} to ${spec.max}: mend it in wrangler.toml`;
    }
    limits[name] = value;
  }
  const read = limits as Limits;
  if (read.text > read.frame) {
    return `TEXT_BYTES (${read.text}) must not exceed FRAME_BYTES (${read.frame}): mend one of them in wrangler.toml`;
  }
  if (read.online > read.names) {
    return `MAX_ONLINE (${read.online}) must not exceed MAX_NAMES (${read.names}), for each peer has a name: change one of them in wrangler.toml`;
  }
  return read;
}

/** Peers up to which a first reconnect takes 30 s at most; at 5 ms a peer that is reached by 6,000. */
const SPREAD_PEERS = 25_000;

/**
 * ms over which clients scatter a first reconnect: 5 ms a peer, at most 30 s for up to 25,000 peers. Beyond that it grows
 * with the room, 1.2 ms a peer, so that no more than 833 handshakes a second come back.
 */
export const spreadMs = (online: number): number =>
  Math.min(30 * SECOND * Math.max(1, online / SPREAD_PEERS), online * 5);

// Storage
/** Bytes of entries in one row; a larger commit is split. SQLite and the platform refuse large values. */
export const ROW_BYTES = 512 * KIB;
/**
 * Bytes of a row that become one string; more are decoded piece by piece. Of strings of more than 128 KiB V8 frees tens of
 * MB at once, when it looks through its whole heap: 20 ms and more in which nobody is served.
 */
export const PIECE_BYTES = 96 * KIB;
/** Rows that one commit may delete, so that a log that has aged in silence does not stop the room. */
export const TRIM_ROWS = 256;
/** The steps in which a name's share of the log comes back. */
export const SHARE_SLOT_MS = DAY / 6;
/** Entries between two checkpoints of the cursors. */
export const CHECKPOINT_ENTRIES = 256;
/** Entries that may pass a peer before `ready` tells it so. */
export const READY_ENTRIES = 1_000;
/** Entries in which everyone is looked at once, whether `ready` is due to them. */
export const SWEEP_ENTRIES = 32;
/** Entries that one turn scans for peers that are behind, and one `history` for its page. */
export const SCAN_ENTRIES = 5_000;
/**
 * Bytes of rows after which a scan reads no further one. Reading and cutting a row takes about 2 ms a MiB, in which nobody
 * else is served.
 */
export const SCAN_BYTES = 256 * KIB;

/** What must have come since the last look at the inbox, for a turn to go on gathering: frames, joins and the like. */
export const GATHER_ITEMS = 8;
/** How long it gathers at most. */
export const GATHER_MS = 20;

// Flow control
/** Bytes in flight, unacknowledged, to all connections of a room together. */
export const ROOM_FLIGHT_BYTES = 32 * MIB;
/**
 * Bytes of signals that all connections of a room together may be sent at once, and the refill a second. The last one
 * may overdraw it, so that a signal goes to all or to none.
 */
export const ROOM_SIGNAL_BYTES = 16 * MIB;
/** The size at which a `gap` counts in a window. */
export const GAP_BYTES = 64;
/** Bytes that one connection may be sent at once, and its refill a second. */
export const BUDGET_BYTES = 4 * MIB;
export const BUDGET_BYTES_PER_SECOND = 4 * MIB;
/** Bytes of answers that one turn gives to all together: the next turn, with what others say, goes in between. */
export const TURN_ANSWER_BYTES = MIB;
/** Bytes of the past that one turn reads and gives, to all who are behind together; after that no further page is begun. */
export const TURN_REPLAY_BYTES = 512 * KIB;
/** What signals and presence leave in the budget, so that a flood of them does not starve entries and answers. */
export const EPHEMERAL_RESERVE_BYTES = MIB;
/** Once spent, the budget is waited for until it holds this much: pages, not drops. */
export const BUDGET_RESUME_BYTES = 256 * KIB;
/** No ack for this long, with something in flight, means a dead link. */
export const STALL_MS = 90 * SECOND;
/** A turn that comes this much after it was due shows that the clock was set, or that the process stood still. */
export const LATE_MS = 5 * SECOND;
/** A `ping` older than this means a dead link; a client that never pinged is not judged so. */
export const PING_AGE_MS = 150 * SECOND;
/** The least time between two looks at the age of everyone's `ping`. */
export const PING_CHECK_MS = 15 * SECOND;
/** Bytes sent to a `chat.v1` connection from one mark to the next. */
export const STRETCH_BYTES = 256 * KIB;
/**
 * Bytes sent to all `chat.v1` connections of a room together that nothing proves to be read; and the same of `chat.line`.
 * The runtime may hold both in memory, of which an isolate has 128 MiB.
 */
export const UNPROVEN_ROOM_BYTES = 24 * MIB;
export const UNPROVEN_LINE_BYTES = 24 * MIB;
/** From so many unproven bytes on, marks come before a stretch is full: many readers who are on their way to one are not few liars. */
export const UNPROVEN_PRESSURE_BYTES = 12 * MIB;

// Presence
/** News of who came and went are gathered for this long, in a room of up to 1,000. */
export const PRESENCE_MS = 200;
/** Frames of presence that a larger room makes a second: there, news are gathered for longer. */
export const PRESENCE_FRAMES_PER_SECOND = 5_000;
/** Frames of presence that one turn hands out: the next turn, with what others say, goes in between. */
export const PRESENCE_TURN_FRAMES = 500;
/** How long a name counts as online after its link broke. */
export const GRACE_MS = 15 * SECOND;
/** Names in one list of `welcome` or `presence`. */
export const NAMES_LISTED = 100;

// Answers
export const HISTORY_PRESET = 50;
export const HISTORY_MAX = 100;
export const HISTORY_BYTES = 64 * KIB;
export const WHO_NAMES = 200;
export const SIGNAL_BYTES = 1_024;
/** What `history` and `who` cost of the sender's allowance; every other item costs one. */
export const QUERY_COST = 10;
/** `chat.line` frames are cut at a line end below this. */
export const LINE_FRAME_BYTES = 256 * KIB;

// Forgetting
/** Away for this long, a name may be forgotten although messages wait for it. */
export const FORGET_AWAY_MS = 30 * DAY;
/** How old the room's knowledge of when a name was last seen may get before a join renews it. */
export const SEEN_AGE_MS = DAY;
/** The least time between two searches for names to forget. */
export const FORGET_SEARCH_MS = 60 * SECOND;

// The operator's API
/** Bytes of a request's body, and what `Content-Length` may say at most. */
export const BODY_BYTES = 512 * KIB;
/** Entries, and bytes of them, in one page of messages; names in one page of peers. */
export const MESSAGES_PRESET = 100;
export const MESSAGES_MAX = 1_000;
export const MESSAGES_BYTES = MIB;
/** Bytes of entries that an export holds in memory at once. */
export const EXPORT_PAGE_BYTES = MIB;
/** An export of which nothing is taken for this long is given up. */
export const EXPORT_STALL_MS = 60 * SECOND;
/** The least length of `ADMIN_KEY`, in characters. */
export const ADMIN_KEY_CHARACTERS = 16;
