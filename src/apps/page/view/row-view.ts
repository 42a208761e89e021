/** One row of the log as an element. */
import type { Entry, OutboxItem } from "../../../client/index.ts";
import { contentsOf, quoteOf } from "../model/contents.ts";
import { type FailedItem, isSaid, type Message, type Waiting } from "../model/log.ts";
import { type Row, toOf } from "../model/rows.ts";
import { type MessageActions, moreButton, quoteButton, reactionsElement } from "./row-buttons.ts";
import { button, hueOf, create, avatar, userText } from "./dom.ts";

export interface RowActions extends MessageActions {
  /** Another person's name was clicked. */
  readonly onName: (name: string) => void;
  /** Puts a failed text back into the input. */
  readonly restore: (failed: FailedItem) => void;
  readonly dismiss: (failed: FailedItem) => void;
}

export function rowElement(row: Row, actions: RowActions): HTMLElement {
  switch (row.kind) {
    case "day":
      return create("div", "row day", create("span", "", row.text));
    case "line":
      return create("div", `row mark ${row.reason}`, create("span", "", row.text));
    case "gap": {
      const { from, seq } = row.item;
      const text = `The room no longer keeps up to ${seq - from + 1} messages: it removed them before you received them. Changes of messages above may be missing, too.`;
      return create("div", "row gone", text);
    }
    case "message":
      return messageElement(row, actions);
    case "waiting":
      return waitingElement(row.item, row.isHead, actions);
    case "trouble":
      return failedElement(row.item, actions);
    default:
      return row satisfies never;
  }
}

const addressed = (to: readonly string[] | undefined): string => (to ? " addressed" : "");

function messageElement(row: Extract<Row, { kind: "message" }>, actions: RowActions): HTMLElement {
  const { entry, via } = row.item;
  const isMine = entry.from === actions.ownName();
  const classes = ["row", "message"];
  if (isMine) classes.push("mine");
  if (via === "replay") classes.push("replayed");
  const element = create("div", classes.join(" ") + addressed(entry.to));
  if (row.isHead) element.append(header(entry.from, entry.to, row.time, actions));
  element.append(...quoteOn(row.item, entry.ref, actions), ...contentsElements(row.item));
  const reactions = reactionsElement(row.item, actions);
  if (reactions !== undefined) element.append(reactions);
  if (isMine) {
    const state = create("span", "stored", "✓");
    state.title = "Stored by the room";
    element.append(state, create("span", "unseen", "stored"));
  }
  element.append(moreButton(row.item, actions));
  return element;
}

function contentsElements(item: Message): HTMLElement[] {
  const { text, isSentence, note } = contentsOf(item);
  const element = isSentence ? create("p", "text sentence", text) : userText("p", "text", text);
  if (note === "") return [element];
  return [element, create("span", note === "edited" ? "note" : "note state", note)];
}

const quoteOn = (
  { original }: { readonly original: Entry | undefined },
  ref: number | undefined,
  actions: RowActions,
): HTMLElement[] =>
  ref === undefined ? [] : [quoteButton(ref, quoteOf(original, actions.ownName()), actions)];

/** The sender, the recipients, and the time. */
function header(
  from: string,
  to: readonly string[] | undefined,
  time: string,
  { ownName, onName }: RowActions,
): HTMLElement {
  const element = create("div", "head");
  const me = ownName();
  if (from === me) element.append(avatar(me), create("span", "who own", "You"));
  else {
    const who = button(`who act ${hueOf(from)}`, "", () => onName(from));
    who.dataset["act"] = "who";
    who.tabIndex = -1;
    who.append(userText("bdi", "", from));
    who.title = `Write to ${from}`;
    element.append(avatar(from), who);
  }
  if (to !== undefined) {
    const names = to.map((one) => (one === me ? "you" : one)).join(", ");
    element.append(userText("span", "to", `to ${names}`));
  }
  if (time !== "") element.append(create("time", "", time));
  return element;
}

/** Returns the text that waits or failed, or a sentence about what has none. */
function unsentElement(unsent: OutboxItem): HTMLElement {
  if (unsent.text) return userText("p", "text", unsent.text);
  if (unsent.type === "patch") return create("p", "text sentence", "Erase a message");
  const { mark, on } = unsent.data ?? {};
  if (isSaid(unsent) || typeof mark !== "string") {
    return create("p", "text sentence", "Something that this page cannot show");
  }
  const text =
    on === false ? `Take ${mark} back from a message` : `React to a message with ${mark}`;
  return create("p", "text sentence", text);
}

function waitingElement(item: Waiting, isHead: boolean, actions: RowActions): HTMLElement {
  const { unsent } = item;
  const to = toOf(unsent);
  const element = create("div", `row message mine waiting${addressed(to)}`);
  if (isHead) element.append(header(actions.ownName(), to, "", actions));
  const isChange = unsent.type === "patch" && !unsent.erase;
  element.append(
    ...quoteOn(item, unsent.ref, actions),
    unsentElement(unsent),
    create("p", "state", isChange ? "Change waits here" : "Waiting here"),
  );
  return element;
}

function failedElement(failed: FailedItem, actions: RowActions): HTMLElement {
  const { why, unsent, isOrphan } = failed;
  const ref = isOrphan ? undefined : unsent.ref;
  const to = toOf(unsent);
  const element = create("div", `row message mine trouble${addressed(to)}`);
  const choices = [button("small quiet", "Dismiss", () => actions.dismiss(failed))];
  // A change of a message that is not there could only change another one.
  if (unsent.text && !(isOrphan && unsent.type === "patch")) {
    choices.unshift(button("small", "Take it back", () => actions.restore(failed)));
  }
  if (ref !== undefined) {
    const label = unsent.type === "patch" ? "Show the message" : "Show the original";
    choices.push(button("small quiet", label, () => actions.onQuote(ref)));
  }
  element.append(
    header(actions.ownName(), to, "", actions),
    unsentElement(unsent),
    userText("p", "state", `${failureOf(failed)}: ${why}.`),
    create("div", "choices", ...choices),
  );
  return element;
}

function failureOf({ fate, unsent }: FailedItem): string {
  const done = unsent.type === "message" ? "sent" : unsent.erase ? "erased" : "changed";
  return fate === "refused" ? `Not ${done}` : `Unknown whether it was ${done}`;
}
