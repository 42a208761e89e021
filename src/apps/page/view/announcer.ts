/**
 * Says aloud, for who does not see the page: what is said now, entry by entry, but not what comes in bulk. The log
 * itself is silent (`aria-live="off"`), because history and replays go into it too.
 */
import type { Entry } from "../../../client/index.ts";
import { byId } from "./dom.ts";

/** How long what comes is gathered. */
const GATHER_MS = 500;
/** More than this at once are told by their number. */
const FEW = 3;

export class Announcer {
  readonly #region = byId("announcer", HTMLElement);
  #heard: string[] = [];
  #last = "";

  /** Somebody said something. */
  onMessage({ from, text, redacted }: Entry): void {
    if (redacted) return;
    this.#heard.push(`${from}: ${text}`);
    if (this.#heard.length === 1) setTimeout(() => this.#tell(), GATHER_MS);
  }

  /** A state, once. */
  says(text: string): void {
    if (text === "" || text === this.#last) return;
    this.#last = text;
    this.#region.textContent = text;
  }

  #tell(): void {
    const heard = this.#heard.splice(0);
    const text = heard.length > FEW ? `${heard.length} new messages` : heard.join("\n");
    this.#last = "";
    this.#region.textContent = text;
  }
}
