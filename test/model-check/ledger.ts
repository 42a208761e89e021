/**
 * A second, simpler specification of what the entries of a room hold: a ledger that keeps every entry ever stored, each
 * as the log must have it now. A turn is compared with it (oracle.ts), and so is what the applications show (view.ts).
 */
import type { Entry, EntryFields, MessageFields, PatchFields } from "../../src/core/entry.ts";
import type { Change } from "../../src/core/patch.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import type { MemoryStorage } from "../support/storage/memory-storage.ts";
import { Violation } from "./explorer.ts";
import { labelOf, type Ledger } from "./state.ts";

export const entryAt = (ledger: Ledger, seq: number): EntryFields | undefined => ledger[seq - 1];

const next = (ledger: Ledger): Seq => (ledger.length + 1) as Seq;

export const withMessage = (
  ledger: Ledger,
  message: Pick<MessageFields, "from" | "to" | "text" | "id" | "ref">,
): Ledger => [...ledger, { type: "message", seq: next(ledger), at: 0, ...message }];

/** @param to the audience of the patch */
export function withPatch(
  ledger: Ledger,
  target: MessageFields,
  change: Change & Pick<PatchFields, "id" | "by" | "to">,
): Ledger {
  const { id, by, to, text, data, erase } = change;
  const { seq: ref, from, patches = 0 } = target;
  const seq = next(ledger);
  const last = target.patched && entryAt(ledger, target.patched);
  const contents = erase
    ? { text: undefined, data: undefined }
    : { text: text ?? (last && last.text), data: data ?? (last && last.data) };
  const after = ledger.map((entry): EntryFields => {
    if (entry === target) {
      if (erase) return { ...target, text: "", data: undefined, erased: true, by, patched: seq };
      const changed = { text: text ?? target.text, data: data ?? target.data };
      return { ...target, ...changed, patched: seq, patches: patches + 1 };
    }
    if (entry !== last) return entry;
    return { ...entry, text: undefined, data: undefined, patched: seq } as PatchFields;
  });
  return [...after, { type: "patch", seq, at: 0, ref, from, to, id, by, erase, ...contents }];
}

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
  const contents = ledger.flatMap((one) => (one.type === "message" ? contentsIn(one) : []));
  for (const entry of log.after(0 as Seq).entries) {
    const former = contentsIn(entry).find((one) => !contents.includes(one));
    if (former !== undefined)
      throw new Violation("R3", `${former} is no longer in any message, but in ${entry.frame}`);
    const wanted = entryAt(ledger, entry.seq);
    const difference = differenceOf(entry, wanted);
    if (difference === undefined) continue;
    const what = wanted === undefined ? "nothing" : labelOf(wanted);
    throw new Violation(
      "R2, R4",
      `${entry.seq} is stored as ${describe(entry)} instead of ${what}: ${difference} differs`,
    );
  }
  if (log.head !== ledger.length) {
    throw new Violation("R2, R4", `${log.head} entries were stored instead of ${ledger.length}`);
  }
}

/** Returns the text of an entry and what its data holds: a script writes each of them once. */
const contentsIn = ({ text, data }: EntryFields): unknown[] =>
  [text, data?.["by"]].filter((one) => one !== undefined && one !== "");

const describe = (entry: Entry): string => entry.frame;
