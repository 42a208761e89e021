/**
 * The operator of the room: erases messages of members, one after the other, and exports the log at the end.
 *
 * It exists only where chaos starts the server, because it needs the ADMIN_KEY.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Erasure } from "./folding-checker.ts";
import type { History, ReceivedEntry } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

export const ADMIN_KEY = "the-key-of-the-operator";
const HEADERS = { Authorization: `Bearer ${ADMIN_KEY}` };
/** Longest wait for an answer: the server may be killed meanwhile. */
const ANSWER_MS = 5_000;
/** Number of newest entries of a member from which it chooses. */
const RECENT = 30;

export class Operator {
  readonly #address: () => string;
  readonly #histories: readonly History[];
  readonly #random: SeededRandom;
  readonly #tried = new Set<number>();
  readonly erasures: Erasure[] = [];

  /** @param address returns the URL of the room; called for each request */
  constructor(address: () => string, histories: readonly History[], random: SeededRandom) {
    this.#address = address;
    this.#histories = histories;
    this.#random = random;
  }

  async runs(stop: AbortSignal, isQuiesced: () => boolean): Promise<void> {
    while (!stop.aborted) {
      await pause(this.#random.between(300, 1_500));
      if (isQuiesced()) continue;
      const target = this.#choose();
      if (target !== undefined) await this.#erase(target);
    }
  }

  /** @returns the messages that the room has stored; undefined if the export is not complete */
  async exports(): Promise<readonly ReceivedEntry[] | undefined> {
    const response = await fetch(`${this.#address()}/export`, { headers: HEADERS });
    const lines = (await response.text()).trim().split("\n");
    const items = lines.map((line) => JSON.parse(line) as { readonly type: string });
    if (items.at(-1)?.type !== "end") return undefined;
    return items.filter((item): item is ReceivedEntry => item.type === "message");
  }

  /** Returns the seq of a member's message, or of a patch of one. */
  #choose(): number | undefined {
    const { received } = this.#random.pick(this.#histories);
    const entry = received.at(-this.#random.between(1, Math.min(RECENT, received.length)));
    // Messages without an id are those of `chat.line` clients, which nothing identifies once the text is gone.
    return entry?.id === undefined ? undefined : entry.seq;
  }

  async #erase(seq: number): Promise<void> {
    const entries = this.#histories.flatMap(({ received }) => received);
    const entry = entries.find((one) => one.seq === seq);
    const ref = entry?.type === "patch" ? (entry.ref ?? 0) : seq;
    const target = entries.find((one) => one.seq === ref);
    if (target === undefined || this.#tried.has(ref)) return;
    this.#tried.add(ref);
    const { from, to } = target;
    const erasure: Erasure = { ref, ...(to && { to: [...new Set([from, ...to])] }) };
    this.erasures.push(erasure);
    try {
      const { status } = await fetch(`${this.#address()}/messages/${seq}`, {
        method: "DELETE",
        headers: HEADERS,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (status === 204) erasure.storedAt = performance.now();
    } catch {
      // Whether it was stored is unknown.
    }
  }
}
