/** One row of the log as an element. */
import type { Entry } from "../../../client/index.ts";
import type { FailedItem } from "../model/log.ts";
import type { Row } from "../model/rows.ts";
import { button, hueOf, create, avatar, written } from "./dom.ts";

export interface RowActions {
  /** The name of who reads. */
  readonly own: () => string;
  /** Somebody's name was pressed. */
  readonly address: (name: string) => void;
  /** A message in trouble goes back into the input. */
  readonly takeBack: (trouble: FailedItem) => void;
  readonly dismiss: (trouble: FailedItem) => void;
}

export function rowElement(row: Row, actions: RowActions): HTMLElement {
  switch (row.kind) {
    case "day":
      return create("div", "row day", create("span", "", row.text));
    case "line":
      return create("div", `row mark ${row.about}`, create("span", "", row.text));
    case "gap": {
      const { from, seq } = row.item;
      const text = `Up to ${seq - from + 1} messages are no longer kept by the room: they were removed before you had them.`;
      return create("div", "row gone", text);
    }
    case "message":
      return messageElement(row, actions);
    case "waiting": {
      const { text, to } = row.item.unsent;
      const element = create("div", `row message mine waiting${addressed(to)}`);
      if (row.isHead) element.append(head(actions.own(), to, "", actions));
      element.append(written("p", "text", text), create("p", "state", "Waiting here"));
      return element;
    }
    case "trouble":
      return troubleElement(row.item, actions);
    default:
      return row satisfies never;
  }
}

const addressed = (to: readonly string[] | undefined): string => (to ? " addressed" : "");

function messageElement(row: Extract<Row, { kind: "message" }>, actions: RowActions): HTMLElement {
  const { entry, via } = row.item;
  const isMine = entry.from === actions.own();
  const classes = ["row", "message"];
  if (isMine) classes.push("mine");
  if (via === "replay") classes.push("replayed");
  const element = create("div", classes.join(" ") + addressed(entry.to));
  if (row.isHead) element.append(head(entry.from, entry.to, row.time, actions));
  element.append(textOf(entry));
  if (isMine) {
    const state = create("span", "stored", "✓");
    state.title = "Stored by the room";
    element.append(state, create("span", "unseen", "stored"));
  }
  return element;
}

function textOf(entry: Entry): HTMLElement {
  if (entry.redacted) return create("p", "text erased", "An operator erased this message.");
  return written("p", "text", entry.text);
}

/** Who, to whom, when. */
function head(
  from: string,
  to: readonly string[] | undefined,
  time: string,
  { own, address }: RowActions,
): HTMLElement {
  const element = create("div", "head");
  const me = own();
  if (from === me) element.append(avatar(me), create("span", "who own", "You"));
  else {
    const who = button(`who ${hueOf(from)}`, "", () => address(from));
    who.append(written("bdi", "", from));
    who.title = `Write to ${from}`;
    element.append(avatar(from), who);
  }
  if (to !== undefined) {
    const names = to.map((one) => (one === me ? "you" : one)).join(", ");
    element.append(written("span", "to", `to ${names}`));
  }
  if (time !== "") element.append(create("time", "", time));
  return element;
}

function troubleElement(trouble: FailedItem, actions: RowActions): HTMLElement {
  const { fate, why, unsent } = trouble;
  const element = create("div", `row message mine trouble${addressed(unsent.to)}`);
  const title = fate === "refused" ? "Not sent" : "Not known whether it was sent";
  element.append(
    head(actions.own(), unsent.to, "", actions),
    written("p", "text", unsent.text),
    written("p", "state", `${title}: ${why}.`),
    create(
      "div",
      "choices",
      button("small", "Take it back", () => actions.takeBack(trouble)),
      button("small quiet", "Dismiss", () => actions.dismiss(trouble)),
    ),
  );
  return element;
}
