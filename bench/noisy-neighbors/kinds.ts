/**
 * The neighbours: what each kind does, how many there are, and what may bound the memory that they cost.
 *
 * The bounds of memory come from docs/protocol.md, section 2, and are stated there by name; `src/core/limits.ts` has the
 * numbers. How long the others wait is no promise of the room: the bounds of that hold on a machine that is not much slower
 * than the one in docs/guarantees.md.
 */
import { MIB, STRETCH_BYTES } from "../../src/core/limits.ts";
import { presets } from "../../src/config/limits.ts";
import { QUERY_COST } from "../../src/protocol/limits.ts";
import { HISTORY_BYTES } from "../../src/core/commands/queries.ts";
import { UNPROVEN_LINE_BYTES, UNPROVEN_ROOM_BYTES } from "../../src/core/delivery/proof.ts";
import { ROOM_FLIGHT_BYTES } from "../../src/core/delivery/flow-control.ts";

const { window: WINDOW, windowBytes: WINDOW_BYTES, rate: RATE, burst: BURST } = presets();

export const KINDS = [
  "never acks",
  "never reads, asks",
  "acks unread",
  "acks unread, stays",
  "lines unread",
  "flood",
  "mail bomb",
  "names",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Scenario {
  readonly name: string;
  readonly kind: Kind;
  readonly count: number;
  /** Left out of a quick run: another one asks more of the room. */
  readonly isMinor?: true;
  /** Bytes that the room may hold or have under way for these neighbours in a round of `ms`. */
  readonly bytes: (ms: number) => number;
  /** What must have happened at all, or nothing was measured: one of the deeds that the generator counts. */
  readonly deed?: string;
  /** The conversation names its people: what is for everyone waits for whoever is away, who is not forgotten then. */
  readonly isAddressed?: true;
  /** What the p99 of the others may be whatever it is alone, ms; a second if it is not said. */
  readonly p99Ms?: number;
  /** The bound in words. */
  readonly because: string;
}

/** Questions that one name may ask in a round, each answered by a page. */
const pages = (ms: number): number => ((BURST + (RATE * ms) / 1_000) / QUERY_COST) * HISTORY_BYTES;
/** What one connection may be sent and not prove to have read: a window, two stretches, and the frame that ends the last. */
const UNPROVEN_BYTES = WINDOW_BYTES + 3 * STRETCH_BYTES;
/** Of neighbours who end their links each second and come back, a round's worth: the runtime frees a queue in its time. */
const RETURNS = 8;
/** What one name may say in a round, if each thing it says has `bytes`. */
const words = (bytes: number, ms: number): number => (BURST + (RATE * ms) / 1_000) * bytes;

/** Bytes of a bomb's messages, and of a flood's, as entries on the wire. */
export const BOMB_BYTES = 8_000;
const FLOOD_BYTES = 200;
/** Expected of a machine like the one in docs/guarantees.md, the clients on it too: messages handed out in a second. */
const DELIVERIES_PER_SECOND = 15_000;
/** Those who talk; the others are beside them. */
export const PEERS = 8;
const FLOODERS = 10;
/** The room has one order: what they may say at once, each word for everyone, comes before what is said after it. */
const FLOOD_DELIVERIES = FLOODERS * BURST * (PEERS + FLOODERS);
/** What each asks at once: as much as its allowance gives. */
export const ASKED_AT_ONCE = Math.floor(BURST / QUERY_COST) - 5;
const ASKERS = 100;
/** What they may ask for at once, each a page, comes in turns with what is said after it; handed out in a second here. */
const ASKED_BYTES = ASKERS * ASKED_AT_ONCE * HISTORY_BYTES;
const PAGE_BYTES_PER_SECOND = 100 * MIB;
/** Names that a room remembers, by default and in a quick run. */
export const NAMES = presets().names;
export const NAMES_QUICK = 2_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "one never acks",
    kind: "never acks",
    deed: "joined",
    count: 1,
    isMinor: true,
    bytes: () => WINDOW_BYTES,
    because: `a window: ${WINDOW} entries, ${WINDOW_BYTES / 1024} KiB`,
  },
  {
    name: "a hundred never ack",
    kind: "never acks",
    deed: "joined",
    count: 100,
    bytes: () => Math.min(ROOM_FLIGHT_BYTES, 100 * WINDOW_BYTES),
    because: "a window each, and 32 MiB in flight in all",
  },
  {
    name: "one asks, never reads",
    kind: "never reads, asks",
    deed: "questions",
    count: 1,
    isMinor: true,
    bytes: (ms) => Math.min(pages(ms), UNPROVEN_BYTES),
    because: "a window and three stretches",
  },
  {
    name: "a hundred ask, never read",
    kind: "never reads, asks",
    deed: "questions",
    count: ASKERS,
    p99Ms: 1_000 + (ASKED_BYTES / PAGE_BYTES_PER_SECOND) * 1_000,
    bytes: () => Math.min(ASKERS * UNPROVEN_BYTES, UNPROVEN_ROOM_BYTES + ASKERS * STRETCH_BYTES),
    because:
      `the same, each; asked at once, that is ${Math.round(ASKED_BYTES / MIB)} MiB of pages, ` +
      `here expected at ${PAGE_BYTES_PER_SECOND / MIB} MiB a second`,
  },
  {
    name: "one acks what it never read",
    kind: "acks unread",
    deed: "lies",
    count: 1,
    isMinor: true,
    bytes: () => RETURNS * UNPROVEN_BYTES,
    because: "a window and three stretches, for each link of a round",
  },
  {
    name: "a hundred ack what they never read",
    kind: "acks unread",
    deed: "lies",
    count: 100,
    bytes: () => 100 * RETURNS * UNPROVEN_BYTES,
    because: "the same, each",
  },
  {
    name: "ten ack what they never read, and stay",
    kind: "acks unread, stays",
    deed: "lies",
    count: 10,
    bytes: () => 10 * UNPROVEN_BYTES,
    because: "a window and three stretches each",
  },
  {
    name: "ten never read a line",
    kind: "lines unread",
    deed: "questions",
    count: 10,
    bytes: () => UNPROVEN_LINE_BYTES,
    because: "24 MiB in all: beyond it those who owe most are ended",
  },
  {
    name: "ten flood everyone",
    kind: "flood",
    count: FLOODERS,
    p99Ms: 1_000 + (FLOOD_DELIVERIES / DELIVERIES_PER_SECOND) * 1_000,
    deed: "closed with 4103",
    bytes: (ms) => FLOODERS * words(FLOOD_BYTES, ms),
    because:
      `their allowance: ${BURST} items at once and ${RATE} a second, then 4103; at once that is ` +
      `${FLOOD_DELIVERIES} deliveries (${FLOODERS} names, ${PEERS + FLOODERS} who get each), here expected at ${DELIVERIES_PER_SECOND} a second`,
  },
  {
    name: "a mail bomb for somebody away, who returns",
    kind: "mail bomb",
    count: 10,
    deed: "bombs that came",
    bytes: (ms) => 10 * words(BOMB_BYTES, ms),
    because: "what ten names may say: 500 messages at once and 50 a second, each",
  },
  {
    name: "as many names as a room remembers, and more",
    kind: "names",
    count: 1,
    deed: "new names",
    isAddressed: true,
    bytes: () => 32 * MIB,
    because: "a row and a checkpoint entry a name; the longest away are forgotten",
  },
];
