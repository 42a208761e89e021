/** The rows of the log: items, and the lines between them. Pure: the time zone and the language are parameters. */
import type { OutboxItem } from "../../../client/index.ts";
import type { Gap, LogItem, Message, FailedItem, Waiting } from "./log.ts";

/** Messages of one person within this time share a header. */
const GROUP_MS = 300_000;

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly text: string }
  | {
      readonly kind: "line";
      readonly key: string;
      readonly text: string;
      readonly reason: LineReason;
    }
  | {
      readonly kind: "message";
      readonly key: string;
      readonly item: Message;
      /** The row begins a group: the sender and the time are above it. */
      readonly isHead: boolean;
      readonly time: string;
    }
  | { readonly kind: "gap"; readonly key: string; readonly item: Gap }
  | { readonly kind: "trouble"; readonly key: string; readonly item: FailedItem }
  | {
      readonly kind: "waiting";
      readonly key: string;
      readonly item: Waiting;
      readonly isHead: boolean;
    };

/** The message below a line: the first unread one, or the first of a replay. */
export type LineReason = "unread" | "replay";

export interface Line {
  readonly text: string;
  readonly reason: LineReason;
}

export interface Calendar {
  /** The name of the day: the same text for the same day. */
  readonly day: (at: number) => string;
  readonly time: (at: number) => string;
  /** Whether the time is on the day of the calendar's `now`. */
  readonly isToday: (at: number) => boolean;
}

const DAY_MS = 86_400_000;
/** The farthest time from 1970 that a date can have, in ms. */
const TIME_MAX = 8.64e15;

/**
 * @param now ms since 1970, for *today* and *yesterday*. Days are calendar days: with summer time, a day may have 23 or
 *   25 hours.
 */
export function calendar(now: number, locale?: string, timeZone?: string): Calendar {
  const zone = timeZone === undefined ? {} : { timeZone };
  const days = new Intl.DateTimeFormat(locale, {
    ...zone,
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  const times = new Intl.DateTimeFormat(locale, { ...zone, hour: "2-digit", minute: "2-digit" });
  const numbers = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
    ...zone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    era: "short",
  });
  /** Calendar days from 1 January 1970 to the day of `at`. */
  const dayNumber = (at: number): number => {
    const found = new Map(numbers.formatToParts(at).map(({ type, value }) => [type, value]));
    const [year = 0, month = 0, day = 0] = ["year", "month", "day"].map((part) =>
      Number(found.get(part as Intl.DateTimeFormatPartTypes)),
    );
    return Date.UTC(found.get("era")?.startsWith("B") ? 1 - year : year, month - 1, day) / DAY_MS;
  };
  const today = dayNumber(now);
  return {
    day: (at) => {
      // A room's clock may give any number.
      if (!isTime(at)) return "Unknown day";
      const ago = today - dayNumber(at);
      if (ago === 0) return "Today";
      return ago === 1 ? "Yesterday" : days.format(at);
    },
    time: (at) => (isTime(at) ? times.format(at) : ""),
    isToday: (at) => dayNumber(at) === today,
  };
}

const isTime = (at: number): boolean => Number.isFinite(at) && Math.abs(at) <= TIME_MAX;

/**
 * Returns the rows of `items` from `start` to `end`.
 * @param lines by the seq of the message below them
 */
export function rowsOf(
  items: readonly LogItem[],
  { start, end }: { readonly start: number; readonly end: number },
  lines: ReadonlyMap<number, Line>,
  { day, time }: Calendar,
): Row[] {
  const rows: Row[] = [];
  let before: LogItem | undefined;
  let lastDay = "";
  for (const item of items.slice(start, end)) {
    const { key } = item;
    switch (item.kind) {
      case "message": {
        const { at } = item.entry;
        const today = day(at);
        const line = lines.get(item.seq);
        const isNewDay = today !== lastDay;
        if (isNewDay) rows.push({ kind: "day", key: `d${item.seq}`, text: today });
        if (line !== undefined) rows.push({ kind: "line", key: `l${item.seq}`, ...line });
        const isHead = isNewDay || line !== undefined || !continues(before, item);
        rows.push({ kind: "message", key, item, isHead, time: time(at) });
        lastDay = today;
        break;
      }
      case "gap":
        rows.push({ kind: "gap", key, item });
        break;
      case "trouble":
        rows.push({ kind: "trouble", key, item });
        break;
      case "waiting": {
        const isHead =
          before?.kind !== "waiting" || !isSame(toOf(before.unsent), toOf(item.unsent));
        rows.push({ kind: "waiting", key, item, isHead });
        break;
      }
      default:
        item satisfies never;
    }
    before = item;
  }
  return rows;
}

function continues(before: LogItem | undefined, { entry }: Message): boolean {
  if (before?.kind !== "message") return false;
  const { from, to, at } = before.entry;
  return from === entry.from && isSame(to, entry.to) && entry.at - at < GROUP_MS;
}

/** The recipients of an item of the outbox; undefined: everyone, or those of the message that it changes. */
export const toOf = (unsent: OutboxItem): readonly string[] | undefined =>
  unsent.type === "message" ? unsent.to : undefined;

const isSame = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a?.join("/") === b?.join("/");
