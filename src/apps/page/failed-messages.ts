/**
 * Messages of one's own that the room refused, or whose fate is unknown: in the log and on this device, until their
 * writer has dealt with them.
 */
import type { OutboxMessage } from "../../client/index.ts";
import type { Preferences } from "./preferences.ts";
import type { Log, FailedItem } from "./model/log.ts";

const UNDECIDED = "the room no longer keeps what would say it; look above before you send it again";
const NOT_KEPT = "this browser did not keep it: look above before you send it again";

export class FailedMessages {
  readonly #log: Log;
  readonly #keep: (troubles: readonly FailedItem[]) => void;
  #carried: readonly OutboxMessage[];

  /** @param carried what waited when the storage failed: it may be in the record, or not */
  constructor(
    { room, name }: { readonly room: string; readonly name: string },
    memory: Preferences,
    log: Log,
    carried: readonly OutboxMessage[],
  ) {
    this.#log = log;
    this.#carried = carried;
    this.#keep = (troubles) => {
      log.setTroubles(troubles);
      memory.keepTroubles(room, name, troubles);
    };
    log.setTroubles(memory.troubles(room, name));
  }

  refused(why: string, unsent: OutboxMessage): void {
    this.#add("refused", why, unsent);
  }

  undecided(unsent: OutboxMessage): void {
    this.#add("unknown", UNDECIDED, unsent);
  }

  /** The record is read. What was carried and is not in it is shown: it is not sent by itself. */
  isRead(outbox: readonly OutboxMessage[]): void {
    const lost = this.#carried.filter(({ id }) => outbox.every((unsent) => unsent.id !== id));
    this.#carried = [];
    for (const unsent of lost) this.#add("unknown", NOT_KEPT, unsent);
  }

  /** One was dealt with. */
  settle(trouble: FailedItem): void {
    this.#keep(this.#others(trouble.key));
  }

  #add(fate: FailedItem["fate"], why: string, unsent: OutboxMessage): void {
    const key = `t${unsent.id}`;
    this.#keep([...this.#others(key), { kind: "trouble", key, fate, why, unsent }]);
  }

  #others(key: string): readonly FailedItem[] {
    return this.#log.troubles.filter((other) => other.key !== key);
  }
}
