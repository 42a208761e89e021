/**
 * `chat.line` clients in the same room: they join, send, vanish and return.
 *
 * `chat.line` promises less than `chat.v1`, and only that is checked: no message for others, no message that nobody
 * sent, and, on each connection, each sender's messages in order and once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { LineClient } from "../support/clients/line-client.ts";
import { History, type Violation, type SentMessage } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { pauseOf } from "./messages.ts";

export class ChaosLineClient {
  readonly history: History;
  readonly #client: LineClient;
  readonly #random: SeededRandom;
  readonly #names: readonly string[];

  /** @param url of the room */
  constructor(name: string, url: string, names: readonly string[], random: SeededRandom) {
    this.history = new History(name);
    this.#client = new LineClient({ url }, name, {});
    this.#random = random;
    this.#names = names;
  }

  /** @throws if the room rejects the client */
  joins(): Promise<void> {
    return this.#client.returns();
  }

  /** Sends messages until `stop` aborts. */
  async runs(stop: AbortSignal, isQuiesced: () => boolean): Promise<void> {
    for (let number = 1; !stop.aborted; number++) {
      await pause(pauseOf(this.#random) * 2);
      if (isQuiesced()) continue;
      if (this.#client.isCutOff) await this.#client.returns().catch(() => {});
      else if (this.#random.chance(0.05)) await this.#client.vanishes().catch(() => {});
      else this.#says(number);
    }
    await this.#client.vanishes().catch(() => {});
  }

  /** Compares the received lines with the messages sent. */
  violations(histories: readonly History[]): readonly Violation[] {
    const sent = new Map<string, SentMessage>();
    for (const history of histories) {
      for (const one of history.sent) sent.set(`from ${history.name}: ${one.text}`, one);
    }
    return violationsIn(this.history.name, this.#client.lines, sent);
  }

  #says(number: number): void {
    const { name } = this.history;
    const text = `${name} ${number}`;
    const to = this.#random.chance(0.5) ? undefined : [this.#random.pick(this.#names)];
    this.history.addSent({ text, ...(to && { to }), isInvalid: false, fate: "unsure" });
    this.#client.types(`${to?.join(", ") ?? "*"}: ${text}`);
  }
}

/** @param sent messages by the line that shows them */
export function violationsIn(
  name: string,
  lines: readonly string[],
  sent: ReadonlyMap<string, SentMessage>,
): readonly Violation[] {
  const violations: Violation[] = [];
  let latest = new Map<string, number>();
  for (const line of lines) {
    // A new connection may repeat what the previous one showed.
    if (line.startsWith("* welcome to ")) latest = new Map();
    const [, sender = "", number = ""] = /^from (\S+): \S+ (\d+)/.exec(line) ?? [];
    if (!line.startsWith("from ")) continue;
    const one = sent.get(line);
    if (one === undefined || (one.to !== undefined && !one.to.includes(name))) {
      violations.push({ rule: "R8", what: `${name} received "${line}"` });
      continue;
    }
    const before = latest.get(sender) ?? -1;
    if (Number(number) === before)
      violations.push({ rule: "R5", what: `${name} received twice: ${line}` });
    if (Number(number) < before)
      violations.push({ rule: "R4", what: `${name} received out of order: ${line}` });
    latest.set(sender, Number(number));
  }
  return violations;
}
