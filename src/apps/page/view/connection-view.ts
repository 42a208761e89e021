/** Shows the state of the connection, and the switch that cuts it. */
import type { StatusText } from "../model/status-text.ts";
import { byId, setText } from "./dom.ts";

export class ConnectionView {
  readonly #box = byId("link", HTMLElement);
  readonly #text = byId("link-words", HTMLElement);
  readonly #retry = byId("link-now", HTMLButtonElement);
  readonly #switch = byId("cut", HTMLButtonElement);

  constructor(actions: { readonly onRetry: () => void; readonly onSwitch: () => void }) {
    this.#retry.addEventListener("click", actions.onRetry);
    this.#switch.addEventListener("click", actions.onSwitch);
  }

  render({ text, tone, canRetry }: StatusText, isCut: boolean, canCut: boolean): void {
    setText(this.#text, text);
    this.#box.dataset["mood"] = tone;
    this.#retry.hidden = !canRetry;
    this.#switch.ariaChecked = String(isCut);
    this.#switch.disabled = !canCut;
  }
}
