/** The state of the link in words, and the switch that cuts it. */
import type { StatusText } from "../model/status-text.ts";
import { byId, setText } from "./dom.ts";

export class ConnectionView {
  readonly #link = byId("link", HTMLElement);
  readonly #words = byId("link-words", HTMLElement);
  readonly #now = byId("link-now", HTMLButtonElement);
  readonly #switch = byId("cut", HTMLButtonElement);

  constructor(actions: { readonly tryNow: () => void; readonly toggle: () => void }) {
    this.#now.addEventListener("click", actions.tryNow);
    this.#switch.addEventListener("click", actions.toggle);
  }

  render({ text, tone, canTry }: StatusText, isCut: boolean, canCut: boolean): void {
    setText(this.#words, text);
    this.#link.dataset["mood"] = tone;
    this.#now.hidden = !canTry;
    this.#switch.ariaChecked = String(isCut);
    this.#switch.disabled = !canCut;
  }
}
