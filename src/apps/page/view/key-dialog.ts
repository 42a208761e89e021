/** The dialog that shows, copies and replaces the key. The key is shown nowhere else. */
import { byId, setText } from "./dom.ts";

/** The most characters of a key. */
const KEY_MAX = 1_024;

export interface Keys {
  key: string;
}

export class KeyDialog {
  readonly #dialog = byId("key-dialog", HTMLDialogElement);
  readonly #own = byId("key-own", HTMLInputElement);
  readonly #other = byId("key-other", HTMLInputElement);
  readonly #show = byId("key-show", HTMLButtonElement);
  readonly #status = byId("key-told", HTMLElement);
  readonly #keys: Keys;

  constructor(keys: Keys, onReplace: () => void) {
    this.#keys = keys;
    this.#show.addEventListener("click", () => this.#reveal(this.#own.type === "password"));
    byId("key-copy", HTMLButtonElement).addEventListener("click", () => void this.#copy());
    byId("key-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#replace()) return;
      this.#dialog.close();
      onReplace();
    });
    this.#dialog.addEventListener("close", () => {
      this.#own.value = "";
      this.#other.value = "";
    });
  }

  open(): void {
    this.#reveal(false);
    setText(this.#status, "");
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
      setText(this.#status, "Copied. Paste it only on your other device.");
    } catch {
      this.#reveal(true);
      this.#own.select();
      setText(
        this.#status,
        "The browser does not allow this page to copy. Copy the selected text.",
      );
    }
  }

  #replace(): boolean {
    const key = this.#other.value.trim();
    if (key === "" || key.length > KEY_MAX || !key.isWellFormed()) {
      setText(
        this.#status,
        `A key has 1 to ${KEY_MAX} characters. Paste the whole key, and nothing else.`,
      );
      this.#other.focus();
      return false;
    }
    this.#keys.key = key;
    return true;
  }
}
