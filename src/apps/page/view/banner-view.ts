/** Shows why the person cannot talk, and the actions that help. */
import { type Action, ACTIONS, type Banner } from "../model/status-text.ts";
import { button, byId, setText } from "./dom.ts";

export class BannerView {
  readonly #box = byId("notice", HTMLElement);
  readonly #text = byId("notice-words", HTMLElement);
  readonly #buttons = byId("notice-choices", HTMLElement);
  readonly #onAction: (action: Action) => void;
  #rendered = "";

  constructor(onAction: (action: Action) => void) {
    this.#onAction = onAction;
  }

  render(banner: Banner | undefined): void {
    this.#box.hidden = banner === undefined;
    const { text = "", actions = [] } = banner ?? {};
    setText(this.#text, text);
    if (this.#rendered === actions.join()) return;
    this.#rendered = actions.join();
    const buttons = actions.map((action, index) =>
      button(index === 0 ? "small" : "small quiet", ACTIONS[action], () => this.#onAction(action)),
    );
    this.#buttons.replaceChildren(...buttons);
  }
}
