/** Helpers of the views for the DOM. Text is set as text, never as markup. */

/** @returns the element with this id @throws if there is none of this kind */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} ${id}`);
  return found;
}

/** Creates an element with a class and children. */
export function create<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/** Creates an element for a text of a person: the text sets its own direction. */
export function userText(tag: "p" | "bdi" | "span", className: string, text: string): HTMLElement {
  const element = create(tag, className);
  element.dir = "auto";
  element.textContent = text;
  return element;
}

export function button(className: string, text: string, onClick: () => void): HTMLButtonElement {
  const element = create("button", className);
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", onClick);
  return element;
}

/** Sets a text only if it differs, so that a screen reader does not read it twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export const prefersReducedMotion = (): boolean =>
  matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Returns one of eight colours, always the same for a name. */
export function hueOf(name: string): string {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9_973;
  return `hue-${sum % 8}`;
}

/** Creates the round initial before a name. */
export function avatar(name: string): HTMLElement {
  const [first = ""] = name;
  const element = create("span", `sign ${hueOf(name)}`, first.toUpperCase());
  element.ariaHidden = "true";
  return element;
}
