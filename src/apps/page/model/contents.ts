/** What the page shows of a message: its text, its reactions, its quote. Pure. */
import type { Entry, OutboxItem } from "../../../client/index.ts";
import type { Reaction } from "../../../model/index.ts";
import type { Message } from "./log.ts";

/** The marks that the page offers, with their names for screen readers. */
export const MARKS: readonly (readonly [string, string])[] = [
  ["👍", "thumbs up"],
  ["❤️", "heart"],
  ["😄", "smile"],
  ["🎉", "party"],
  ["😮", "surprise"],
  ["👀", "eyes"],
];

/** How much of a mark and of a quoted text is shown, in characters. */
const MARK_LENGTH = 12;
const QUOTE_LENGTH = 160;

export interface Contents {
  /** A text of a person, or a sentence of the page about the message. */
  readonly text: string;
  readonly isSentence: boolean;
  readonly note: "" | "edited" | "Waiting here";
}

/** Returns the text of a message as the reader will have it once the outbox is sent. */
export function contentsOf({ entry, unsent }: Pick<Message, "entry" | "unsent">): Contents {
  const change = unsent.findLast((item) => item.type === "patch");
  if (change?.erase) return { text: ERASED, isSentence: true, note: "Waiting here" };
  if (change?.text !== undefined) {
    return { text: change.text, isSentence: false, note: "Waiting here" };
  }
  const sentence = sentenceOf(entry);
  const isEdited = (entry.patches ?? 0) > 0 && !entry.erased;
  return {
    text: sentence ?? entry.text,
    isSentence: sentence !== undefined,
    note: isEdited ? "edited" : "",
  };
}

const ERASED = "This message was erased.";

/** Returns a sentence in place of the text, if there is no text to show. */
export function sentenceOf({
  text,
  erased,
  by,
}: Pick<Entry, "text" | "erased" | "by">): string | undefined {
  if (erased) return by === "operator" ? "An operator erased this message." : ERASED;
  return text === "" ? "Sent something that this page cannot show." : undefined;
}

export interface ShownReaction {
  readonly mark: string;
  readonly count: number;
  readonly isMine: boolean;
  /** Whether an own change of it waits in the outbox. */
  readonly isWaiting: boolean;
  /** The names of those who reacted, as part of a sentence. */
  readonly names: string;
}

/** Returns the reactions of a message as they will be once the outbox is sent. */
export function reactionsOf(
  { reactions, unsent }: Pick<Message, "reactions" | "unsent">,
  me: string,
): readonly ShownReaction[] {
  const waiting = waitingMarks(unsent);
  const marks = new Set([...reactions.map(({ mark }) => mark), ...waiting.keys()]);
  return [...marks].flatMap((mark) => {
    const { from }: Pick<Reaction, "from"> = reactions.find((one) => one.mark === mark) ?? {
      from: [],
    };
    const others = from.filter((name) => name !== me);
    const isMine = waiting.get(mark) ?? from.includes(me);
    const count = others.length + (isMine ? 1 : 0);
    // What is taken back stays until the room has it, so that it can be seen to wait.
    if (count === 0 && !waiting.has(mark)) return [];
    const names = listOf(isMine ? ["you", ...others] : others);
    return [{ mark, count, isMine, isWaiting: waiting.has(mark), names }];
  });
}

/** Returns whether each mark that waits in the outbox is set. */
function waitingMarks(unsent: readonly OutboxItem[]): ReadonlyMap<string, boolean> {
  const marks = new Map<string, boolean>();
  for (const { data } of unsent) {
    const mark = data?.["mark"];
    if (typeof mark === "string") marks.set(mark, data?.["on"] !== false);
  }
  return marks;
}

const list = new Intl.ListFormat("en");
/** Of more names than this, the rest is a number. */
const NAMES_MAX = 8;

function listOf(names: readonly string[]): string {
  if (names.length <= NAMES_MAX) return list.format(names);
  return list.format([...names.slice(0, NAMES_MAX), `${names.length - NAMES_MAX} more`]);
}

/** Another client may have sent any text as a mark. */
export const shortMark = (mark: string): string => shortened(mark, MARK_LENGTH);

export interface Quote {
  readonly from: string;
  readonly text: string;
}

/** Returns what a quote shows of a message. @param me the reader's name */
export function quoteOf(original: Entry | undefined, me: string): Quote {
  if (original === undefined) return { from: "", text: "Earlier message" };
  const from = original.from === me ? "You" : original.from;
  const text = sentenceOf(original) ?? original.text.replaceAll(/\s+/g, " ");
  return { from, text: shortened(text, QUOTE_LENGTH) };
}

function shortened(text: string, length: number): string {
  // Characters, because half of one is none.
  const characters = Array.from(text.slice(0, 2 * length + 2));
  const short = characters.slice(0, length).join("");
  return short.length < text.length ? `${short}…` : text;
}

/**
 * Returns whom a reply goes to: those who have the message, without the reader. Empty: everyone, as the message did.
 * @param me the reader's name
 */
export function audienceOf({ from, to }: Pick<Entry, "from" | "to">, me: string): string[] {
  if (to === undefined) return [];
  const others = [...new Set([from, ...to])].filter((name) => name !== me);
  // A note to oneself is answered to oneself.
  return others.length > 0 ? others : [me];
}
