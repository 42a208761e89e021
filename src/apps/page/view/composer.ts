/**
 * The form in which the person writes: a message, a reply, or the new text of an own message.
 *
 * Invariants:
 * - The text is in the input until the client has it in the outbox. A text that the client rejects goes back.
 * - A text above the limit of one message stays in the input, with or without a connection.
 * - An edit puts the draft aside, and gives it back when it ends.
 */
import type { Draft } from "../preferences.ts";
import type { Quote } from "../model/contents.ts";
import { pressOf } from "../model/keys.ts";
import { type Length, lengthOf } from "../model/length.ts";
import { button, create, byId, setText, userText } from "./dom.ts";

export interface ComposerActions {
  /** @throws by rejecting, if the text is not in the outbox */
  readonly send: (draft: Draft) => Promise<void>;
  readonly onChange: (draft: Draft) => void;
  /** The recipients have changed. */
  readonly onRecipients: () => void;
  readonly onInput: (draft: Draft) => void;
  /** The arrow up was pressed in an empty input. */
  readonly onUp: () => void;
  readonly quoteOf: (seq: number) => Quote;
}

const EMPTY: Draft = { text: "", to: [] };

export class Composer {
  readonly #form = byId("composer", HTMLFormElement);
  readonly #about = byId("about", HTMLElement);
  readonly #to = byId("to", HTMLElement);
  readonly #text = byId("text", HTMLTextAreaElement);
  readonly #sendButton = byId("send", HTMLButtonElement);
  readonly #error = byId("composer-trouble", HTMLElement);
  readonly #actions: ComposerActions;
  readonly #count = byId("text-count", HTMLElement);
  readonly #announcement = byId("text-count-said", HTMLElement);
  /** What is written, but for its text, which is in the input. */
  #draft: Draft = EMPTY;
  /** The text before the edit; undefined after a reload. */
  #before: string | undefined;
  #canSend = true;
  /** Bytes of UTF-8. */
  #limit = Infinity;
  #length: Length["state"] = "fine";

  constructor(actions: ComposerActions) {
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    byId("about-cancel", HTMLButtonElement).addEventListener("click", () => this.#cancel());
    this.#text.addEventListener("keydown", (event) => this.#onKeydown(event));
    this.#text.addEventListener("input", () => {
      actions.onChange(this.draft);
      if (this.#text.value !== "") actions.onInput(this.draft);
      this.showError("");
      this.#measure();
    });
  }

  get draft(): Draft {
    return { ...this.#draft, text: this.#text.value };
  }

  set draft(draft: Draft) {
    this.#text.value = draft.text;
    this.#before = undefined;
    this.#measure();
    this.#set(draft);
  }

  get isEditing(): boolean {
    return this.#draft.edit !== undefined;
  }

  /** Puts a text back into the input, below the text that is there. @returns false while an edit is under way */
  restore(draft: Draft): boolean {
    if (this.isEditing) {
      this.showError("Save or cancel your change first.");
      return false;
    }
    const before = this.#text.value;
    this.draft = { ...draft, text: before === "" ? draft.text : `${before}\n${draft.text}` };
    this.#actions.onChange(this.draft);
    this.focus();
    return true;
  }

  /** The text answers the message at `ref`. @param to its recipients; empty: as they are */
  reply(ref: number, to: readonly string[]): void {
    if (this.isEditing) this.#cancel();
    this.#set({ ...this.#draft, ref, to: to.length > 0 ? to : this.#draft.to });
    this.#actions.onChange(this.draft);
    this.focus();
  }

  /** The text is the new one of the own message at `seq`. @param before the text that it has; absent: another one */
  edit(seq: number, text: string, before?: string): void {
    const { text: aside, to, ref } = this.#draft.aside ?? this.draft;
    const draft = { text: aside, to, ...(ref !== undefined && { ref }) };
    this.draft = { text, to: [], edit: seq, aside: draft };
    this.#before = before;
    this.#actions.onChange(this.draft);
    this.focus();
  }

  /** The messages that the draft is about are of another history of the room. The text stays. */
  forgetMessages(): void {
    const { text, to } = this.draft;
    const { aside = EMPTY } = this.#draft;
    this.draft = {
      to: aside.to.length > 0 ? aside.to : to,
      text: [aside.text, text].filter((one) => one !== "").join("\n"),
    };
    this.#actions.onChange(this.draft);
  }

  /** Adds or removes a recipient. @param focuses whether the input gets the focus */
  toggleRecipient(name: string, focuses = true): void {
    const { to } = this.#draft;
    const others = to.filter((one) => one !== name);
    // A change goes to those who have the message.
    if (!this.isEditing) {
      this.#set({ ...this.#draft, to: others.length < to.length ? others : [...others, name] });
      this.#actions.onChange(this.draft);
    }
    if (focuses) this.focus();
  }

  set canSend(canSend: boolean) {
    this.#canSend = canSend;
    this.#enable();
  }

  /** @param limit bytes of UTF-8 that the text of one message may have */
  set limit(limit: number) {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#measure();
  }

  focus(): void {
    this.#text.focus();
  }

  /** Shows a sentence below the input; an empty one hides it. */
  showError(text: string): void {
    setText(this.#error, text);
  }

  #onKeydown(event: KeyboardEvent): void {
    const press = pressOf(event);
    if (press === "escape") this.#cancel();
    if (press === "up" && this.#text.value === "" && !this.isEditing) {
      event.preventDefault();
      this.#actions.onUp();
    }
    if (press !== "send") return;
    event.preventDefault();
    void this.#submit();
  }

  /** Ends the edit, or the reply, or removes the recipients: the first of these that there is. */
  #cancel(): void {
    const { edit, aside = EMPTY, ref, ...plain } = this.draft;
    if (edit !== undefined) this.draft = aside;
    else if (ref !== undefined) this.#set(plain);
    else if (plain.to.length > 0) this.#set({ ...plain, to: [] });
    else return;
    this.showError("");
    this.#actions.onChange(this.draft);
    this.focus();
  }

  async #submit(): Promise<void> {
    const { draft } = this;
    if (!this.#canSend) return;
    if (draft.text.trim() === "") {
      if (this.isEditing)
        this.showError("A message cannot become empty: cancel this, and erase it.");
      return;
    }
    if (this.#length === "over") return this.#announceLength();
    if (this.isEditing && draft.text === this.#before) return this.#cancel();
    if (this.isEditing) this.draft = draft.aside ?? EMPTY;
    else this.draft = { text: "", to: draft.to };
    try {
      const sent = this.#actions.send(draft);
      this.#actions.onChange(this.draft);
      await sent;
    } catch (error) {
      this.#restoreRejected(draft);
      this.showError(error instanceof Error ? error.message : String(error));
    }
  }

  #restoreRejected(draft: Draft): void {
    if (draft.edit === undefined) return void this.restore(draft);
    this.edit(draft.edit, draft.text);
  }

  /** Updates the counter, and announces when the text comes near the limit or exceeds it: not at each key press. */
  #measure(): void {
    const { state, count } = lengthOf(this.#text.value, this.#limit);
    setText(this.#count, count);
    const before = this.#length;
    this.#length = state;
    if (state === before) return;
    this.#count.classList.toggle("over", state === "over");
    this.#text.ariaInvalid = String(state === "over");
    this.#enable();
    this.#announceLength();
  }

  #announceLength(): void {
    const { announcement } = lengthOf(this.#text.value, this.#limit);
    // A screen reader reads the same sentence again only if its node is replaced.
    this.#announcement.replaceChildren(announcement);
  }

  #enable(): void {
    this.#sendButton.disabled = !this.#canSend || this.#length === "over";
  }

  /** Takes what is written, but for its text. */
  #set(draft: Draft): void {
    this.#draft = draft;
    const { to, edit } = draft;
    const chips = to.map((name) => {
      const chip = button("chip", "", () => this.toggleRecipient(name));
      chip.append(userText("bdi", "", name), create("span", "cross", "×"));
      chip.ariaLabel = `Remove ${name}`;
      return chip;
    });
    const label = create("span", "to-label", "To");
    this.#to.replaceChildren(...(chips.length > 0 ? [label, ...chips] : []));
    const recipients = to.length === 0 ? "everyone" : to.join(", ");
    const isEdit = edit !== undefined;
    this.#text.placeholder = isEdit ? "The new text" : `Write to ${recipients}`;
    this.#text.ariaLabel = isEdit ? "New text of your message" : `Message to ${recipients}`;
    setText(this.#sendButton, isEdit ? "Save" : "Send");
    this.renderAbout();
    this.#actions.onRecipients();
  }

  /** Shows which message the text is about, as that is now. */
  renderAbout(): void {
    const { ref, edit } = this.#draft;
    this.#about.hidden = edit === undefined && ref === undefined;
    setText(byId("about-words", HTMLElement), this.#aboutText());
  }

  #aboutText(): string {
    const { ref, edit } = this.#draft;
    if (edit !== undefined) return "Editing your message";
    if (ref === undefined) return "";
    const { from, text } = this.#actions.quoteOf(ref);
    if (from === "") return "Replying to an earlier message";
    return `Replying to ${from === "You" ? "yourself" : from}: ${text}`;
  }
}
