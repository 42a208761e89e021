/**
 * The buttons of a message in the log: the quote, the reactions, the menu.
 *
 * Invariant: each has the class `act`, which the tab order depends on, and a name in `data-act` that is the same when its
 * row is made again, which the focus depends on.
 */
import type { Entry } from "../../../client/index.ts";
import {
  contentsOf,
  MARKS,
  type Quote,
  reactionsOf,
  type ShownReaction,
  shortMark,
} from "../model/contents.ts";
import type { Message } from "../model/log.ts";
import { button, create, userText } from "./dom.ts";

/** How much of a text names the menu of a message, in UTF-16 units. */
const NAME_UNITS = 60;

export interface MessageActions {
  /** The reader's name. */
  readonly ownName: () => string;
  /** The quote of the message at `seq` was clicked. */
  readonly onQuote: (seq: number) => void;
  readonly onReact: (entry: Entry, mark: string, isOn: boolean) => void;
  /** The menu of a message is wanted beside `anchor`. */
  readonly onMenu: (item: Message, anchor: HTMLElement) => void;
}

function act(className: string, name: string, onClick: () => void): HTMLButtonElement {
  const element = button(`${className} act`, "", onClick);
  element.dataset["act"] = name;
  element.tabIndex = -1;
  return element;
}

/** Returns a button with the original of a reply, which leads to it. */
export function quoteButton(
  ref: number,
  { from, text }: Quote,
  { onQuote }: MessageActions,
): HTMLElement {
  const element = act("quote", "quote", () => onQuote(ref));
  element.append(create("span", "unseen", "In reply to "));
  if (from !== "") element.append(userText("bdi", "quote-from", from), " ");
  element.append(userText("span", "quote-text", text));
  return element;
}

/** Returns the reactions of a message; undefined if it has none. */
export function reactionsElement(
  item: Message,
  { ownName, onReact }: MessageActions,
): HTMLElement | undefined {
  const shown = reactionsOf(item, ownName());
  if (shown.length === 0) return undefined;
  const chips = shown.map((reaction) => {
    const { mark, count, isMine, isWaiting } = reaction;
    const classes = isWaiting ? "reaction waits" : "reaction";
    const chip = act(classes, `mark ${mark}`, () => onReact(item.entry, mark, !isMine));
    chip.append(userText("bdi", "", shortMark(mark)), create("span", "", String(count)));
    chip.ariaPressed = String(isMine);
    chip.ariaLabel = labelOf(reaction);
    chip.title = chip.ariaLabel;
    return chip;
  });
  const element = create("div", "reactions", ...chips);
  element.role = "group";
  element.ariaLabel = "Reactions";
  return element;
}

/** Begins with what is in sight, so that it can be said to a computer that listens. */
function labelOf({ mark, count, names, isWaiting }: ShownReaction): string {
  const known = MARKS.find(([one]) => one === mark)?.[1];
  const name = known === undefined ? shortMark(mark) : `${mark} ${known}`;
  const people = count === 0 ? "taken back" : names;
  return `${name}, ${count}: ${people}${isWaiting ? ", waiting here" : ""}`;
}

/** Returns the button that opens the menu of a message. */
export function moreButton(item: Message, { ownName, onMenu }: MessageActions): HTMLElement {
  const element = act("more-actions", "menu", () => onMenu(item, element));
  element.textContent = "⋯";
  // The browser must know whose menu it is: otherwise a press here closes the menu, and the click opens it again.
  element.setAttribute("popovertarget", "message-menu");
  element.addEventListener("click", (event) => event.preventDefault());
  element.ariaHasPopup = "dialog";
  element.ariaExpanded = "false";
  const { from } = item.entry;
  const whose = from === ownName() ? "your message" : `the message of ${from}`;
  element.ariaLabel = `Actions for ${whose}: ${contentsOf(item).text.slice(0, NAME_UNITS)}`;
  return element;
}
