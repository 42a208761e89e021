/**
 * Which tab of this browser has the name: this one, another one, or this one no more.
 *
 * Invariant: nothing is taken by force; another tab lets go, or is waited for.
 */
import type { Status } from "./model/status-text.ts";

/** How long the other tab may take to let go: it waits up to 5 s for what it sent. */
const LET_GO_MS = 8_000;

type Elsewhere = Extract<Status, { type: "held" | "given" }>;

export class TabOwnership {
  #status: Elsewhere | undefined;
  #ask: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What stands in the way of this tab; undefined if it has the name. */
  get status(): Elsewhere | undefined {
    return this.#status;
  }

  /** Another tab has it. @param ask asks that one to let go */
  isElsewhere(ask: () => void): void {
    this.#ask = ask;
    this.#set({ type: "held", stage: "found" });
  }

  /** This tab has it. */
  isHere(): void {
    if (this.#status?.type === "held") this.#status = undefined;
  }

  /** This tab gave it to another one. */
  isGiven(): void {
    this.#set({ type: "given" });
  }

  /** Asks the other tab to let go. */
  takeOver(): void {
    if (this.#status?.type !== "held") return;
    this.#ask();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#status?.type === "held") this.#set({ type: "held", stage: "silent" });
    }, LET_GO_MS);
    this.#set({ type: "held", stage: "asked" });
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #set(status: Elsewhere): void {
    this.#status = status;
    this.#changed();
  }
}
