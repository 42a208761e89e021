/**
 * Where one writes.
 *
 * Invariant: the text is in the input until the room's client has taken it; what could not be taken is back in it.
 */
import type { Draft } from "../memory.ts";
import { button, make, part, setText, written } from "./dom.ts";

export interface ComposerActions {
  /** @throws if the text was not taken, by rejecting */
  readonly say: (draft: Draft) => Promise<void>;
  readonly changed: (draft: Draft) => void;
  /** Whom it is for has changed. */
  readonly addressed: () => void;
  readonly typed: (draft: Draft) => void;
}

export class Composer {
  readonly #form = part("composer", HTMLFormElement);
  readonly #to = part("to", HTMLElement);
  readonly #text = part("text", HTMLTextAreaElement);
  readonly #send = part("send", HTMLButtonElement);
  readonly #trouble = part("composer-trouble", HTMLElement);
  readonly #actions: ComposerActions;
  #names: readonly string[] = [];
  #canSend = true;

  constructor(actions: ComposerActions) {
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => {
      actions.changed(this.draft);
      if (this.#text.value !== "") actions.typed(this.draft);
      this.warn("");
    });
  }

  get draft(): Draft {
    return { text: this.#text.value, to: this.#names };
  }

  set draft({ text, to }: Draft) {
    this.#text.value = text;
    this.#address(to);
  }

  /** Takes a text back into the input; what stands there already stays, above it. */
  takeBack({ text, to }: Draft): void {
    const before = this.#text.value;
    this.draft = { text: before === "" ? text : `${before}\n${text}`, to };
    this.#actions.changed(this.draft);
    this.focus();
  }

  /** Addresses somebody, or not any more. */
  toggle(name: string): void {
    const others = this.#names.filter((one) => one !== name);
    this.#address(others.length < this.#names.length ? others : [...others, name]);
    this.#actions.changed(this.draft);
    this.focus();
  }

  set canSend(canSend: boolean) {
    this.#canSend = canSend;
    this.#send.disabled = !canSend;
  }

  focus(): void {
    this.#text.focus();
  }

  /** A sentence under the input; none if it is empty. */
  warn(text: string): void {
    setText(this.#trouble, text);
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.#names.length > 0) {
      this.#address([]);
      this.#actions.changed(this.draft);
    }
    // While a word is composed, Enter belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.#say();
  }

  async #say(): Promise<void> {
    const { draft } = this;
    if (!this.#canSend || draft.text.trim() === "") return;
    this.#text.value = "";
    try {
      const said = this.#actions.say(draft);
      this.#actions.changed(this.draft);
      await said;
    } catch (error) {
      this.takeBack(draft);
      this.warn(error instanceof Error ? error.message : String(error));
    }
  }

  #address(names: readonly string[]): void {
    this.#names = names;
    const chips = names.map((name) => {
      const chip = button("chip", "", () => this.toggle(name));
      chip.append(written("bdi", "", name), make("span", "cross", "×"));
      chip.ariaLabel = `Do not write to ${name}`;
      return chip;
    });
    const label = make("span", "to-label", "To");
    this.#to.replaceChildren(...(chips.length > 0 ? [label, ...chips] : []));
    const whom = names.length === 0 ? "everyone" : names.join(", ");
    this.#text.placeholder = `Write to ${whom}`;
    this.#text.ariaLabel = `Message to ${whom}`;
    this.#actions.addressed();
  }
}
