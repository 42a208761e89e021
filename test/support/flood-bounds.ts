/**
 * The most rows that a flood can make a room write. The tests count them, and docs/security.md lists them. Both use
 * this file, so the page cannot become stale.
 */
import { defaultLimits } from "../../src/config/limits.ts";
import { CHECKPOINT_ENTRIES } from "../../src/core/broker.ts";
import { quotaOf } from "../../src/core/peers/log-quota.ts";

const limits = defaultLimits();
/** Entries that one name may add in 24 hours. */
const daily = quotaOf(limits)?.entries ?? Infinity;

export const ROWS = {
  /** Four tables, and their initial rows. */
  freshRoom: 13,
  claim: 1,
  end: 1,
  /** A name that is evicted to make room. */
  forgotten: 1,
  refused: 0,
  takeover: 0,
  /** A name that was last seen more than a day ago. */
  seenAgain: 1,
  /** Bad frames, acks, signals, history, who, pings. */
  chatter: 0,
  /** Once when it is stored, once when it is deleted. */
  message: 2,
  /** The same, and the rows of its target and of the patch before it. */
  patch: 4,
} as const;

const { freshRoom, claim, end, forgotten, refused, takeover, seenAgain, chatter, message, patch } =
  ROWS;

/** The table of docs/security.md. */
export const TABLE: readonly (readonly [flood: string, rows: string])[] = [
  ["an upgrade that is rejected, for any reason, to a fresh room too", `${refused}`],
  ["a takeover of a name by its next connection", `${takeover}`],
  ["an upgrade with a known name, and its end", `${end}`],
  ["the same, for a name last seen more than a day ago", `${end + seenAgain}`],
  ["an upgrade with a new name, and its end", `${claim + end}`],
  ["the same, in a room that knows all the names it may", `${claim + end + forgotten}`],
  ["the first upgrade to a fresh room, and its end", `${freshRoom + claim + end}`],
  ["bad frames, acks, signals, `history`, `who`, `ping`, as many as you like", `${chatter}`],
  ["a frame over the allowance, which closes the connection", `${end}`],
  ["a message: once when it is stored, once when it is deleted", `${message}`],
  [
    "a patch: the same, and the rows of its target and of the patch before it (one above 1 MiB is split)",
    `${patch}`,
  ],
  [`messages of one name, in a second (\`RATE\` ${limits.rate})`, thousands(message * limits.rate)],
  [
    `messages of one name, in a day (\`LOG_SHARE\` ${limits.share} of ${thousands(limits.logEntries)})`,
    thousands(message * daily),
  ],
  ["patches of one name, in a second", thousands(patch * limits.rate)],
  ["patches of one name, in a day", thousands(patch * daily)],
  [`the cursors of all peers online, per 512 KiB of them and ${CHECKPOINT_ENTRIES} messages`, "1"],
];

export function thousands(count: number): string {
  return count.toLocaleString("en-US");
}
