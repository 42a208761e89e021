/**
 * The form in which the person writes.
 *
 * Invariants:
 * - The text is in the input until the client has it in the outbox. A text that the client rejects goes back.
 * - A text above the limit of one message stays in the input, with or without a connection.
 */
import type { Draft } from "../preferences.ts";
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
}

export class Composer {
  readonly #form = byId("composer", HTMLFormElement);
  readonly #to = byId("to", HTMLElement);
  readonly #text = byId("text", HTMLTextAreaElement);
  readonly #sendButton = byId("send", HTMLButtonElement);
  readonly #error = byId("composer-trouble", HTMLElement);
  readonly #actions: ComposerActions;
  readonly #count = byId("text-count", HTMLElement);
  readonly #announcement = byId("text-count-said", HTMLElement);
  #recipients: readonly string[] = [];
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
    this.#text.addEventListener("keydown", (event) => this.#onKeydown(event));
    this.#text.addEventListener("input", () => {
      actions.onChange(this.draft);
      if (this.#text.value !== "") actions.onInput(this.draft);
      this.showError("");
      this.#measure();
    });
  }

  get draft(): Draft {
    return { text: this.#text.value, to: this.#recipients };
  }

  set draft({ text, to }: Draft) {
    this.#text.value = text;
    this.#measure();
    this.#setRecipients(to);
  }

  /** Puts a text back into the input, below the text that is there. */
  restore({ text, to }: Draft): void {
    const before = this.#text.value;
    this.draft = { text: before === "" ? text : `${before}\n${text}`, to };
    this.#actions.onChange(this.draft);
    this.focus();
  }

  /** Adds or removes a recipient. @param focuses whether the input gets the focus */
  toggleRecipient(name: string, focuses = true): void {
    const others = this.#recipients.filter((one) => one !== name);
    this.#setRecipients(others.length < this.#recipients.length ? others : [...others, name]);
    this.#actions.onChange(this.draft);
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
    if (press === "escape" && this.#recipients.length > 0) {
      this.#setRecipients([]);
      this.#actions.onChange(this.draft);
    }
    if (press !== "send") return;
    event.preventDefault();
    void this.#submit();
  }

  async #submit(): Promise<void> {
    const { draft } = this;
    if (!this.#canSend || draft.text.trim() === "") return;
    if (this.#length === "over") return this.#announceLength();
    this.#text.value = "";
    this.#measure();
    try {
      const sent = this.#actions.send(draft);
      this.#actions.onChange(this.draft);
      await sent;
    } catch (error) {
      this.restore(draft);
      this.showError(error instanceof Error ? error.message : String(error));
    }
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

  #setRecipients(names: readonly string[]): void {
    this.#recipients = names;
    const chips = names.map((name) => {
      const chip = button("chip", "", () => this.toggleRecipient(name));
      chip.append(userText("bdi", "", name), create("span", "cross", "×"));
      chip.ariaLabel = `Remove ${name}`;
      return chip;
    });
    const label = create("span", "to-label", "To");
    this.#to.replaceChildren(...(chips.length > 0 ? [label, ...chips] : []));
    const recipients = names.length === 0 ? "everyone" : names.join(", ");
    this.#text.placeholder = `Write to ${recipients}`;
    this.#text.ariaLabel = `Message to ${recipients}`;
    this.#actions.onRecipients();
  }
}
