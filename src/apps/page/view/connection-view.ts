/** The state of the link in words, and the switch that cuts it. */
import type { Words } from "../model/status-text.ts";
import { part, setText } from "./dom.ts";

export class LinkView {
  readonly #link = part("link", HTMLElement);
  readonly #words = part("link-words", HTMLElement);
  readonly #now = part("link-now", HTMLButtonElement);
  readonly #switch = part("cut", HTMLButtonElement);

  constructor(actions: { readonly tryNow: () => void; readonly toggle: () => void }) {
    this.#now.addEventListener("click", actions.tryNow);
    this.#switch.addEventListener("click", actions.toggle);
  }

  render({ text, mood, canTry }: Words, isCut: boolean, canCut: boolean): void {
    setText(this.#words, text);
    this.#link.dataset["mood"] = mood;
    this.#now.hidden = !canTry;
    this.#switch.ariaChecked = String(isCut);
    this.#switch.disabled = !canCut;
  }
}
