/**
 * What changes and erasures make of a message: in a client's copy, by what it received; and in truth. Pure.
 *
 * Invariant: the truth comes from what the members sent and from the order of the patches, never from the contents that the
 * room delivered.
 */
import type { Entry, Patch } from "../../src/client/index.ts";
import { RoomModel } from "../../src/model/index.ts";
import { type History, type ReceivedEntry, type SentItem, stringsIn } from "./history.ts";

/** What the folding of an entry can change. */
export interface Copy {
  readonly text: string;
  readonly data: string | undefined;
  readonly erased: boolean;
  readonly by: string | undefined;
  /** The seq of the last patch. */
  readonly patched: number | undefined;
  readonly isChanged: boolean;
}

/** The true course of one message. */
export interface Course {
  readonly sent: SentItem;
  readonly patches: readonly ReceivedEntry[];
  /** Before the first patch, and after each. */
  readonly copies: readonly Copy[];
  /** A gap hides whether a further patch was stored. */
  readonly isUnsure: boolean;
}

/** The contents of a patch. */
type Contents = Pick<ReceivedEntry, "text" | "data" | "erase" | "by">;

/** The rule of the protocol: what a patch makes of a copy. */
function patch(copy: Copy, patched: number, { text, data, erase, by }: Contents): Copy {
  const { isChanged } = copy;
  if (erase) return { text: "", data: undefined, erased: true, by, patched, isChanged };
  return {
    ...copy,
    text: text ?? copy.text,
    data: data === undefined ? copy.data : JSON.stringify(data),
    patched,
    isChanged: true,
  };
}

export const copyOf = (message: ReceivedEntry): Copy => ({
  text: message.text ?? "",
  data: message.data && JSON.stringify(message.data),
  erased: message.erased ?? false,
  by: message.by,
  patched: message.patched,
  isChanged: (message.patches ?? 0) > 0,
});

/** A client that was away cannot know whether an erased message had been changed before. */
export const isSame = (one: Copy, other: Copy): boolean =>
  one.text === other.text &&
  one.data === other.data &&
  one.erased === other.erased &&
  one.by === other.by &&
  one.patched === other.patched &&
  (one.erased || one.isChanged === other.isChanged);

/** Returns the messages of a client, as it folds what it receives by the rule of the protocol. */
export function foldedView(received: readonly ReceivedEntry[]): Map<number, Copy> {
  const view = new Map<number, Copy>();
  for (const entry of received) {
    if (entry.type === "message") {
      view.set(entry.seq, copyOf(entry));
      continue;
    }
    const copy = view.get(entry.ref ?? 0);
    const isNews = entry.patched === undefined && entry.seq > (copy?.patched ?? entry.ref ?? 0);
    if (copy !== undefined && isNews) view.set(entry.ref ?? 0, patch(copy, entry.seq, entry));
  }
  return view;
}

/** Returns the same as `chat-room/model` has it. */
export function modelView(received: readonly ReceivedEntry[]): Map<number, Copy> {
  const model = new RoomModel();
  for (const entry of received) {
    if (entry.type === "message") model.add(entry as ReceivedEntry & Entry);
    else model.apply(entry as ReceivedEntry & Patch);
  }
  return new Map(model.entries.map((entry) => [entry.seq, copyOf({ ...entry, type: "message" })]));
}

/** Returns the items of all members, by id. */
export const sentItems = (histories: readonly History[]): Map<string, SentItem> =>
  new Map(histories.flatMap(({ sent }) => sent.map((item) => [item.id, item])));

/** Returns the course of each message that a member sent, by its seq. */
export function coursesOf(histories: readonly History[]): Map<number, Course> {
  const sent = sentItems(histories);
  const unsure = new Set(
    [...sent.values()].flatMap(({ fate, ref }) =>
      fate === "unknown" && ref !== undefined ? [ref] : [],
    ),
  );
  const messages = new Map<number, SentItem>();
  const patches = new Map<number, Map<number, ReceivedEntry>>();
  for (const entry of histories.flatMap(({ received, stored = [] }) => [...received, ...stored])) {
    const item = sent.get(entry.id ?? "");
    if (entry.type === "message" && item !== undefined) messages.set(entry.seq, item);
    if (entry.type !== "patch" || entry.ref === undefined) continue;
    const own = patches.get(entry.ref) ?? new Map<number, ReceivedEntry>();
    patches.set(entry.ref, own.set(entry.seq, entry));
  }
  return new Map(
    Array.from(messages, ([seq, item]) => {
      const own = [...(patches.get(seq)?.values() ?? [])].toSorted((a, b) => a.seq - b.seq);
      return [seq, { ...courseOf(item, own, sent), isUnsure: unsure.has(seq) }];
    }),
  );
}

function courseOf(
  item: SentItem,
  patches: readonly ReceivedEntry[],
  sent: ReadonlyMap<string, SentItem>,
): Omit<Course, "isUnsure"> {
  let copy = copyOf({ ...item, type: "message", seq: 0, from: "" });
  const copies = [copy];
  for (const { id = "", seq, by } of patches) {
    const change = sent.get(id);
    const isErasure = by === "operator" || change?.type === "erase";
    const contents = isErasure ? ({ erase: true, by } as const) : { ...change, by };
    copy = patch(copy, seq, contents);
    copies.push(copy);
  }
  return { sent: item, patches, copies };
}

/** Returns a copy in words. */
export const show = ({ text, data, erased, by, patched }: Copy): string => {
  const what = erased ? `erased${by ? " by the operator" : ""}` : JSON.stringify(text.slice(0, 40));
  return `${what}${data === undefined ? "" : ` with ${data}`} (patched ${patched ?? "never"})`;
};

/** Returns the strings of a copy that members wrote. */
export const stringsOf = (copy: Copy | undefined): string[] =>
  copy === undefined
    ? []
    : [
        ...(copy.text === "" ? [] : [copy.text]),
        ...stringsIn(copy.data === undefined ? [] : JSON.parse(copy.data)),
      ];
