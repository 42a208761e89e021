/**
 * The scenarios: kind and number of neighbors, and the bounds of their memory and of the others' latency.
 *
 * The memory bounds come from docs/protocol.md, section 2, which states them by name. The room does not promise a latency:
 * these bounds hold on a machine that is not much slower than the one in docs/guarantees.md.
 */
import { MIB, STRETCH_BYTES } from "../../src/core/limits.ts";
import { defaultLimits } from "../../src/config/limits.ts";
import { QUERY_COST } from "../../src/protocol/limits.ts";
import { HISTORY_BYTES } from "../../src/core/commands/queries.ts";
import { UNPROVEN_LINE_BYTES, UNPROVEN_ROOM_BYTES } from "../../src/core/delivery/proof.ts";
import { ROOM_FLIGHT_BYTES } from "../../src/core/delivery/flow-control.ts";

const { window: WINDOW, windowBytes: WINDOW_BYTES, rate: RATE, burst: BURST } = defaultLimits();

export const KINDS = [
  "never acks",
  "queries unread",
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
  /** Left out of a quick run, because another scenario loads the room more. */
  readonly isMinor?: true;
  /** Bytes that the room may hold or have in flight for these neighbors in a round of `ms`. */
  readonly bytes: (ms: number) => number;
  /** An event that must have happened at least once, or nothing was measured: one of the generator's counts. */
  readonly required?: string;
  /** Messages go to the participants by name: a message to everyone is pending for absent names and prevents eviction. */
  readonly isAddressed?: true;
  /** The p99 of the others that is allowed whatever it is alone, ms; one second by default. */
  readonly p99Ms?: number;
  /** The bound in words. */
  readonly because: string;
}

/** Bytes of the history pages that one name may request in a round of `ms`. */
const pages = (ms: number): number => ((BURST + (RATE * ms) / 1_000) / QUERY_COST) * HISTORY_BYTES;
/** Unproven bytes of one connection at most: a window, two stretches, and the frame that ends the last. */
const UNPROVEN_BYTES = WINDOW_BYTES + 3 * STRETCH_BYTES;
/** Connections of a neighbor that reconnects each second, in a round: the runtime frees a queue with a delay. */
const RECONNECTS = 8;
/** Bytes of the messages that one name may send in a round of `ms`, each of `bytes`. */
const messages = (bytes: number, ms: number): number => (BURST + (RATE * ms) / 1_000) * bytes;

/** Bytes of a bomb's messages, and of a flood's, as entries on the wire. */
export const BOMB_BYTES = 8_000;
const FLOOD_BYTES = 200;
/** Deliveries a second that are expected of a machine like the one in docs/guarantees.md, which also runs the clients. */
const DELIVERIES_PER_SECOND = 15_000;
/** Participants of the conversation. */
export const PEERS = 8;
const FLOODERS = 10;
/** The room has one order, so every delivery of a burst to everyone comes before later messages. */
const FLOOD_DELIVERIES = FLOODERS * BURST * (PEERS + FLOODERS);
/** Requests that each neighbor sends at once: as many as its rate limit allows. */
export const QUERIES_AT_ONCE = Math.floor(BURST / QUERY_COST) - 5;
const QUERIERS = 100;
/** Bytes of the pages requested at once, which alternate with later messages; and the expected bytes a second. */
const REQUESTED_BYTES = QUERIERS * QUERIES_AT_ONCE * HISTORY_BYTES;
const PAGE_BYTES_PER_SECOND = 100 * MIB;
/** Names that the room remembers, by default and in a quick run. */
export const NAMES = defaultLimits().names;
export const NAMES_QUICK = 2_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "one never acks",
    kind: "never acks",
    required: "joined",
    count: 1,
    isMinor: true,
    bytes: () => WINDOW_BYTES,
    because: `a window: ${WINDOW} entries, ${WINDOW_BYTES / 1024} KiB`,
  },
  {
    name: "a hundred never ack",
    kind: "never acks",
    required: "joined",
    count: 100,
    bytes: () => Math.min(ROOM_FLIGHT_BYTES, 100 * WINDOW_BYTES),
    because: "a window each, and 32 MiB in flight in all",
  },
  {
    name: "one queries and never reads",
    kind: "queries unread",
    required: "queries",
    count: 1,
    isMinor: true,
    bytes: (ms) => Math.min(pages(ms), UNPROVEN_BYTES),
    because: "a window and three stretches",
  },
  {
    name: "a hundred query and never read",
    kind: "queries unread",
    required: "queries",
    count: QUERIERS,
    p99Ms: 1_000 + (REQUESTED_BYTES / PAGE_BYTES_PER_SECOND) * 1_000,
    bytes: () =>
      Math.min(QUERIERS * UNPROVEN_BYTES, UNPROVEN_ROOM_BYTES + QUERIERS * STRETCH_BYTES),
    because:
      `the same, each; requested at once, that is ${Math.round(REQUESTED_BYTES / MIB)} MiB of pages, ` +
      `expected at ${PAGE_BYTES_PER_SECOND / MIB} MiB a second`,
  },
  {
    name: "one acks entries it never read",
    kind: "acks unread",
    required: "false acks",
    count: 1,
    isMinor: true,
    bytes: () => RECONNECTS * UNPROVEN_BYTES,
    because: "a window and three stretches, for each connection of a round",
  },
  {
    name: "a hundred ack entries they never read",
    kind: "acks unread",
    required: "false acks",
    count: 100,
    bytes: () => 100 * RECONNECTS * UNPROVEN_BYTES,
    because: "the same, each",
  },
  {
    name: "ten ack entries they never read, and stay connected",
    kind: "acks unread, stays",
    required: "false acks",
    count: 10,
    bytes: () => 10 * UNPROVEN_BYTES,
    because: "a window and three stretches each",
  },
  {
    name: "ten chat.line clients never read",
    kind: "lines unread",
    required: "queries",
    count: 10,
    bytes: () => UNPROVEN_LINE_BYTES,
    because:
      "24 MiB in all: beyond it, the room closes the connections with the most unproven bytes",
  },
  {
    name: "ten flood everyone",
    kind: "flood",
    count: FLOODERS,
    p99Ms: 1_000 + (FLOOD_DELIVERIES / DELIVERIES_PER_SECOND) * 1_000,
    required: "closed with 4103",
    bytes: (ms) => FLOODERS * messages(FLOOD_BYTES, ms),
    because:
      `their rate limit: ${BURST} items at once and ${RATE} a second, then 4103; at once that is ` +
      `${FLOOD_DELIVERIES} deliveries (${FLOODERS} names, ${PEERS + FLOODERS} recipients each), expected at ${DELIVERIES_PER_SECOND} a second`,
  },
  {
    name: "a mail bomb for an absent member, who returns",
    kind: "mail bomb",
    count: 10,
    required: "bombs that came",
    bytes: (ms) => 10 * messages(BOMB_BYTES, ms),
    because: "the rate limit of ten names: 500 messages at once and 50 a second, each",
  },
  {
    name: "as many names as a room remembers, and more",
    kind: "names",
    count: 1,
    required: "new names",
    isAddressed: true,
    bytes: () => 32 * MIB,
    because: "a row and a checkpoint entry a name; the longest absent are evicted",
  },
];
