/**
 * What members send: messages, with or without data; reactions; changes and erasures of their own messages, and now and then
 * of somebody else's. Each text, and each `key` of data, is sent once.
 */
import type { ReceivedEntry, SentItem } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A name that no client ever has. */
const NOBODY = "nobody";
/** Characters of one, two, three and four bytes in UTF-8. */
const FILL_CHARACTERS = ["x", "é", "語", "🦀"];
const MARKS = ["👍", "🎉", "❤️"];
/** Number of newest entries that most changes and reactions are about. */
const RECENT = 6;

export type NewItem = Omit<SentItem, "id" | "fate">;

interface Sender {
  readonly name: string;
  /** Makes what it sends unique. */
  readonly number: number;
  readonly names: readonly string[];
  /** What it has received so far. */
  readonly received: readonly ReceivedEntry[];
}

/** Returns what a member sends next. */
export function nextItem(random: SeededRandom, sender: Sender): NewItem {
  const { name, received } = sender;
  const kind = random.next();
  const own = received.filter(({ type, from }) => type === "message" && from === name);
  if (kind < 0.6) return nextMessage(random, sender);
  if (kind < 0.7) return reaction(random, sender);
  if (kind < 0.97) return nextPatch(random, sender, own, false);
  const others = received.filter(({ type, from }) => type === "patch" || from !== name);
  return nextPatch(random, sender, others, true);
}

export function nextMessage(
  random: SeededRandom,
  { name, number, names, received }: Sender,
): NewItem {
  const text = textOf(random, name, number);
  const kind = random.next();
  const data = random.chance(0.1) && { data: dataOf(name, number) };
  const target = random.chance(0.1) ? received.at(-random.between(1, RECENT)) : undefined;
  const item = { type: "send", text, ...data, ...(target && { ref: target.seq }) } as const;
  if (kind < 0.5) return { ...item, isInvalid: false };
  if (kind < 0.95) {
    const to = new Set([random.pick(names), random.pick(names)]);
    return { ...item, to: [...to], isInvalid: false };
  }
  return { ...item, to: [random.pick(names), NOBODY], isInvalid: true };
}

/** A quiet entry without text, for those who have the message. */
function reaction(random: SeededRandom, sender: Sender): NewItem {
  const messages = sender.received.filter(({ type, quiet }) => type === "message" && !quiet);
  const target = oneOf(random, messages);
  if (target === undefined) return nextMessage(random, sender);
  const { seq: ref, from, to: names } = target;
  const off = random.chance(0.2) && { on: false };
  return {
    type: "send",
    text: "",
    ref,
    quiet: true,
    data: { ...dataOf(sender.name, sender.number), mark: random.pick(MARKS), ...off },
    ...(names && { to: [...new Set([from, ...names])] }),
    isInvalid: false,
  };
}

function nextPatch(
  random: SeededRandom,
  sender: Sender,
  targets: readonly ReceivedEntry[],
  isInvalid: boolean,
): NewItem {
  const target = oneOf(random, targets);
  if (target === undefined) return nextMessage(random, sender);
  const { name, number } = sender;
  const { seq: ref, to, quiet } = target;
  const kind = random.next();
  const about = { ref, ...(to && { to }), ...(quiet && { quiet }), isInvalid };
  if (kind < 0.25) return { type: "erase", ...about };
  return {
    type: "edit",
    ...about,
    ...(kind < 0.85 && { text: textOf(random, name, number) }),
    ...(kind > 0.65 && { data: dataOf(name, number) }),
  };
}

/** Mostly one of the newest; sometimes the oldest, which is changed again and again. */
function oneOf(random: SeededRandom, entries: readonly ReceivedEntry[]): ReceivedEntry | undefined {
  if (random.chance(0.1)) return entries[0];
  return entries.at(-random.between(1, Math.min(RECENT, entries.length)));
}

/** Mostly short; some fill several packets. */
function textOf(random: SeededRandom, name: string, number: number): string {
  const length = random.chance(0.1) ? random.between(500, 2_000) : random.between(0, 30);
  return `${name} ${number} ${random.pick(FILL_CHARACTERS).repeat(length)}`.trim();
}

const dataOf = (name: string, number: number): { readonly key: string } => ({
  key: `${name} ${number} data`,
});

/** Returns the ms until the next item: mostly a pause, sometimes none. */
export const pauseOf = (random: SeededRandom): number =>
  random.chance(0.25) ? random.between(0, 5) : random.between(50, 500);
