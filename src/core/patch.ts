/**
 * What a patch does to the entries that it touches: pure functions from an entry to the one that takes its place.
 *
 * Invariants:
 * - Folding is idempotent: an entry is folded by a patch only if that is above its last one.
 * - The last patch of an entry alone turns any earlier copy of it into what the log has.
 * - The audience of a patch is that of its target, less the names that were claimed after the target. An operator's patch
 *   lists the author as well, unless that name was claimed anew.
 */
import type { Data } from "../protocol/frames.ts";
import type { PeerName, Seq } from "../protocol/ids.ts";
import { encodeEntry, type Message, type Patch } from "./entry.ts";

/** The contents of a patch. A field that is absent leaves what the entry has. */
export interface Change {
  readonly text?: string | undefined;
  readonly data?: Data | undefined;
  readonly erase?: true | undefined;
}

/** Returns the message as `patch` leaves it. */
export function fold(target: Message, patch: Patch): Message {
  const { type, seq, from, to, id, at, ref, quiet, patches } = target;
  const kept = { type, seq, from, to, id, at, ref, quiet, patched: patch.seq };
  if (patch.erase) return encodeEntry({ ...kept, text: "", patches, erased: true, by: patch.by });
  const { text = target.text, data = target.data } = patch;
  return encodeEntry({ ...kept, text, data, patches: (patches ?? 0) + 1 });
}

/**
 * Returns `change` with the contents of the patch whose place it takes, as far as it leaves them: a client that was away
 * gets the contents of the last patch only.
 */
export const combine = (previous: Change, { text, data, erase }: Change): Change =>
  erase ? { erase } : { text: text ?? previous.text, data: data ?? previous.data };

/** Returns the patch without its contents: the patch at `by` has taken its place. */
export function supersede({ type, seq, ref, from, to, id, at, quiet }: Patch, by: Seq): Patch {
  return encodeEntry({ type, seq, ref, from, to, id, at, quiet, patched: by });
}

/**
 * Returns whom a patch of `target` concerns; undefined: everyone.
 * @param birthOf returns when a name was claimed; undefined for a name that is not known
 */
export function audienceOfPatch(
  { seq, from, to }: Pick<Message, "seq" | "from" | "to">,
  by: "operator" | undefined,
  birthOf: (name: PeerName) => Seq | undefined,
): readonly PeerName[] | undefined {
  if (to === undefined) return undefined;
  const names = by === undefined ? to : new Set([from, ...to]);
  return [...names].filter((name) => {
    const birth = birthOf(name);
    return birth !== undefined && birth < seq;
  });
}
