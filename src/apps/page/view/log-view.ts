/**
 * The log in the document: a window of rows that keeps its place.
 *
 * Invariants:
 * - Never more rows than the window has.
 * - What somebody looks at does not move under them, whether rows come above or below; who looks at the end follows it.
 * - A row whose content is the same stays the same element.
 */
import type { LogItem } from "../model/log.ts";
import { type Calendar, type Line, type Row, rowsOf } from "../model/rows.ts";
import { down, EMPTY, moved, up, type VirtualWindow } from "../model/virtual-window.ts";
import { create } from "./dom.ts";
import { type RowActions, rowElement } from "./row-view.ts";

/** How near the end counts as the end, in CSS pixels. */
const NEAR_PX = 48;
/** As many rows of a replay, the newest, appear one after another and are marked for a moment. */
const STAGGERED = 24;

interface Shown {
  readonly row: Row;
  readonly element: HTMLElement;
}

export interface LogContent {
  readonly items: readonly LogItem[];
  readonly lines: ReadonlyMap<number, Line>;
  /** What stands above the first row, if it is the first of all. */
  readonly edge: string;
}

export interface LogActions extends RowActions {
  /** The first row that is known came near. */
  readonly wantsMore: () => void;
  /** Somebody looks at the end, or not any more. */
  readonly visibilityChanged: () => void;
}

export class LogView {
  readonly #box: HTMLElement;
  readonly #rows = create("div", "rows");
  readonly #edge = create("p", "edge");
  readonly #actions: LogActions;
  #shown = new Map<string, Shown>();
  /** The rows that were marked as replayed once: not again when they come back into the document. */
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
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // A line that wraps anew moves the end.
    new ResizeObserver(() => this.#window.follows && this.#toBottom()).observe(box);
  }

  /** Is the end of the log in sight? */
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
    this.#show(moved(this.#window, before, keys));
  }

  /** Another room is shown. */
  reset(): void {
    this.#marked.clear();
    this.#window = EMPTY;
    this.#items = [];
  }

  /** Goes to the end, and follows it. */
  toEnd(): void {
    this.#show(moved({ ...this.#window, follows: true }, undefined, this.#keys()));
    this.#actions.visibilityChanged();
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
    else this.#keep(anchor);
  }

  #place(rows: readonly Row[]): void {
    const wanted = new Set(rows.map(({ key }) => key));
    for (const [key, { element }] of this.#shown) if (!wanted.has(key)) element.remove();
    const shown = new Map<string, Shown>();
    let cursor = this.#rows.firstChild;
    const turns = this.#turns(rows);
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
      shown.set(row.key, { row, element });
    }
    this.#shown = shown;
  }

  /** When the newest rows of a replay appear, by key: one after another. Each only once. */
  #turns(rows: readonly Row[]): ReadonlyMap<string, number> {
    const isNew = (row: Row): boolean =>
      row.kind === "message" && row.item.via === "replay" && !this.#marked.has(row.key);
    const replayed = rows.filter(isNew);
    for (const { key } of replayed) this.#marked.add(key);
    return new Map(replayed.slice(-STAGGERED).map(({ key }, turn) => [key, turn]));
  }

  /** The first row in sight, and where it stands: it is to stand there afterwards. */
  #anchor(): { readonly key: string; readonly top: number } | undefined {
    const edge = this.#box.getBoundingClientRect().top;
    for (const [key, { element }] of this.#shown) {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge && key.startsWith("m")) return { key, top };
    }
    return undefined;
  }

  #keep({ key, top }: { readonly key: string; readonly top: number }): void {
    const element = this.#shown.get(key)?.element;
    if (element !== undefined) this.#box.scrollTop += element.getBoundingClientRect().top - top;
  }

  #toBottom(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #scrolled(): void {
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
      else this.#actions.wantsMore();
    } else if (below < clientHeight && end < length) this.#show(down(this.#window, length));
  }
}

function isSame(a: Row, b: Row): boolean {
  const right: Readonly<Record<string, unknown>> = { ...b };
  return Object.entries(a).every(([key, value]) => right[key] === value);
}
