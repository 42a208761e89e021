/**
 * The keyboard in the log: the buttons of one row at a time are in the tab order, and the arrow keys go to other rows.
 *
 * Invariant: a row that is made again keeps the focus, so that nobody who reacts to a message loses their place.
 */

const act = (element: Element | null | undefined, name: string): HTMLElement | undefined =>
  [...(element?.querySelectorAll<HTMLElement>(".act") ?? [])].find(
    ({ dataset }) => dataset["act"] === name,
  );

export class RowFocus {
  readonly #rows: HTMLElement;
  /** The row whose buttons are in the tab order. */
  #row: Element | undefined;

  /** @param rows the element whose children are the rows */
  constructor(rows: HTMLElement) {
    this.#rows = rows;
    rows.addEventListener("focusin", ({ target }) => this.#select(this.#rowOf(target)));
    rows.addEventListener("keydown", (event) => this.#onKeydown(event));
  }

  /** Returns what to call with each new row once it is in the document; it gets the focus that the old one had. */
  keeping(): (old: Element, made: Element) => void {
    const focused = document.activeElement;
    const name = focused instanceof HTMLElement ? focused.dataset["act"] : undefined;
    const row = this.#rowOf(focused);
    return (old, made) => {
      if (old !== row || name === undefined) return;
      // The last mark that is taken back leaves no button.
      (act(made, name) ?? act(made, "menu"))?.focus({ preventScroll: true });
    };
  }

  /** The rows have changed. Unless the focus is in one, Tab leads to the newest. */
  update(): void {
    if (this.#row?.isConnected === true && this.#rows.contains(document.activeElement)) return;
    this.#select(this.#from(this.#rows.lastElementChild, "previousElementSibling"));
  }

  /** Focuses the menu of a row. */
  focusMenu(row: Element | undefined): void {
    act(row, "menu")?.focus({ preventScroll: true });
  }

  #onKeydown(event: KeyboardEvent): void {
    const isUp = event.key === "ArrowUp";
    if (!isUp && event.key !== "ArrowDown") return;
    if (!(event.target instanceof HTMLElement) || !event.target.classList.contains("act")) return;
    const sibling = isUp ? "previousElementSibling" : "nextElementSibling";
    const next = this.#from(this.#rowOf(event.target)?.[sibling], sibling);
    event.preventDefault();
    if (next === undefined) return;
    this.focusMenu(next);
    next.scrollIntoView({ block: "nearest" });
  }

  /** The first row with a menu, from `row` on. */
  #from(
    row: Element | null | undefined,
    sibling: "previousElementSibling" | "nextElementSibling",
  ): Element | undefined {
    for (let one = row; one; one = one[sibling]) if (act(one, "menu")) return one;
    return undefined;
  }

  #rowOf(target: EventTarget | null): Element | undefined {
    if (!(target instanceof Element) || !this.#rows.contains(target)) return undefined;
    return target.closest(".row") ?? undefined;
  }

  #select(row: Element | undefined): void {
    if (row === undefined || row === this.#row) return;
    for (const one of this.#row?.querySelectorAll<HTMLElement>(".act") ?? []) one.tabIndex = -1;
    for (const one of row.querySelectorAll<HTMLElement>(".act")) one.tabIndex = 0;
    this.#row = row;
  }
}
