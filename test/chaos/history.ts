/** The history of one client: what it sent, received and was notified of. The evidence for the checker. */
import type { Data } from "../../src/protocol/frames.ts";

export type Rule = "R1" | "R2" | "R3" | "R4" | "R5" | "R6" | "R7" | "R8" | "R9" | "R10" | "R11";

export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/**
 * undecided  the room has not decided it
 * confirmed  it came back with its seq
 * refused    rejected for good, with a reason
 * unknown    a gap hides whether it was stored
 * dropped    its client died before it was saved, so nothing was promised
 * unsure     sent in `chat.line`, which confirms nothing
 */
export type Fate = "undecided" | "confirmed" | "refused" | "unknown" | "dropped" | "unsure";

/** A message, or a patch of an earlier message. */
export interface SentItem {
  /** The id that its client gave it; of a `chat.line` client: its text. */
  readonly id: string;
  readonly type: "send" | "edit" | "erase";
  readonly text?: string;
  readonly data?: Data;
  /** Of a patch: the recipients of the message that it changes. Absent: everyone. */
  readonly to?: readonly string[];
  readonly ref?: number;
  /** Of a patch: that of the message that it changes. */
  readonly quiet?: true;
  /** It names an unknown recipient, or changes what is not its sender's: the room must reject it. */
  readonly isInvalid: boolean;
  fate: Fate;
  /** Why it was rejected. */
  why?: string;
  /** When its client first learned that it is stored, in ms. A crash, which makes the client forget, does not undo it. */
  storedAt?: number;
}

/** A message or a patch, as it was received. */
export interface ReceivedEntry {
  readonly type: "message" | "patch";
  readonly seq: number;
  readonly from: string;
  readonly to?: readonly string[] | undefined;
  readonly text?: string | undefined;
  readonly id?: string | undefined;
  readonly ref?: number | undefined;
  readonly quiet?: true | undefined;
  readonly data?: Data | undefined;
  readonly patched?: number | undefined;
  readonly patches?: number | undefined;
  readonly erased?: true | undefined;
  readonly erase?: true | undefined;
  readonly by?: "operator" | undefined;
}

/** Returns what identifies an entry in every copy, however often its text has changed. */
export const keyOf = ({ type, id, ref, text }: ReceivedEntry): string =>
  id ?? (type === "patch" ? erasureKey(ref ?? 0) : (text ?? ""));

/** The same of the operator's erasure of the entry at `ref`. */
export const erasureKey = (ref: number): string => `the operator erases ${ref}`;

export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** What one connection showed. */
export interface Connection {
  /** When its handshake began, in ms. */
  readonly began: number;
  /** Every string of its frames that a member sends once: texts, and keys of `data`. */
  readonly strings: Set<string>;
}

export class History {
  readonly name: string;
  /** In the order sent. */
  readonly sent: SentItem[] = [];
  readonly #sentById = new Map<string, SentItem>();
  /** In the order received. */
  received: ReceivedEntry[] = [];
  gaps: Gap[] = [];
  /** The messages that the room has stored for this client at the end; absent if the run did not read them. */
  stored: readonly ReceivedEntry[] | undefined;
  readonly connections: Connection[] = [];
  readonly violations: Violation[] = [];

  constructor(name: string) {
    this.name = name;
  }

  addSent(sent: SentItem): void {
    this.sent.push(sent);
    this.#sentById.set(sent.id, sent);
  }

  /** @param now in ms */
  addReceived(entry: ReceivedEntry, now = performance.now()): void {
    this.received.push(entry);
    const own = entry.from === this.name ? this.#sentById.get(entry.id ?? "") : undefined;
    if (own === undefined) return;
    own.storedAt ??= now;
    this.#settle(own.id, "confirmed");
  }

  /** @param why the error code, if there is one */
  addRefused(id: string, why: string): void {
    this.#settle(id, "refused", why);
  }

  addUnknown(id: string): void {
    this.#settle(id, "unknown");
  }

  /** A gap hides whether this item was stored, and nothing has settled it since. */
  addHeld(id: string): void {
    if (this.#sentById.get(id)?.fate === "undecided") this.addUnknown(id);
  }

  violates(rule: Rule, what: string): void {
    this.violations.push({ rule, what: `${this.name} ${what}` });
  }

  /** Number of items that the room has not decided. */
  get waiting(): number {
    return this.sent.filter(({ fate }) => fate === "undecided").length;
  }

  /**
   * The client crashed, and only its record is left. Entries above its cursor count as not received, items in its outbox
   * are undecided again, and items that never reached the outbox are dropped.
   * @param outbox the ids in it
   */
  rollBack(cursor: number, outbox: ReadonlySet<string>): void {
    this.received = this.received.filter(({ seq }) => seq <= cursor);
    this.gaps = this.gaps.filter(({ to }) => to <= cursor);
    for (const sent of this.sent) {
      if (outbox.has(sent.id)) sent.fate = "undecided";
      else if (sent.fate === "undecided") sent.fate = "dropped";
    }
  }

  #settle(id: string, fate: Fate, why?: string): void {
    const sent = this.#sentById.get(id);
    if (sent === undefined) return;
    if (sent.fate !== "undecided" && !(fate === "confirmed" && sent.fate === "unknown")) {
      // Every other outcome is final. A message that arrives twice is found by its entries.
      if (fate !== sent.fate)
        this.violates("R5", `got the outcome ${fate} of ${nameOf(sent)} after ${sent.fate}`);
      return;
    }
    sent.fate = fate;
    if (why !== undefined) sent.why = why;
  }
}

/** Returns a name of the item, for people. */
export function nameOf({ type, text, data, ref }: SentItem): string {
  const contents = [
    ...(text === undefined ? [] : [JSON.stringify(text.slice(0, 40))]),
    ...(data === undefined ? [] : [JSON.stringify(data)]),
  ].join(" and ");
  if (type === "send") return contents;
  return type === "erase" ? `the erasure of ${ref}` : `the change of ${ref} to ${contents}`;
}

/** Whether a string is one that a member sends once: those have a space; names, ids and marks have none. */
export const isUnique = (text: string): boolean => text.includes(" ");

/** Returns every string in a JSON value, or in a list of them. */
export function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) yield* stringsIn(inner);
  }
}
