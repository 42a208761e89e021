/** The few verbs of the document that the views need. Text goes in as text, never as markup. */

/** @returns the part of the page with this id @throws if the page has none of this kind */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} ${id}`);
  return found;
}

/** A new element with its class, and with texts or elements in it. */
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

/** What a person wrote: its direction is its own. */
export function written(tag: "p" | "bdi" | "span", className: string, text: string): HTMLElement {
  const element = create(tag, className);
  element.dir = "auto";
  element.textContent = text;
  return element;
}

export function button(className: string, text: string, pressed: () => void): HTMLButtonElement {
  const element = create("button", className);
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", pressed);
  return element;
}

/** Sets a text only if it is another one, so that nothing is read aloud twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export const movesLess = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** One of eight colours, always the same for a name. */
export function hueOf(name: string): string {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9_973;
  return `hue-${sum % 8}`;
}

/** The round sign before a name. */
export function avatar(name: string): HTMLElement {
  const [first = ""] = name;
  const element = create("span", `sign ${hueOf(name)}`, first.toUpperCase());
  element.ariaHidden = "true";
  return element;
}
