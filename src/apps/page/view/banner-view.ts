/** What stands in the way of talking, with what to do about it. */
import { type Action, ACTIONS, type Banner } from "../model/status-text.ts";
import { button, byId, setText } from "./dom.ts";

export class BannerView {
  readonly #box = byId("notice", HTMLElement);
  readonly #words = byId("notice-words", HTMLElement);
  readonly #choices = byId("notice-choices", HTMLElement);
  readonly #chosen: (action: Action) => void;
  #drawn = "";

  constructor(chosen: (action: Action) => void) {
    this.#chosen = chosen;
  }

  render(notice: Banner | undefined): void {
    this.#box.hidden = notice === undefined;
    const { text = "", actions = [] } = notice ?? {};
    setText(this.#words, text);
    if (this.#drawn === actions.join()) return;
    this.#drawn = actions.join();
    const choices = actions.map((action, index) =>
      button(index === 0 ? "small" : "small quiet", ACTIONS[action], () => this.#chosen(action)),
    );
    this.#choices.replaceChildren(...choices);
  }
}
