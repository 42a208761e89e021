/**
 * What an application shows: what the library's folded view (src/model) makes of the messages, patches and gaps that its
 * client received. Each frame leaves a view that equals the ledger, as far as the client has come.
 */
import { RoomModel } from "../../src/model/index.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import { Violation } from "./explorer.ts";
import { entryAt } from "./ledger.ts";
import type { Client, Ledger, Received, View } from "./state.ts";

export const EMPTY: View = { epoch: undefined, received: [] };

export const receives = (view: View, received: Received): View => ({
  ...view,
  received: [...view.received, received],
});

const models = new WeakMap<View, RoomModel>();

/** Returns the folded view. */
export function modelOfView(view: View): RoomModel {
  let model = models.get(view);
  if (model === undefined) {
    model = new RoomModel();
    for (const one of view.received) {
      if (one.type === "message") model.add(one);
      else if (one.type === "patch") model.apply(one);
      else model.addGap(one);
    }
    models.set(view, model);
  }
  return model;
}

/** Returns the seq of an own message, once its person knows it. */
export const seqOf = ({ name, view }: Client, label: string): Seq | undefined =>
  modelOfView(view).entries.find(({ from, id }) => from === name && id === label)?.seq as Seq;

/**
 * R5: what the application shows is what the ledger has, for every message that was not changed since.
 * @param position the client has received everything up to here
 */
export function checkView(
  { name, view }: { readonly name: PeerName; readonly view: View },
  ledger: Ledger,
  { position, birth }: { readonly position: number; readonly birth: number },
): void {
  const { entries, gaps } = modelOfView(view);
  const lastGap = gaps.at(-1)?.to ?? 0;
  for (const have of entries) {
    const wanted = entryAt(ledger, have.seq);
    if (wanted?.type !== "message")
      throw new Violation("R5", `${name} shows ${have.seq}, no message`);
    // A name that was claimed anew is another person, whom a change of what its predecessor got does not reach.
    if (wanted.to !== undefined && have.seq <= birth) continue;
    // A gap may have hidden its patches.
    if ((have.patched ?? have.seq) < lastGap || (wanted.patched ?? 0) > position) continue;
    const isSame =
      have.text === wanted.text &&
      have.data === wanted.data &&
      have.erased === wanted.erased &&
      have.by === wanted.by &&
      have.patched === wanted.patched &&
      (have.patches === wanted.patches || have.seq < lastGap);
    if (isSame) continue;
    const [shown, stored] = [have, wanted].map(
      ({ text, patched, patches = 0 }) => `"${text}" (${patches} changes, the last is ${patched})`,
    );
    throw new Violation("R5", `${name} shows ${have.seq} as ${shown}, not as ${stored}`);
  }
}
