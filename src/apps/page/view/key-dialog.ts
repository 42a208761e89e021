/** The key: shown and copied when asked for, and replaced by one from another device. Shown nowhere else. */
import { byId, setText } from "./dom.ts";

/** Characters of a key. */
const KEY_MAX = 1_024;

export interface Keys {
  key: string;
}

export class KeyDialog {
  readonly #dialog = byId("key-dialog", HTMLDialogElement);
  readonly #own = byId("key-own", HTMLInputElement);
  readonly #other = byId("key-other", HTMLInputElement);
  readonly #show = byId("key-show", HTMLButtonElement);
  readonly #told = byId("key-told", HTMLElement);
  readonly #keys: Keys;

  constructor(keys: Keys, replaced: () => void) {
    this.#keys = keys;
    this.#show.addEventListener("click", () => this.#reveal(this.#own.type === "password"));
    byId("key-copy", HTMLButtonElement).addEventListener("click", () => void this.#copy());
    byId("key-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#replace()) return;
      this.#dialog.close();
      replaced();
    });
    this.#dialog.addEventListener("close", () => {
      this.#own.value = "";
      this.#other.value = "";
    });
  }

  open(): void {
    this.#reveal(false);
    setText(this.#told, "");
    this.#own.value = this.#keys.key;
    this.#dialog.showModal();
  }

  #reveal(isShown: boolean): void {
    this.#own.type = isShown ? "text" : "password";
    setText(this.#show, isShown ? "Hide" : "Show");
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#own.value);
      setText(this.#told, "Copied. Paste it on the other device only.");
    } catch {
      this.#reveal(true);
      this.#own.select();
      setText(this.#told, "The browser does not let this page copy: copy the selected text.");
    }
  }

  #replace(): boolean {
    const key = this.#other.value.trim();
    if (key === "" || key.length > KEY_MAX || !key.isWellFormed()) {
      setText(
        this.#told,
        `A key has 1 to ${KEY_MAX} characters: paste all of it, and nothing else.`,
      );
      this.#other.focus();
      return false;
    }
    this.#keys.key = key;
    return true;
  }
}
