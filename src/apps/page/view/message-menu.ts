/** The menu of a message: reactions, reply, edit, erase; and the question before an erasure. */
import { contentsOf, MARKS, reactionsOf } from "../model/contents.ts";
import { canEdit, canErase, type Message } from "../model/log.ts";
import { button, byId, setText } from "./dom.ts";

/** The distance from the edge of the screen, in CSS pixels. */
const MARGIN_PX = 8;

export interface MenuActions {
  readonly ownName: () => string;
  /** False where the room takes no data: a reaction would be rejected. */
  readonly canReact: () => boolean;
  /** Older messages cannot be edited, ms since 1970. */
  readonly editableFrom: () => number;
  readonly onReact: (item: Message, mark: string, isOn: boolean) => void;
  readonly onReply: (item: Message) => void;
  readonly onEdit: (item: Message) => void;
  readonly onErase: (item: Message) => void;
  /** The menu or the question was closed, and the focus is nowhere. */
  readonly onFocusLost: (item: Message) => void;
}

export class MessageMenu {
  readonly #menu = byId("message-menu", HTMLElement);
  readonly #marks = byId("message-marks", HTMLElement);
  readonly #edit = byId("message-edit", HTMLButtonElement);
  readonly #erase = byId("message-erase", HTMLButtonElement);
  readonly #question = byId("erase-dialog", HTMLDialogElement);
  readonly #actions: MenuActions;
  #item: Message | undefined;
  #anchor: HTMLElement | undefined;

  constructor(actions: MenuActions) {
    this.#actions = actions;
    const onClick = (element: HTMLButtonElement, action: (item: Message) => void): void =>
      element.addEventListener("click", () => this.#choose(action));
    onClick(byId("message-reply", HTMLButtonElement), actions.onReply);
    onClick(this.#edit, actions.onEdit);
    onClick(this.#erase, (item) => this.#ask(item));
    this.#menu.addEventListener("toggle", (event) => this.#onToggle(event));
    this.#menu.addEventListener("keydown", (event) => this.#onKeydown(event));
    byId("erase-no", HTMLButtonElement).addEventListener("click", () => this.#question.close());
    byId("erase-yes", HTMLButtonElement).addEventListener("click", () => {
      const item = this.#item;
      this.#question.close();
      if (item !== undefined) actions.onErase(item);
    });
    this.#question.addEventListener("close", () => this.#returnFocus());
  }

  /** Opens the menu of a message beside the button that asks for it, or closes it if it is open there. */
  open(item: Message, anchor: HTMLElement): void {
    const { ownName, onReact } = this.#actions;
    if (this.#menu.matches(":popover-open")) {
      this.#menu.hidePopover();
      if (anchor === this.#anchor) return;
      if (this.#anchor !== undefined) this.#anchor.ariaExpanded = "false";
    }
    this.#item = item;
    this.#anchor = anchor;
    const me = ownName();
    const whose = item.entry.from === me ? "Your message" : `The message of ${item.entry.from}`;
    this.#menu.ariaLabel = whose;
    this.#edit.hidden = !canEdit(item, me, this.#actions.editableFrom());
    this.#erase.hidden = !canErase(item, me);
    const own = new Set(
      reactionsOf(item, me).flatMap(({ mark, isMine }) => (isMine ? [mark] : [])),
    );
    const offered = this.#actions.canReact() ? MARKS : [];
    const marks = offered.map(([mark, name]) => {
      const isOn = own.has(mark);
      const one = button("mark-choice", mark, () => this.#choose(() => onReact(item, mark, !isOn)));
      one.ariaLabel = name;
      one.title = name;
      one.ariaPressed = String(isOn);
      return one;
    });
    this.#marks.replaceChildren(...marks);
    this.#menu.showPopover();
    this.#place(anchor.getBoundingClientRect());
    anchor.ariaExpanded = "true";
    this.#buttons()[0]?.focus();
  }

  /** Closes both: another room is shown. */
  close(): void {
    this.#menu.hidePopover();
    this.#question.close();
  }

  #choose(action: (item: Message) => void): void {
    const item = this.#item;
    this.#menu.hidePopover();
    if (item !== undefined) action(item);
  }

  #ask(item: Message): void {
    setText(byId("erase-text", HTMLElement), contentsOf(item).text);
    this.#question.showModal();
  }

  /** Below the button, or above it if there is no room. */
  #place({ top, bottom, right }: DOMRect): void {
    const { offsetWidth, offsetHeight, style } = this.#menu;
    const isBelow = bottom + offsetHeight + MARGIN_PX <= innerHeight;
    const wanted = isBelow ? bottom : top - offsetHeight;
    const left = Math.min(right - offsetWidth, innerWidth - offsetWidth - MARGIN_PX);
    style.setProperty("top", `${Math.max(MARGIN_PX, wanted)}px`);
    style.setProperty("left", `${Math.max(MARGIN_PX, left)}px`);
  }

  #onToggle({ newState }: ToggleEvent): void {
    if (newState !== "closed") return;
    if (this.#anchor !== undefined) this.#anchor.ariaExpanded = "false";
    this.#returnFocus();
  }

  /** The browser returns the focus to the button, unless its row was made again meanwhile. */
  #returnFocus(): void {
    const isNowhere = document.activeElement === null || document.activeElement === document.body;
    if (this.#item !== undefined && isNowhere) this.#actions.onFocusLost(this.#item);
  }

  #buttons(): HTMLButtonElement[] {
    return [...this.#menu.querySelectorAll("button")].filter(({ hidden }) => !hidden);
  }

  #onKeydown(event: KeyboardEvent): void {
    const isBack = event.key === "ArrowUp" || event.key === "ArrowLeft";
    if (!isBack && event.key !== "ArrowDown" && event.key !== "ArrowRight") return;
    const buttons = this.#buttons();
    const at = buttons.findIndex((one) => one === document.activeElement);
    event.preventDefault();
    buttons.at((at + (isBack ? -1 : 1)) % buttons.length)?.focus();
  }
}
