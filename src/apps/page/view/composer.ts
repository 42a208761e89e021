/**
 * Where one writes.
 *
 * Invariants:
 * - The text is in the input until the room's client has taken it; what could not be taken is back in it.
 * - A text that no message can hold is not taken, whether there is a connection or not.
 */
import type { Draft } from "../preferences.ts";
import { pressOf } from "../model/keys.ts";
import { type Length, lengthOf } from "../model/length.ts";
import { button, create, byId, setText, written } from "./dom.ts";

export interface ComposerActions {
  /** @throws if the text was not taken, by rejecting */
  readonly say: (draft: Draft) => Promise<void>;
  readonly changed: (draft: Draft) => void;
  /** Whom it is for has changed. */
  readonly addressed: () => void;
  readonly typed: (draft: Draft) => void;
}

export class Composer {
  readonly #form = byId("composer", HTMLFormElement);
  readonly #to = byId("to", HTMLElement);
  readonly #text = byId("text", HTMLTextAreaElement);
  readonly #send = byId("send", HTMLButtonElement);
  readonly #trouble = byId("composer-trouble", HTMLElement);
  readonly #actions: ComposerActions;
  readonly #count = byId("text-count", HTMLElement);
  readonly #said = byId("text-count-said", HTMLElement);
  #names: readonly string[] = [];
  #canSend = true;
  /** Bytes of UTF-8. */
  #limit = Infinity;
  #length: Length["state"] = "fine";

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
      this.#measure();
    });
  }

  get draft(): Draft {
    return { text: this.#text.value, to: this.#names };
  }

  set draft({ text, to }: Draft) {
    this.#text.value = text;
    this.#measure();
    this.#address(to);
  }

  /** Takes a text back into the input; what stands there already stays, above it. */
  takeBack({ text, to }: Draft): void {
    const before = this.#text.value;
    this.draft = { text: before === "" ? text : `${before}\n${text}`, to };
    this.#actions.changed(this.draft);
    this.focus();
  }

  /** Addresses somebody, or not any more. @param focuses whether one writes next */
  toggle(name: string, focuses = true): void {
    const others = this.#names.filter((one) => one !== name);
    this.#address(others.length < this.#names.length ? others : [...others, name]);
    this.#actions.changed(this.draft);
    if (focuses) this.focus();
  }

  set canSend(canSend: boolean) {
    this.#canSend = canSend;
    this.#enable();
  }

  /** @param limit bytes of UTF-8 that one message takes */
  set limit(limit: number) {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#measure();
  }

  focus(): void {
    this.#text.focus();
  }

  /** A sentence under the input; none if it is empty. */
  warn(text: string): void {
    setText(this.#trouble, text);
  }

  #key(event: KeyboardEvent): void {
    const press = pressOf(event);
    if (press === "escape" && this.#names.length > 0) {
      this.#address([]);
      this.#actions.changed(this.draft);
    }
    if (press !== "send") return;
    event.preventDefault();
    void this.#say();
  }

  async #say(): Promise<void> {
    const { draft } = this;
    if (!this.#canSend || draft.text.trim() === "") return;
    if (this.#length === "over") return this.#sayLength();
    this.#text.value = "";
    this.#measure();
    try {
      const said = this.#actions.say(draft);
      this.#actions.changed(this.draft);
      await said;
    } catch (error) {
      this.takeBack(draft);
      this.warn(error instanceof Error ? error.message : String(error));
    }
  }

  /** Counts, and tells when the text comes near the limit or goes over it: not at each key. */
  #measure(): void {
    const { state, count } = lengthOf(this.#text.value, this.#limit);
    setText(this.#count, count);
    const before = this.#length;
    this.#length = state;
    if (state === before) return;
    this.#count.classList.toggle("over", state === "over");
    this.#text.ariaInvalid = String(state === "over");
    this.#enable();
    this.#sayLength();
  }

  #sayLength(): void {
    const { said } = lengthOf(this.#text.value, this.#limit);
    // The same sentence is read aloud again only if it comes anew.
    this.#said.replaceChildren(said);
  }

  #enable(): void {
    this.#send.disabled = !this.#canSend || this.#length === "over";
  }

  #address(names: readonly string[]): void {
    this.#names = names;
    const chips = names.map((name) => {
      const chip = button("chip", "", () => this.toggle(name));
      chip.append(written("bdi", "", name), create("span", "cross", "×"));
      chip.ariaLabel = `Do not write to ${name}`;
      return chip;
    });
    const label = create("span", "to-label", "To");
    this.#to.replaceChildren(...(chips.length > 0 ? [label, ...chips] : []));
    const whom = names.length === 0 ? "everyone" : names.join(", ");
    this.#text.placeholder = `Write to ${whom}`;
    this.#text.ariaLabel = `Message to ${whom}`;
    this.#actions.addressed();
  }
}
