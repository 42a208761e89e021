/** What waits on both sides of a cut, and what the return brought. */
import { type Absence, summary } from "../model/absence.ts";
import { movesLess, byId, setText } from "./dom.ts";

/** How long a counter takes to run down, so that it can be seen. */
const COUNT_MS = 900;

/** A number that runs to its value; up it goes at once. Undefined is a question mark. */
class Counter {
  readonly #element: HTMLElement;
  #shown = 0;
  #target: number | undefined = 0;
  #frame = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** It was at least this much, even if nobody saw it: a replay may take less than a frame. */
  wasAtLeast(value: number): void {
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
    if (value >= this.#shown || movesLess()) {
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
  readonly #hereWords = byId("here-words", HTMLElement);
  readonly #thereWords = byId("there-words", HTMLElement);
  readonly #words = byId("absence-words", HTMLElement);
  readonly #close = byId("absence-close", HTMLButtonElement);

  constructor(dismissed: () => void) {
    this.#close.addEventListener("click", dismissed);
  }

  /** @param waiting how many wait here */
  render(absence: Absence, waiting: number): void {
    const words = wordsOf(absence, waiting);
    this.#panel.hidden = words === undefined;
    if (words === undefined) return;
    const { phase } = absence;
    const before = this.#panel.dataset["phase"];
    this.#panel.dataset["phase"] = phase;
    if (absence.phase === "back" && before !== "back") this.#there.wasAtLeast(absence.came);
    this.#here.value = waiting;
    const known = thereOf(absence);
    this.#there.value = known;
    setText(this.#hereWords, waiting === 1 ? "waits here" : "wait here");
    setText(this.#thereWords, thereWords(absence, known));
    setText(this.#words, words);
    this.#close.hidden = phase !== "back";
  }
}

/** How many wait in the room, as far as it is known. */
function thereOf(absence: Absence): number | undefined {
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

function thereWords({ phase }: Absence, known: number | undefined): string {
  if (phase === "away" && known !== undefined) {
    return `${known === 1 ? "waits" : "wait"} in the room, seen by another tab`;
  }
  if (phase === "away") return "in the room: told when you return";
  return phase === "returning" ? "at most still to come" : "wait in the room";
}

/** @returns undefined if there is nothing to show */
function wordsOf(absence: Absence, waiting: number): string | undefined {
  switch (absence.phase) {
    case "none":
      return undefined;
    case "away":
      if (absence.isFirst && waiting === 0 && !absence.isMeant) return undefined;
      return absence.isMeant
        ? "You are cut off. Write on: it waits here, and the room keeps what you miss."
        : "The connection is gone. Write on: it waits here, and the room keeps what you miss.";
    case "returning":
      if (absence.isFirst && absence.came === 0) return undefined;
      return "Catching up, in the room's order.";
    case "back":
      return summary(absence);
    default:
      return absence satisfies never;
  }
}
