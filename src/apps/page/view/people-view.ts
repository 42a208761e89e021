/** Lists who is here and who is away. A click on a name adds it to the recipients, or removes it. */
import { pressOf } from "../model/keys.ts";
import { type Person, SHOWN_MAX } from "../model/roster.ts";
import { button, create, byId, setText, avatar, userText } from "./dom.ts";

export interface PeopleContent {
  readonly people: readonly Person[];
  readonly online: number;
  readonly name: string;
  readonly addressed: readonly string[];
}

export class PeopleView {
  readonly #panel = byId("people", HTMLElement);
  readonly #list = byId("people-list", HTMLElement);
  readonly #toggle = byId("people-toggle", HTMLButtonElement);
  readonly #onToggle: (name: string, isCovering: boolean) => void;
  #rendered = "";

  /** @param onToggle called with the name that was clicked; `isCovering`: the list covers the composer */
  constructor(onToggle: (name: string, isCovering: boolean) => void) {
    this.#onToggle = onToggle;
    this.#toggle.addEventListener("click", () => this.#open(!this.#isOpen));
    byId("people-close", HTMLButtonElement).addEventListener("click", () => this.#open(false));
    this.#panel.addEventListener("keydown", (event) => {
      if (pressOf(event) === "escape" && this.#isOpen) this.#open(false);
    });
  }

  render({ people, online, name, addressed }: PeopleContent): void {
    // A narrow screen shows only the toggle. Before the first connection the number is not known.
    setText(this.#toggle, online > 0 ? `${online} here` : "People");
    setText(byId("people-count", HTMLElement), online > 0 ? `${online} here` : "");
    const rendered = JSON.stringify([people.slice(0, SHOWN_MAX), people.length, addressed]);
    if (rendered === this.#rendered) return;
    this.#rendered = rendered;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const had = this.#list.contains(focused) ? focused?.dataset["name"] : undefined;
    const rows = people.slice(0, SHOWN_MAX).map((person) => this.#row(person, name, addressed));
    const more = people.length - SHOWN_MAX;
    if (more > 0) rows.push(create("li", "more", `and ${more} more`));
    this.#list.replaceChildren(...rows);
    if (had !== undefined) this.#focus(had);
  }

  #row({ name, isOnline }: Person, own: string, addressed: readonly string[]): HTMLLIElement {
    const element = create("li", isOnline ? "person" : "person away", avatar(name));
    const label = userText("bdi", "", name);
    const state = isOnline ? "" : "away";
    if (name === own) element.append(create("span", "self", label), create("span", "state", "you"));
    else {
      const press = button("name", "", () => this.#onToggle(name, this.#isOpen));
      press.append(label);
      press.dataset["name"] = name;
      press.ariaPressed = String(addressed.includes(name));
      press.title = `Write to ${name}${isOnline ? "" : ": messages wait until they return"}`;
      element.append(press, create("span", "state", state));
    }
    return element;
  }

  #focus(name: string): void {
    for (const press of this.#list.querySelectorAll<HTMLElement>("button")) {
      if (press.dataset["name"] === name) press.focus();
    }
  }

  get #isOpen(): boolean {
    return this.#toggle.ariaExpanded === "true";
  }

  #open(isOpen: boolean): void {
    this.#toggle.ariaExpanded = String(isOpen);
    this.#panel.classList.toggle("open", isOpen);
    (isOpen ? byId("people-close", HTMLButtonElement) : this.#toggle).focus();
  }
}
