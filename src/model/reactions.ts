/** Reactions and replies: what the entries that refer to a message make of it (docs/conventions.md). Pure. */
import type { Entry } from "../client/events.ts";
import type { Data } from "../protocol/frames.ts";
import { MARK_UNITS } from "../protocol/limits.ts";

/** A mark on a message, and the names of those who set it, in the order of the room. */
export interface Reaction {
  readonly mark: string;
  readonly from: readonly string[];
}

/** What refers to a message. */
export interface References<D extends Data> {
  readonly replies: readonly Entry<D>[];
  readonly reactions: readonly Reaction[];
}

/** Returns the mark that an entry sets or takes back; undefined if it is no reaction. */
function markOf({ ref, text, data }: Pick<Entry, "ref" | "text" | "data">): string | undefined {
  const mark = data?.["mark"];
  if (ref === undefined || text !== "" || typeof mark !== "string") return undefined;
  // A longer one is no reaction.
  return mark === "" || mark.length > MARK_UNITS ? undefined : mark;
}

/** Whether an entry sets or takes back a mark, instead of saying something. */
export const isReaction = (entry: Pick<Entry, "ref" | "text" | "data">): boolean =>
  markOf(entry) !== undefined;

/** @param entries those that refer to one message, in the order of the room */
export function referencesOf<D extends Data>(entries: readonly Entry<D>[]): References<D> {
  const marks = new Map<string, Map<string, boolean>>();
  for (const entry of entries) {
    const mark = markOf(entry);
    if (mark === undefined) continue;
    const people = marks.get(mark) ?? new Map<string, boolean>();
    // The last entry of a person counts, and gives them their place.
    people.delete(entry.from);
    marks.set(mark, people.set(entry.from, entry.data?.["on"] !== false));
  }
  const reactions = Array.from(marks, ([mark, people]) => {
    const from = [...people].flatMap(([name, isOn]) => (isOn ? [name] : []));
    return { mark, from };
  });
  return {
    replies: entries.filter((entry) => !entry.quiet && !isReaction(entry)),
    reactions: reactions.filter(({ from }) => from.length > 0),
  };
}

/** Returns `after` with the lists of `before` that have not changed. */
export function keepingSame<D extends Data>(
  before: References<D>,
  after: References<D>,
): References<D> {
  const { replies, reactions } = before;
  const isSameReplies = isEach(replies, after.replies, (a, b) => a === b);
  const isSameReactions = isEach(
    reactions,
    after.reactions,
    (a, b) => a.mark === b.mark && isEach(a.from, b.from, (one, other) => one === other),
  );
  return {
    replies: isSameReplies ? replies : after.replies,
    reactions: isSameReactions ? reactions : after.reactions,
  };
}

const isEach = <Item>(
  a: readonly Item[],
  b: readonly Item[],
  isSame: (a: Item, b: Item) => boolean,
): boolean =>
  a.length === b.length &&
  a.every((item, index) => {
    const other = b[index];
    return other !== undefined && isSame(item, other);
  });
