/**
 * One message as its last patch left it, in whichever order its versions and its patches come.
 *
 * Invariants:
 * - Nothing is applied twice, and nothing older replaces something newer.
 * - `entry` is the same object until the message changes.
 */
import type { Entry, Patch } from "../client/events.ts";
import type { Data } from "../protocol/frames.ts";

export class FoldedEntry<D extends Data> {
  readonly seq: number;
  /** The latest version that the room sent. */
  #base: Entry<D> | undefined;
  /** The last patch above the base that has its contents, with what earlier ones changed. */
  #last: Patch<D> | undefined;
  /** The seqs of the edits above the base, those without contents too: they count. */
  #edits: ReadonlySet<number> = new Set();
  #entry: Entry<D> | undefined;

  constructor(seq: number) {
    this.seq = seq;
  }

  /** Undefined while only patches of it have come. */
  get entry(): Entry<D> | undefined {
    return this.#entry;
  }

  /** Takes a version of the message. */
  onEntry(entry: Entry<D>): void {
    if (this.#base !== undefined && versionOf(entry) <= versionOf(this.#base)) return;
    this.#base = entry;
    const version = versionOf(entry);
    if ((this.#last?.seq ?? 0) <= version) this.#last = undefined;
    this.#edits = new Set([...this.#edits].filter((seq) => seq > version));
    this.#fold();
  }

  /** Takes a patch of the message. */
  onPatch(patch: Patch<D>): void {
    const { seq, patched, erase } = patch;
    if (seq <= (this.#base === undefined ? this.seq : versionOf(this.#base))) return;
    // An erasure is the last patch of its message, so a superseded patch is an edit.
    if (!erase) this.#edits = new Set(this.#edits).add(seq);
    if (patched === undefined && seq > (this.#last?.seq ?? 0)) {
      const { text = this.#last?.text, data = this.#last?.data } = patch;
      this.#last = erase ? patch : { ...patch, text, data };
    }
    this.#fold();
  }

  #fold(): void {
    if (this.#base === undefined) return;
    const folded =
      this.#last === undefined ? this.#base : apply(this.#base, this.#last, this.#edits);
    const { patched, patches } = folded;
    // The same version of the same message has the same contents.
    const isSame = this.#entry?.patched === patched && this.#entry?.patches === patches;
    if (this.#entry === undefined || !isSame) this.#entry = folded;
  }
}

const versionOf = ({ seq, patched }: Pick<Entry, "seq" | "patched">): number => patched ?? seq;

function apply<D extends Data>(
  base: Entry<D>,
  { seq: patched, text, data, erase, by }: Patch<D>,
  edits: ReadonlySet<number>,
): Entry<D> {
  const count = [...edits].filter((seq) => seq <= patched).length;
  const patches = (base.patches ?? 0) + count;
  const { data: before, ...rest } = { ...base, patched, ...(patches > 0 && { patches }) };
  if (erase) return { ...rest, text: "", erased: true, ...(by && { by }) };
  const after = data ?? before;
  return { ...rest, text: text ?? base.text, ...(after && { data: after }) };
}
