/** Follows the absences of one session, by its connection, its entries, and the entries that other tabs receive. */
import type { ClientState, Entry, OutboxItem } from "../../client/index.ts";
import {
  type Absence,
  FIRST,
  NONE,
  onEntry,
  onSeen,
  onSent,
  onSilent,
  onState,
  replayLine,
} from "./model/absence.ts";
import { isSaid, type Tally } from "./model/log.ts";
import type { Line } from "./model/rows.ts";

export class AbsenceTracker {
  /** Lines of the log, by the seq of the message below them. */
  readonly lines = new Map<number, Line>();
  #absence: Absence = FIRST;
  /** Ids of the messages that were in the outbox when the connection was live again. */
  #leftover = new Set<string>();

  get absence(): Absence {
    return this.#absence;
  }

  onState(state: ClientState): void {
    this.#absence = onState(this.#absence, state);
  }

  /** The replay is over. */
  onCaughtUp(outbox: readonly OutboxItem[]): void {
    this.#leftover = new Set(outbox.filter(isSaid).map(({ id }) => id));
    const absence = this.#absence;
    if (absence.phase === "back" && absence.first !== undefined) {
      this.lines.set(absence.first, { reason: "replay", text: replayLine(absence) });
    }
  }

  /** @param tally of this entry alone */
  onEntry({ seq, id, quiet }: Entry, isMine: boolean, tally: Tally): void {
    if (quiet) return this.onSilent(seq);
    this.#absence = onEntry(this.#absence, seq, isMine, tally);
    if (isMine && this.#leftover.delete(id ?? "")) this.#absence = onSent(this.#absence);
  }

  /** A quiet entry or a patch arrived. */
  onSilent(seq: number): void {
    this.#absence = onSilent(this.#absence, seq);
  }

  /** Another tab received the entry at `seq`, which concerns this one. */
  onSeen(seq: number): void {
    this.#absence = onSeen(this.#absence, seq);
  }

  /** A person who writes on has seen the summary, which is complete once the outbox of the absence is empty. */
  onWrite(): void {
    if (this.#leftover.size === 0) this.dismiss();
  }

  dismiss(): void {
    if (this.#absence.phase === "back") this.#absence = NONE;
  }
}
