/** What the person does to a message of the log: reply, edit, erase, react, and go to the original of a reply. */
import type { Entry } from "../../../client/index.ts";
import { audienceOf, contentsOf, MARKS, shortMark } from "../model/contents.ts";
import type { FailedItem, Message } from "../model/log.ts";
import { toOf } from "../model/rows.ts";
import type { RoomSession } from "../room-session.ts";
import type { Announcer } from "./announcer.ts";
import type { Composer } from "./composer.ts";
import type { LogView } from "./log-view.ts";

export interface Parts {
  /** The room that is shown; undefined if none is. */
  readonly session: () => RoomSession | undefined;
  readonly render: () => void;
  readonly composer: Composer;
  readonly log: LogView;
  readonly announcer: Announcer;
}

export class MessageActions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  reply({ entry }: Message): void {
    const me = this.#parts.session()?.address.name ?? "";
    this.#parts.composer.reply(entry.seq, audienceOf(entry, me));
  }

  edit(item: Message): void {
    const { text } = contentsOf(item);
    this.#parts.composer.edit(item.seq, text, text);
  }

  /** Edits the newest own message. */
  editLast(): void {
    const session = this.#parts.session();
    const item = session?.log.lastOf(session.address.name, session.editableFrom);
    if (item !== undefined) this.edit(item);
  }

  erase({ seq }: Message): void {
    this.#try((session) => session.writer.erase(seq));
  }

  react(entry: Entry, mark: string, isOn: boolean): void {
    const name = MARKS.find(([one]) => one === mark)?.[1] ?? shortMark(mark);
    this.#try((session) => session.writer.react(entry, mark, isOn));
    this.#parts.announcer.say(isOn ? `Reaction added: ${name}.` : `Reaction taken back: ${name}.`);
  }

  /** Puts a failed text back into the input. */
  restore(failed: FailedItem): void {
    const { composer } = this.#parts;
    const { unsent, isOrphan } = failed;
    const { text = "" } = unsent;
    const ref = isOrphan ? undefined : unsent.ref;
    if (unsent.type === "patch") {
      // As a change of its message, because a new message would go to other people.
      if (!composer.isEditing) composer.edit(unsent.ref, text);
      else return composer.showError("Save or cancel your change first.");
    } else {
      const draft = { text, to: toOf(unsent) ?? [], ...(ref !== undefined && { ref }) };
      if (!composer.restore(draft)) return;
    }
    this.#parts.session()?.removeFailed(failed);
  }

  /** Goes to the message at `seq`, which may have to be loaded, or says why that cannot be. */
  async reveal(seq: number): Promise<void> {
    const { composer, log, render } = this.#parts;
    const session = this.#parts.session();
    const problem = await session?.loadUntil(seq);
    if (session === undefined || session !== this.#parts.session()) return;
    if (problem !== undefined) return composer.showError(problem);
    composer.showError("");
    render();
    if (!log.reveal(seq)) composer.showError("That message is not shown here.");
  }

  /** What cannot wait in the outbox is told at once. */
  #try(write: (session: RoomSession) => Promise<void>): void {
    const session = this.#parts.session();
    if (session === undefined) return;
    write(session).catch((error: unknown) => {
      this.#parts.composer.showError(error instanceof Error ? error.message : String(error));
    });
  }
}
