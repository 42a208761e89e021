/** Helpers that the suites of the storage contract share: names, entries, and a storage that can be reopened. */
import { encodeEntry, type Message } from "../../../src/core/entry.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { Retention, Storage } from "../../../src/core/ports.ts";

export const named = (name: string): PeerName => name as PeerName;
export const at = (seq: number): Seq => seq as Seq;

export const [alice, bob, carol] = [named("alice"), named("bob"), named("carol")];
export const GENEROUS: Retention = { entries: 1e9, ageMs: 1e12, bytes: 1e12 };

/** Makes entries from routes: `alice>bob` from alice to bob; `alice>*` to everyone. Seqs continue from `head`. */
export function entries(head: number, texts: readonly string[], now = 1_000): Message[] {
  return texts.map((route, index) => {
    const [from = "", to = ""] = route.split(">");
    return encodeEntry({
      type: "message",
      seq: at(head + index + 1),
      from: named(from),
      ...(to !== "*" && { to: to.split(",").map(named) }),
      text: `${route} "quoted", \n[{,\n}]`,
      at: now + index,
    });
  });
}

/** A storage that can be reopened on the same data, as after a crash. */
export interface Opened {
  readonly storage: Storage;
  reopen(): Storage;
}

/** Runs a piece of a test on a fresh storage. */
export type Run = (work: (opened: Opened) => void) => void | Promise<void>;

/** Appends each batch in a transaction of its own. */
export const append = (storage: Storage, ...batches: string[][]): void => {
  for (const batch of batches) {
    storage.transaction(() => storage.log.append(entries(storage.log.head, batch)));
  }
};
