/** Who is here and who is away; a press on a name addresses it, or stops to. */
import { pressOf } from "../model/keys.ts";
import { type Person, SHOWN } from "../model/roster.ts";
import { button, create, byId, setText, avatar, written } from "./dom.ts";

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
  readonly #toggled: (name: string, isCovering: boolean) => void;
  #drawn = "";

  /** @param toggled a name was pressed; `isCovering`: the list lies over where one writes */
  constructor(toggled: (name: string, isCovering: boolean) => void) {
    this.#toggled = toggled;
    this.#toggle.addEventListener("click", () => this.#open(!this.#isOpen));
    byId("people-close", HTMLButtonElement).addEventListener("click", () => this.#open(false));
    this.#panel.addEventListener("keydown", (event) => {
      if (pressOf(event) === "escape" && this.#isOpen) this.#open(false);
    });
  }

  render({ people, online, name, addressed }: PeopleContent): void {
    // Only the toggle is there on a narrow screen. Nobody has told yet who is here before the first link.
    setText(this.#toggle, online > 0 ? `${online} here` : "People");
    setText(byId("people-count", HTMLElement), online > 0 ? `${online} here` : "");
    const drawn = JSON.stringify([people.slice(0, SHOWN), people.length, addressed]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const had = this.#list.contains(focused) ? focused?.dataset["name"] : undefined;
    const rows = people.slice(0, SHOWN).map((person) => this.#row(person, name, addressed));
    const more = people.length - SHOWN;
    if (more > 0) rows.push(create("li", "more", `and ${more} more`));
    this.#list.replaceChildren(...rows);
    if (had !== undefined) this.#focus(had);
  }

  #row({ name, isHere }: Person, own: string, addressed: readonly string[]): HTMLLIElement {
    const element = create("li", isHere ? "person" : "person away", avatar(name));
    const label = written("bdi", "", name);
    const state = isHere ? "" : "away";
    if (name === own) element.append(create("span", "self", label), create("span", "state", "you"));
    else {
      const press = button("name", "", () => this.#toggled(name, this.#isOpen));
      press.append(label);
      press.dataset["name"] = name;
      press.ariaPressed = String(addressed.includes(name));
      press.title = `Write to ${name}${isHere ? "" : ": it waits until they return"}`;
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
