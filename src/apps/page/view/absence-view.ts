/** Shows the messages that wait on both sides of a lost connection, and the summary of the replay. */
import { type Absence, summary } from "../model/absence.ts";
import { prefersReducedMotion, byId, setText } from "./dom.ts";

/** How long a counter takes to run down, so that people see it. */
const COUNT_MS = 900;

/** A number that runs down to its value, and jumps up to it. Undefined shows a question mark. */
class Counter {
  readonly #element: HTMLElement;
  #shown = 0;
  #target: number | undefined = 0;
  #frame = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** Shows at least this value before it runs down: a replay may take less than a frame. */
  showAtLeast(value: number): void {
    if (value <= this.#shown) return;
    this.#target = value;
    this.#show(value);
  }

  set value(value: number | undefined) {
    if (value === this.#target) return;
    this.#target = value;
    cancelAnimationFrame(this.#frame);
    if (value === undefined) {
      this.#shown = 0;
      setText(this.#element, "?");
      return;
    }
    if (value >= this.#shown || prefersReducedMotion()) {
      this.#show(value);
      return;
    }
    const [from, began] = [this.#shown, performance.now()];
    const tick = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - began) / COUNT_MS));
      this.#show(Math.round(from + (value - from) * part));
      if (part < 1) this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  #show(value: number): void {
    this.#shown = value;
    setText(this.#element, String(value));
  }
}

export class AbsenceView {
  readonly #panel = byId("absence", HTMLElement);
  readonly #here = new Counter(byId("waits-here", HTMLElement));
  readonly #there = new Counter(byId("waits-there", HTMLElement));
  readonly #hereLabel = byId("here-words", HTMLElement);
  readonly #thereLabel = byId("there-words", HTMLElement);
  readonly #text = byId("absence-words", HTMLElement);
  readonly #close = byId("absence-close", HTMLButtonElement);

  constructor(onDismiss: () => void) {
    this.#close.addEventListener("click", onDismiss);
  }

  /** @param waiting the number of messages in the outbox */
  render(absence: Absence, waiting: number): void {
    const text = absenceText(absence, waiting);
    this.#panel.hidden = text === undefined;
    if (text === undefined) return;
    const { phase } = absence;
    const before = this.#panel.dataset["phase"];
    this.#panel.dataset["phase"] = phase;
    if (absence.phase === "back" && before !== "back") this.#there.showAtLeast(absence.received);
    this.#here.value = waiting;
    const known = waitingInRoom(absence);
    this.#there.value = known;
    setText(this.#hereLabel, waiting === 1 ? "waits here" : "wait here");
    setText(this.#thereLabel, roomLabel(absence, known));
    setText(this.#text, text);
    this.#close.hidden = phase !== "back";
  }
}

/** The number of messages that wait in the room; undefined if it is not known. */
function waitingInRoom(absence: Absence): number | undefined {
  switch (absence.phase) {
    case "away":
      return absence.seen.size > 0 ? absence.seen.size : undefined;
    case "returning":
      return Math.max(0, absence.head - absence.at);
    case "none":
    case "back":
      return 0;
    default:
      return absence satisfies never;
  }
}

function roomLabel({ phase }: Absence, known: number | undefined): string {
  if (phase === "away" && known !== undefined) {
    return `${known === 1 ? "waits" : "wait"} in the room, seen by another tab`;
  }
  if (phase === "away") return "in the room: counted when you return";
  return phase === "returning" ? "at most are still to come" : "wait in the room";
}

/** @returns a sentence; undefined if the panel is hidden */
function absenceText(absence: Absence, waiting: number): string | undefined {
  switch (absence.phase) {
    case "none":
      return undefined;
    case "away":
      if (absence.isFirst && waiting === 0 && !absence.isDeliberate) return undefined;
      return absence.isDeliberate
        ? "You are cut off. Messages that you write wait here. The room keeps those that you miss."
        : "The connection is lost. Messages that you write wait here. The room keeps those that you miss.";
    case "returning":
      if (absence.isFirst && absence.received === 0) return undefined;
      return "Receiving the messages that you missed, in order.";
    case "back":
      return summary(absence);
    default:
      return absence satisfies never;
  }
}
