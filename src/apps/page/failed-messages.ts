/**
 * Own messages and changes that the room rejected, or whose fate is unknown. They stay in the log and in this browser's storage
 * until the person takes them back or dismisses them.
 */
import { type OutboxItem, type RefusedError, refusalText } from "../../client/index.ts";
import type { Preferences } from "./preferences.ts";
import type { Log, FailedItem } from "./model/log.ts";

const GAP_REASON =
  "the room no longer keeps the entries that would show it; check the log above before you send it again";
const NOT_SAVED_REASON =
  "this browser did not save it; check the log above before you send it again";

export class FailedMessages {
  readonly #log: Log;
  readonly #save: (failed: readonly FailedItem[]) => void;
  #carried: readonly OutboxItem[];

  /** @param carried the outbox at the time when the storage failed; the record may hold these messages or not */
  constructor(
    { room, name }: { readonly room: string; readonly name: string },
    preferences: Preferences,
    log: Log,
    carried: readonly OutboxItem[],
  ) {
    this.#log = log;
    this.#carried = carried;
    this.#save = (failed) => {
      log.setFailed(failed);
      preferences.saveFailedMessages(room, name, failed);
    };
    log.setFailed(preferences.failedMessages(room, name));
  }

  addRefused(error: RefusedError, unsent: OutboxItem): void {
    const isOrphan = error.code === "unknown-ref";
    this.#add("refused", refusalText(error), unsent, isOrphan && { isOrphan });
  }

  addUnknown(unsent: OutboxItem): void {
    this.#add("unknown", GAP_REASON, unsent);
  }

  /** The room has another history now, in which the same seqs are other messages. */
  onRestored(): void {
    const failed = this.#log.failed.map((one) =>
      one.unsent.ref === undefined ? one : ({ ...one, isOrphan: true } as const),
    );
    if (failed.length > 0) this.#save(failed);
  }

  /** The record is read. Carried messages that it does not hold are shown as unknown, and are not sent again. */
  onOutbox(outbox: readonly OutboxItem[]): void {
    const lost = this.#carried.filter(({ id }) => outbox.every((unsent) => unsent.id !== id));
    this.#carried = [];
    for (const unsent of lost) this.#add("unknown", NOT_SAVED_REASON, unsent);
  }

  remove(failed: FailedItem): void {
    this.#save(this.#without(failed.key));
  }

  #add(
    fate: FailedItem["fate"],
    why: string,
    unsent: OutboxItem,
    orphan: Pick<FailedItem, "isOrphan"> | false = false,
  ): void {
    const key = `t${unsent.id}`;
    this.#save([...this.#without(key), { kind: "trouble", key, fate, why, unsent, ...orphan }]);
  }

  #without(key: string): readonly FailedItem[] {
    return this.#log.failed.filter((failed) => failed.key !== key);
  }
}
