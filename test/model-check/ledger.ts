/**
 * A second, simpler specification of what the entries of a room hold: a ledger that keeps every entry ever stored, each
 * as the log must have it now. A turn is compared with it (oracle.ts), and so is what the applications show (view.ts).
 */
import {
  concerns,
  type EntryFields,
  type MessageFields,
  type PatchFields,
} from "../../src/core/entry.ts";
import type { Command } from "../../src/core/event.ts";
import type { Change } from "../../src/core/patch.ts";
import type { ErrorCode } from "../../src/protocol/error-codes.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import { labelOf, type Ledger } from "./state.ts";

/** Who asks for a patch: the owner of `name` since `birth`. */
interface Author {
  readonly name: PeerName;
  readonly birth: Seq;
}

/** The ledger during a turn. */
export class ExpectedLog {
  readonly #storage: MemoryStorage;
  readonly #birthOf: (name: PeerName) => number;
  ledger: Ledger;

  /** @param birthOf returns when a name was claimed; infinity for a name that is not known, which hears nothing */
  constructor(ledger: Ledger, storage: MemoryStorage, birthOf: (name: PeerName) => number) {
    this.ledger = ledger;
    this.#storage = storage;
    this.#birthOf = birthOf;
  }

  message({ text, to, id, ref }: Extract<Command, { type: "Message" }>, from: PeerName): void {
    this.ledger = [
      ...this.ledger,
      { type: "message", seq: this.#next, at: 0, from, to, text, id, ref },
    ];
  }

  /** @returns why it is refused, if it is */
  patch(
    { id, ref, text, data, erase }: Extract<Command, { type: "Patch" }>,
    { name, birth }: Author,
  ): ErrorCode | undefined {
    const target = this.#kept(ref);
    const isOlder = target !== undefined && target.seq <= birth;
    const isHidden = target?.to !== undefined && (isOlder || !concerns(target, name));
    if (target === undefined || isHidden) return "unknown-ref";
    if (target.type === "patch" || target.from !== name || isOlder || target.erased) {
      return "forbidden";
    }
    this.#patch(target, { id, text, data, erase });
    return undefined;
  }

  /** What a patch has brought goes with the message that it has changed, even if the log keeps the patch alone. */
  eraseByOperator(seq: Seq): void {
    const entry = this.#kept(seq);
    const target = entry?.type === "patch" ? entryAt(this.ledger, entry.ref) : entry;
    if (target?.type !== "message" || target.erased) return;
    this.#patch(target, { erase: true, by: "operator" });
  }

  get #next(): Seq {
    return (this.ledger.length + 1) as Seq;
  }

  /** Returns the entry at `seq`, if the log keeps it, or this turn has made it. */
  #kept(seq: Seq): EntryFields | undefined {
    return seq < this.#storage.log.first ? undefined : entryAt(this.ledger, seq);
  }

  #patch(target: MessageFields, change: Change & Pick<PatchFields, "id" | "by">): void {
    const { id, by, text, data, erase } = change;
    const { seq: ref, from, patches = 0 } = target;
    const seq = this.#next;
    const last = target.patched && entryAt(this.ledger, target.patched);
    const contents = erase
      ? { text: undefined, data: undefined }
      : { text: text ?? (last && last.text), data: data ?? (last && last.data) };
    const after = this.ledger.map((entry): EntryFields => {
      if (entry === target) {
        if (erase) return { ...target, text: "", data: undefined, erased: true, by, patched: seq };
        const changed = { text: text ?? target.text, data: data ?? target.data };
        return { ...target, ...changed, patched: seq, patches: patches + 1 };
      }
      if (entry !== last) return entry;
      return { ...entry, text: undefined, data: undefined, patched: seq } as PatchFields;
    });
    const to = this.#audienceOf(target, by);
    this.ledger = [
      ...after,
      { type: "patch", seq, at: 0, ref, from, to, id, by, erase, ...contents },
    ];
  }

  #audienceOf(
    { seq, from, to }: MessageFields,
    by: "operator" | undefined,
  ): PeerName[] | undefined {
    const names = by === undefined ? to : to && [from, ...to];
    return names && [...new Set(names)].filter((name) => this.#birthOf(name) < seq);
  }
}

export const entryAt = (ledger: Ledger, seq: number): EntryFields | undefined => ledger[seq - 1];

const sameNames = (a: readonly PeerName[] | undefined, b: readonly PeerName[] | undefined) =>
  a === b || a?.toSorted().join() === b?.toSorted().join();

/** The fields in which an entry must be what the ledger says, besides its audience. */
const FIELDS = ["type", "seq", "from", "id", "text", "ref", "data", "patched", "by"] as const;
const OF_MESSAGE = ["patches", "erased"] as const;

function differenceOf(entry: EntryFields, wanted: EntryFields | undefined): string | undefined {
  if (wanted === undefined) return "it is too much";
  for (const field of FIELDS) if (entry[field] !== wanted[field]) return field;
  if (!sameNames(entry.to, wanted.to)) return "to";
  if (entry.type === "patch") {
    return wanted.type === "patch" && entry.erase === wanted.erase ? undefined : "erase";
  }
  if (wanted.type === "patch") return "type";
  return OF_MESSAGE.find((field) => entry[field] !== wanted[field]);
}

/** R4, R5: the log has every entry that it keeps as the ledger has it, and what was changed or erased is nowhere in it. */
export function checkLog({ log }: MemoryStorage, ledger: Ledger): void {
  const contents = new Set(
    ledger.flatMap((one) => (one.type === "message" ? contentsIn(one) : [])),
  );
  for (const entry of log.after(0 as Seq).entries) {
    const former = contentsIn(entry).find((one) => !contents.has(one));
    if (former !== undefined)
      throw new Violation("R3", `${former} is no longer in any message, but in ${entry.frame}`);
    const wanted = entryAt(ledger, entry.seq);
    const difference = differenceOf(entry, wanted);
    if (difference === undefined) continue;
    const what = wanted === undefined ? "nothing" : labelOf(wanted);
    throw new Violation(
      "R2, R4",
      `${entry.seq} is stored as ${entry.frame} instead of ${what}: ${difference} differs`,
    );
  }
  if (log.head !== ledger.length) {
    throw new Violation("R2, R4", `${log.head} entries were stored instead of ${ledger.length}`);
  }
}

/** Returns the text of an entry and what its data holds: a script writes each of them once. */
const contentsIn = ({ text, data }: EntryFields): string[] =>
  [text, data && JSON.stringify(data)].filter((one) => one !== undefined && one !== "") as string[];
