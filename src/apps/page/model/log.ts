/**
 * The page's part of the room's log: messages and gaps in the room's order, then failed items, then the outbox.
 *
 * Invariants:
 * - A message is in the log once, at its seq, as its last patch left it. Duplicates and entries out of order are counted.
 * - What waits to change a message is at that message. What waits for one that is not here is at the end.
 * - Quiet entries are no items. Reactions are part of their message.
 * - An item is the same object until something of it changes.
 * - Above `KEPT_MAX` entries the oldest may be dropped, because the room has them.
 */
import type { Entry, OutboxItem, Patch } from "../../../client/index.ts";
import { isReaction, type Reaction, RoomModel } from "../../../model/index.ts";
import { PATCHES_MAX } from "../../../protocol/limits.ts";

/** How many entries are kept in memory. */
export const KEPT_MAX = 5_000;
/** How many are dropped at once when there are more. */
const DROP_BATCH = 1_000;

/** How an entry arrived: live, in a replay, or in a page of history. */
export type Via = "live" | "replay" | "history";

/** The message that another one refers to; undefined if it is not in the log. */
type Original = Entry | undefined;

export interface Message {
  readonly kind: "message";
  readonly key: string;
  readonly seq: number;
  readonly entry: Entry;
  readonly via: Via;
  readonly reactions: readonly Reaction[];
  /** The own changes and reactions that wait in the outbox, oldest first. */
  readonly unsent: readonly OutboxItem[];
  readonly original: Original;
}

/** Entries from..seq were removed before this client received them. */
export interface Gap {
  readonly kind: "gap";
  readonly key: string;
  readonly seq: number;
  readonly from: number;
}

export interface Waiting {
  readonly kind: "waiting";
  readonly key: string;
  readonly unsent: OutboxItem;
  readonly original: Original;
}

/** What the room rejected, or whose fate is unknown. */
export interface FailedItem {
  /** The browser's storage holds this word in saved items, so it stays. */
  readonly kind: "trouble";
  readonly key: string;
  readonly fate: "refused" | "unknown";
  readonly why: string;
  readonly unsent: OutboxItem;
  /** The message that it is about is not there, or the room has another history now, in which that seq is another message. */
  readonly isOrphan?: true;
}

type Placed = Message | Gap;
export type LogItem = Placed | FailedItem | Waiting;

/** Entries that arrived twice, or out of order. */
export interface Tally {
  readonly duplicates: number;
  readonly outOfOrder: number;
}

const NOTHING: readonly OutboxItem[] = [];

/** Whether an item says something, instead of changing a message or reacting to one. */
export const isSaid = (item: OutboxItem): boolean =>
  item.type === "message" && !item.quiet && !isReaction(item);

export class Log {
  readonly #model = new RoomModel();
  readonly #via = new Map<number, Via>();
  /** The items of messages, by seq. */
  readonly #messages = new Map<number, Message>();
  #waiting = new Map<string, Waiting>();
  #failed: readonly FailedItem[] = [];
  #outbox: readonly OutboxItem[] = [];
  /** The items of the outbox that are about a message, by its seq. */
  #unsent = new Map<number, readonly OutboxItem[]>();
  #items: readonly LogItem[] | undefined = [];
  /** The highest seq that arrived live or in a replay. */
  #last = 0;
  #duplicates = 0;
  #outOfOrder = 0;
  /** Whether the oldest entry of the room is here. */
  isComplete = false;

  get items(): readonly LogItem[] {
    this.#items ??= [...this.#placed(), ...this.#failed, ...this.#waitingItems()];
    return this.#items;
  }

  get failed(): readonly FailedItem[] {
    return this.#failed;
  }

  /** The `before` for loading older history; undefined while the log is empty. */
  get oldest(): number | undefined {
    const { entries, gaps } = this.#model;
    const oldest = Math.min(entries[0]?.seq ?? Infinity, gaps[0]?.from ?? Infinity);
    return oldest === Infinity ? undefined : oldest;
  }

  get tally(): Tally {
    return { duplicates: this.#duplicates, outOfOrder: this.#outOfOrder };
  }

  /** Returns the entry at `seq` as it is now; undefined if it is not here. */
  get(seq: number): Entry | undefined {
    return this.#model.get(seq);
  }

  /** When the newest entry was stored, by the room's clock, in ms since 1970; 0 without entries. */
  get newestAt(): number {
    return this.#model.entries.at(-1)?.at ?? 0;
  }

  /** Returns the newest message of `name` that can be edited; undefined if there is none. @param from as in `canEdit` */
  lastOf(name: string, from: number): Message | undefined {
    return this.items.findLast(
      (item): item is Message => item.kind === "message" && canEdit(item, name, from),
    );
  }

  /** @returns whether the entry is new */
  add(entry: Entry, via: Via): boolean {
    const { seq } = entry;
    if (via !== "history") {
      if (seq < this.#last) this.#outOfOrder++;
      this.#last = Math.max(this.#last, seq);
    }
    const isNew = this.#model.add(entry);
    if (isNew) this.#via.set(seq, via);
    else if (via !== "history") this.#duplicates++;
    this.#items = undefined;
    return isNew;
  }

  /** Applies a change of a message. */
  apply(patch: Patch): void {
    this.#last = Math.max(this.#last, patch.seq);
    this.#model.apply(patch);
    this.#items = undefined;
  }

  addGap(from: number, to: number): void {
    this.#last = Math.max(this.#last, to);
    this.#model.addGap({ from, to });
    this.#items = undefined;
  }

  setOutbox(outbox: readonly OutboxItem[]): void {
    const before = this.#unsent;
    this.#outbox = outbox;
    this.#unsent = Map.groupBy(
      outbox.filter((item) => !isSaid(item)),
      ({ ref = 0 }) => ref,
    );
    for (const [ref, items] of this.#unsent) {
      const known = before.get(ref) ?? NOTHING;
      const isSame = known.map(({ id }) => id).join() === items.map(({ id }) => id).join();
      if (isSame) this.#unsent.set(ref, known);
    }
    this.#items = undefined;
  }

  setFailed(failed: readonly FailedItem[]): void {
    this.#failed = failed;
    this.#items = undefined;
  }

  /** The room was restored: the entries belong to another history. */
  clear(): void {
    this.#model.clear();
    this.#forget(Infinity);
    this.#last = 0;
  }

  /** Drops the oldest entries above the limit. Call it only while they are out of sight. */
  trim(): void {
    const { entries } = this.#model;
    if (entries.length <= KEPT_MAX) return;
    const first = entries[DROP_BATCH]?.seq ?? Infinity;
    this.#model.forget(first);
    this.#forget(first);
  }

  #forget(seq: number): void {
    for (const map of [this.#via, this.#messages]) {
      for (const one of map.keys()) if (one < seq) map.delete(one);
    }
    this.isComplete = false;
    this.#items = undefined;
  }

  #placed(): Placed[] {
    const placed: Placed[] = this.#model.entries
      .filter((entry) => !entry.quiet && !isReaction(entry))
      .map((entry) => this.#message(entry));
    for (const { from, to } of this.#model.gaps) {
      const at = placed.findIndex(({ seq }) => seq > to);
      const gap: Gap = { kind: "gap", key: `g${to}`, seq: to, from };
      placed.splice(at === -1 ? placed.length : at, 0, gap);
    }
    return placed;
  }

  #message(entry: Entry): Message {
    const { seq, ref } = entry;
    const made = {
      entry,
      reactions: this.#model.reactions(seq),
      unsent: this.#unsent.get(seq) ?? NOTHING,
      original: ref === undefined ? undefined : this.#model.get(ref),
    };
    const known = this.#messages.get(seq);
    const isSame =
      known?.entry === entry &&
      known.reactions === made.reactions &&
      known.unsent === made.unsent &&
      known.original === made.original;
    if (isSame) return known;
    const via = this.#via.get(seq) ?? "history";
    const item: Message = { kind: "message", key: `m${seq}`, seq, via, ...made };
    this.#messages.set(seq, item);
    return item;
  }

  #waitingItems(): readonly Waiting[] {
    const before = this.#waiting;
    const items = this.#outbox
      .filter((unsent) => isSaid(unsent) || this.#model.get(unsent.ref ?? 0) === undefined)
      .map((unsent): Waiting => {
        const key = `w${unsent.id}`;
        const original = this.#model.get(unsent.ref ?? 0);
        const known = before.get(key);
        return known?.original === original && known !== undefined
          ? known
          : { kind: "waiting", key, unsent, original };
      });
    this.#waiting = new Map(items.map((item) => [item.key, item]));
    return items;
  }
}

/**
 * Whether `name` can edit the message: it is an own one with a text, and no erasure of it waits.
 * @param from older messages cannot be edited, ms since 1970
 */
export const canEdit = ({ entry, unsent }: Message, name: string, from: number): boolean =>
  canErase({ entry, unsent }, name) &&
  entry.text !== "" &&
  entry.at > from &&
  (entry.patches ?? 0) < PATCHES_MAX;

export const canErase = ({ entry, unsent }: Pick<Message, "entry" | "unsent">, name: string) =>
  entry.from === name &&
  !entry.erased &&
  !unsent.some((item) => item.type === "patch" && item.erase);
