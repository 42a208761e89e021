/** One row of the log as an element. */
import type { Entry } from "../../../client/index.ts";
import type { FailedItem } from "../model/log.ts";
import type { Row } from "../model/rows.ts";
import { button, hueOf, create, avatar, userText } from "./dom.ts";

export interface RowActions {
  /** The reader's name. */
  readonly ownName: () => string;
  /** Another person's name was clicked. */
  readonly onName: (name: string) => void;
  /** Puts a failed message back into the input. */
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
      const text = `The room no longer keeps up to ${seq - from + 1} messages: it removed them before you received them.`;
      return create("div", "row gone", text);
    }
    case "message":
      return messageElement(row, actions);
    case "waiting": {
      const { text, to } = row.item.unsent;
      const element = create("div", `row message mine waiting${addressed(to)}`);
      if (row.isHead) element.append(header(actions.ownName(), to, "", actions));
      element.append(userText("p", "text", text), create("p", "state", "Waiting here"));
      return element;
    }
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
  element.append(textOf(entry));
  if (isMine) {
    const state = create("span", "stored", "✓");
    state.title = "Stored by the room";
    element.append(state, create("span", "unseen", "stored"));
  }
  return element;
}

function textOf(entry: Entry): HTMLElement {
  if (entry.erased) return create("p", "text erased", "An operator erased this message.");
  return userText("p", "text", entry.text);
}

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
    const who = button(`who ${hueOf(from)}`, "", () => onName(from));
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

function failedElement(failed: FailedItem, actions: RowActions): HTMLElement {
  const { fate, why, unsent } = failed;
  const element = create("div", `row message mine trouble${addressed(unsent.to)}`);
  const title = fate === "refused" ? "Not sent" : "Unknown whether it was sent";
  element.append(
    header(actions.ownName(), unsent.to, "", actions),
    userText("p", "text", unsent.text),
    userText("p", "state", `${title}: ${why}.`),
    create(
      "div",
      "choices",
      button("small", "Take it back", () => actions.restore(failed)),
      button("small quiet", "Dismiss", () => actions.dismiss(failed)),
    ),
  );
  return element;
}
