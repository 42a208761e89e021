/**
 * Messages of one's own that the room refused, or whose fate is unknown: in the log and on this device, until their
 * writer has dealt with them.
 */
import type { Unsent } from "../../client/index.ts";
import type { Memory } from "./preferences.ts";
import type { Log, Trouble } from "./model/log.ts";

const UNDECIDED = "the room no longer keeps what would say it; look above before you send it again";
const NOT_KEPT = "this browser did not keep it: look above before you send it again";

export class Troubles {
  readonly #log: Log;
  readonly #keep: (troubles: readonly Trouble[]) => void;
  #carried: readonly Unsent[];

  /** @param carried what waited when the storage failed: it may be in the record, or not */
  constructor(
    { room, name }: { readonly room: string; readonly name: string },
    memory: Memory,
    log: Log,
    carried: readonly Unsent[],
  ) {
    this.#log = log;
    this.#carried = carried;
    this.#keep = (troubles) => {
      log.setTroubles(troubles);
      memory.keepTroubles(room, name, troubles);
    };
    log.setTroubles(memory.troubles(room, name));
  }

  refused(why: string, unsent: Unsent): void {
    this.#add("refused", why, unsent);
  }

  undecided(unsent: Unsent): void {
    this.#add("unknown", UNDECIDED, unsent);
  }

  /** The record is read. What was carried and is not in it is shown: it is not sent by itself. */
  isRead(outbox: readonly Unsent[]): void {
    const lost = this.#carried.filter(({ id }) => outbox.every((unsent) => unsent.id !== id));
    this.#carried = [];
    for (const unsent of lost) this.#add("unknown", NOT_KEPT, unsent);
  }

  /** One was dealt with. */
  settle(trouble: Trouble): void {
    this.#keep(this.#others(trouble.key));
  }

  #add(fate: Trouble["fate"], why: string, unsent: Unsent): void {
    const key = `t${unsent.id}`;
    this.#keep([...this.#others(key), { kind: "trouble", key, fate, why, unsent }]);
  }

  #others(key: string): readonly Trouble[] {
    return this.#log.troubles.filter((other) => other.key !== key);
  }
}
