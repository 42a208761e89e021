/**
 * The log in the document: a window of rows with a stable scroll position.
 *
 * Invariants:
 * - The document has no more rows than the window.
 * - Rows that arrive above or below do not move the rows in sight. At the end of the log, the view follows the end.
 * - A row whose content is the same stays the same element, and one that is made again keeps the focus.
 */
import type { LogItem } from "../model/log.ts";
import { type Calendar, type Line, type Row, rowsOf } from "../model/rows.ts";
import { around, down, EMPTY, updated, up, type VirtualWindow } from "../model/virtual-window.ts";
import { create } from "./dom.ts";
import { RowFocus } from "./row-focus.ts";
import { type RowActions, rowElement } from "./row-view.ts";

/** Within this distance the view is at the end, in CSS pixels. */
const NEAR_PX = 48;
/** The number of newest rows of a replay that appear one after another, and are marked for a moment. */
const STAGGERED = 24;

interface Shown {
  readonly row: Row;
  readonly element: HTMLElement;
}

export interface LogContent {
  readonly items: readonly LogItem[];
  readonly lines: ReadonlyMap<number, Line>;
  /** The text above the first row, shown only if that row is the first of the log. */
  readonly edge: string;
}

export interface LogActions extends RowActions {
  /** The first row of the log is near. */
  readonly onNearStart: () => void;
  /** The end of the log came into sight, or went out of it. */
  readonly visibilityChanged: () => void;
}

export class LogView {
  readonly #box: HTMLElement;
  readonly #rows = create("div", "rows");
  readonly #edge = create("p", "edge");
  readonly #actions: LogActions;
  readonly #focus = new RowFocus(this.#rows);
  #shown = new Map<string, Shown>();
  /** Rows that were marked as replayed: each is marked once, even if it leaves the document and returns. */
  readonly #marked = new Set<string>();
  #window: VirtualWindow = EMPTY;
  #items: readonly LogItem[] = [];
  #content: LogContent = { items: [], lines: new Map(), edge: "" };
  #calendar: Calendar;

  constructor(box: HTMLElement, calendar: Calendar, actions: LogActions) {
    this.#box = box;
    this.#calendar = calendar;
    this.#actions = actions;
    box.replaceChildren(this.#edge, this.#rows);
    box.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // Text that wraps differently moves the end.
    new ResizeObserver(() => this.#window.follows && this.#toBottom()).observe(box);
  }

  /** Whether the end of the log is in sight. */
  get follows(): boolean {
    return this.#window.follows;
  }

  set calendar(calendar: Calendar) {
    this.#calendar = calendar;
  }

  render(content: LogContent): void {
    const before = this.#items[this.#window.start]?.key;
    this.#content = content;
    this.#items = content.items;
    const keys = content.items.map(({ key }) => key);
    this.#show(updated(this.#window, before, keys));
  }

  /** Another room is shown. */
  reset(): void {
    this.#marked.clear();
    this.#window = EMPTY;
    this.#items = [];
  }

  /** Scrolls to the end, and follows it. */
  toEnd(): void {
    this.#show(updated({ ...this.#window, follows: true }, undefined, this.#keys()));
    this.#actions.visibilityChanged();
  }

  /** Brings the message at `seq` into sight, and focuses its row. @returns false if the log does not show it */
  reveal(seq: number): boolean {
    const key = `m${seq}`;
    const at = this.#items.findIndex((item) => item.key === key);
    if (at === -1) return false;
    this.#show(
      this.#shown.has(key) ? { ...this.#window, follows: false } : around(at, this.#items.length),
    );
    const element = this.#shown.get(key)?.element;
    if (element === undefined) return false;
    element.scrollIntoView({ block: "center" });
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    element.classList.add("found");
    element.addEventListener("animationend", () => element.classList.remove("found"));
    this.#actions.visibilityChanged();
    // It may be at the end: then nothing scrolls.
    this.#onScroll();
    return true;
  }

  /** Focuses the menu of the message at `seq`, or the log. */
  focusMenu(seq: number): void {
    const row = this.#shown.get(`m${seq}`)?.element;
    if (row === undefined) this.#box.focus({ preventScroll: true });
    else this.#focus.focusMenu(row);
  }

  #keys(): string[] {
    return this.#items.map(({ key }) => key);
  }

  #show(window: VirtualWindow): void {
    const { lines, edge } = this.#content;
    const anchor = window.follows ? undefined : this.#anchor();
    this.#window = window;
    const isFirst = window.start === 0;
    this.#edge.textContent = isFirst ? edge : "";
    this.#place(rowsOf(this.#items, window, lines, this.#calendar));
    if (anchor === undefined) this.#toBottom();
    else this.#restoreAnchor(anchor);
  }

  #place(rows: readonly Row[]): void {
    const wanted = new Set(rows.map(({ key }) => key));
    for (const [key, { element }] of this.#shown) if (!wanted.has(key)) element.remove();
    const shown = new Map<string, Shown>();
    let cursor = this.#rows.firstChild;
    const turns = this.#staggered(rows);
    const keepFocus = this.#focus.keeping();
    for (const row of rows) {
      const known = this.#shown.get(row.key);
      let element: HTMLElement;
      if (known !== undefined && isSame(known.row, row)) element = known.element;
      else {
        element = rowElement(row, this.#actions);
        const turn = turns.get(row.key);
        if (turn !== undefined) {
          element.classList.add("fresh");
          element.style.setProperty("--turn", String(turn));
        }
        if (known !== undefined) {
          if (cursor === known.element) cursor = cursor.nextSibling;
          known.element.remove();
        }
      }
      if (cursor === element) cursor = element.nextSibling;
      else this.#rows.insertBefore(element, cursor);
      if (known !== undefined && known.element !== element) keepFocus(known.element, element);
      shown.set(row.key, { row, element });
    }
    this.#shown = shown;
    this.#focus.update();
  }

  /** The order in which the newest rows of a replay appear, by key. Each row has a place once. */
  #staggered(rows: readonly Row[]): ReadonlyMap<string, number> {
    const isNew = (row: Row): boolean =>
      row.kind === "message" && row.item.via === "replay" && !this.#marked.has(row.key);
    const replayed = rows.filter(isNew);
    for (const { key } of replayed) this.#marked.add(key);
    return new Map(replayed.slice(-STAGGERED).map(({ key }, turn) => [key, turn]));
  }

  /** The first row in sight, and its position, which must stay the same. */
  #anchor(): { readonly key: string; readonly top: number } | undefined {
    const edge = this.#box.getBoundingClientRect().top;
    for (const [key, { element }] of this.#shown) {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge && key.startsWith("m")) return { key, top };
    }
    return undefined;
  }

  #restoreAnchor({ key, top }: { readonly key: string; readonly top: number }): void {
    const element = this.#shown.get(key)?.element;
    if (element !== undefined) this.#box.scrollTop += element.getBoundingClientRect().top - top;
  }

  #toBottom(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const { start, end, follows } = this.#window;
    const length = this.#items.length;
    const below = scrollHeight - clientHeight - scrollTop;
    const isAtEnd = end === length && below < NEAR_PX;
    if (isAtEnd !== follows) {
      this.#window = { ...this.#window, follows: isAtEnd };
      this.#actions.visibilityChanged();
    }
    if (scrollTop < clientHeight) {
      if (start > 0) this.#show(up({ ...this.#window, follows: false }, length));
      else this.#actions.onNearStart();
    } else if (below < clientHeight && end < length) this.#show(down(this.#window, length));
  }
}

function isSame(a: Row, b: Row): boolean {
  const right: Readonly<Record<string, unknown>> = { ...b };
  return Object.entries(a).every(([key, value]) => right[key] === value);
}
