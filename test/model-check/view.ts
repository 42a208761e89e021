/**
 * What an application shows: the messages that its client received, changed by the patches that its client received. Each
 * frame leaves a view that equals the ledger, as far as the client has come.
 */
import type { EntryFields } from "../../src/core/entry.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import { Violation } from "./explorer.ts";
import { entryAt } from "./ledger.ts";
import type { Client, Ledger, Shown, View } from "./state.ts";

export const EMPTY: View = { epoch: undefined, shown: new Map() };

/** Returns the seq of an own message, once its person knows it. */
export function seqOf({ name, view }: Client, label: string): Seq | undefined {
  for (const [seq, { from, id }] of view.shown) if (from === name && id === label) return seq;
  return undefined;
}

/** Shows what a message or a patch brings. */
export function show(view: View, entry: EntryFields): View {
  const shown = new Map(view.shown);
  if (entry.type === "message") shown.set(entry.seq, shownOf(entry));
  else {
    const target = shown.get(entry.ref);
    if (target === undefined) return view;
    const after = folded(entry.ref, target, entry);
    if (after === target) return view;
    shown.set(entry.ref, after);
  }
  return { ...view, shown };
}

const shownOf = ({ from, id, text = "", data, patched, ...entry }: EntryFields): Shown => {
  const { erased, patches = 0 } = entry as { erased?: true; patches?: number };
  return { from, id, text, data, isErased: erased === true, patched, patches, isStale: false };
};

function folded(seq: Seq, target: Shown, patch: EntryFields & { readonly type: "patch" }): Shown {
  if (patch.patched !== undefined || patch.seq <= (target.patched ?? seq)) return target;
  const common = { ...target, patched: patch.seq, isStale: false };
  if (patch.erase) return { ...common, text: "", data: undefined, isErased: true };
  const { text = target.text, data = target.data } = patch;
  return { ...common, text, data, patches: target.patches + 1 };
}

/** A gap up to `to` may hide patches of everything before it. */
export function doubt(view: View, to: number): View {
  const shown = [...view.shown].map(
    ([seq, one]) => [seq, seq <= to ? { ...one, isStale: true } : one] as const,
  );
  return { ...view, shown: new Map(shown) };
}

/**
 * R5: what the application shows is what the ledger has, for every message that was not changed since.
 * @param position the client has received everything up to here
 */
export function checkView(
  { name, view }: { readonly name: PeerName; readonly view: View },
  ledger: Ledger,
  { position, birth }: { readonly position: number; readonly birth: number },
): void {
  for (const [seq, have] of view.shown) {
    const wanted = entryAt(ledger, seq);
    if (wanted?.type !== "message") throw new Violation("R5", `${name} shows ${seq}, no message`);
    // A name that was claimed anew is another person, whom a change of what its predecessor got does not reach.
    if (wanted.to !== undefined && seq <= birth) continue;
    if (have.isStale || (wanted.patched ?? 0) > position) continue;
    const isSame =
      have.text === wanted.text &&
      have.data === wanted.data &&
      have.isErased === (wanted.erased === true) &&
      have.patched === wanted.patched &&
      have.patches <= (wanted.patches ?? 0);
    if (isSame) continue;
    throw new Violation(
      "R5",
      `${name} shows ${seq} as ${have.text || "erased"} (${have.patched}), not as ${wanted.text || "erased"} (${wanted.patched})`,
    );
  }
}
