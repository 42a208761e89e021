/**
 * Announces live messages and states to screen readers. History and replays are not announced, and therefore the log
 * itself is silent (`aria-live="off"`).
 */
import type { Entry } from "../../../client/index.ts";
import { sentenceOf } from "../model/contents.ts";
import { byId } from "./dom.ts";

/** How long messages are collected for one announcement. */
const BATCH_MS = 500;
/** Of more messages than this, only the number is announced. */
const READ_OUT_MAX = 3;

export class Announcer {
  readonly #region = byId("announcer", HTMLElement);
  #pending: string[] = [];
  #last = "";

  onMessage(entry: Entry): void {
    if (entry.erased) return;
    this.#pending.push(`${entry.from}: ${sentenceOf(entry) ?? entry.text}`);
    if (this.#pending.length === 1) setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** Announces a state, once. */
  announce(text: string): void {
    if (text === "" || text === this.#last) return;
    this.#last = text;
    this.#region.textContent = text;
  }

  /** Announces the result of an action, each time. */
  say(text: string): void {
    this.#region.replaceChildren(text);
  }

  #flush(): void {
    const batch = this.#pending.splice(0);
    const text = batch.length > READ_OUT_MAX ? `${batch.length} new messages` : batch.join("\n");
    this.#last = "";
    this.#region.textContent = text;
  }
}
