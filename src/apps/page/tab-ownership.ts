/**
 * Which tab of this browser has the name: this one, another one, or this one no longer.
 *
 * Invariant: a tab never takes the name by force. The other tab releases it, or this one waits.
 */
import type { Status } from "./model/status-text.ts";

/** How long the release may take: the other tab waits up to 5 s for confirmations. */
const RELEASE_MS = 8_000;

type Elsewhere = Extract<Status, { type: "held" | "handed-over" }>;

export class TabOwnership {
  #status: Elsewhere | undefined;
  #requestRelease: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Undefined if this tab has the name. */
  get status(): Elsewhere | undefined {
    return this.#status;
  }

  /** Another tab has the name. */
  onHeld(requestRelease: () => void): void {
    this.#requestRelease = requestRelease;
    this.#set({ type: "held", stage: "found" });
  }

  /** This tab has the name. */
  onAcquired(): void {
    if (this.#status?.type === "held") this.#status = undefined;
  }

  /** This tab gave the name to another one. */
  onHandedOver(): void {
    this.#set({ type: "handed-over" });
  }

  /** Asks the other tab to release the name. */
  takeOver(): void {
    if (this.#status?.type !== "held") return;
    this.#requestRelease();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#status?.type === "held") this.#set({ type: "held", stage: "no-answer" });
    }, RELEASE_MS);
    this.#set({ type: "held", stage: "requested" });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #set(status: Elsewhere): void {
    this.#status = status;
    this.#onChange();
  }
}
