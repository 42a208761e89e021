/**
 * `chat.line` clients in the same room: they join, send, vanish and return.
 *
 * `chat.line` promises less than `chat.v1`, and only that is checked: no message or change for others, none that nobody
 * sent, and, on each connection, each sender's messages in order and once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { LineClient } from "../support/clients/line-client.ts";
import { History, type SentItem, type Violation } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { pauseOf } from "./messages.ts";

export class ChaosLineClient {
  readonly history: History;
  readonly #client: LineClient;
  readonly #random: SeededRandom;
  readonly #names: readonly string[];
  /** For each connection: when it began, and the lines before it. */
  readonly #began: { readonly at: number; readonly line: number }[] = [];

  /** @param url of the room */
  constructor(name: string, url: string, names: readonly string[], random: SeededRandom) {
    this.history = new History(name);
    this.#client = new LineClient({ url }, name, {});
    this.#random = random;
    this.#names = names;
  }

  /** @throws if the room rejects the client */
  async joins(): Promise<void> {
    this.#began.push({ at: performance.now(), line: this.#client.lines.length });
    await this.#client.returns();
  }

  /** Sends messages until `stop` aborts. */
  async runs(stop: AbortSignal, isQuiesced: () => boolean): Promise<void> {
    for (let number = 1; !stop.aborted; number++) {
      await pause(pauseOf(this.#random) * 2);
      if (isQuiesced()) continue;
      if (this.#client.isCutOff) await this.joins().catch(() => {});
      else if (this.#random.chance(0.05)) await this.#client.vanishes().catch(() => {});
      else this.#says(number);
    }
    await this.#client.vanishes().catch(() => {});
  }

  /** Compares the received lines with what was sent. @param histories of everybody */
  violations(histories: readonly History[]): readonly Violation[] {
    const { lines } = this.#client;
    for (const [index, { at, line }] of this.#began.entries()) {
      const shown = lines.slice(line, this.#began[index + 1]?.line);
      const texts = shown.flatMap((one) => TEXT_OF_LINE.exec(one)?.[1] ?? []);
      this.history.connections.push({ began: at, strings: new Set(texts) });
    }
    return violationsIn(this.history.name, lines, linesOf(histories));
  }

  #says(number: number): void {
    const { name } = this.history;
    const text = `${name} ${number}`;
    const to = this.#random.chance(0.5) ? undefined : [this.#random.pick(this.#names)];
    const item = { id: text, type: "send", text, ...(to && { to }), isInvalid: false } as const;
    this.history.addSent({ ...item, fate: "unsure" });
    this.#client.types(`${to?.join(", ") ?? "*"}: ${text}`);
  }
}

const TEXT_OF_LINE = /^(?:from \S+|\* \S+ changed a message): (.*)$/;

/** What a line may show, and to whom. */
export interface Shown {
  /** Absent: everyone. */
  readonly to?: readonly string[];
  /** The place of its message among those of its sender; absent for the line of a change. */
  readonly place?: number;
}

/** Returns the lines that show what was sent. A message that comes later shows its changed text. */
export function linesOf(histories: readonly History[]): ReadonlyMap<string, Shown> {
  const lines = new Map<string, Shown>();
  for (const { name, sent, received } of histories) {
    const places = new Map(sent.map(({ id }, place) => [id, place]));
    const seqs = new Map(received.map(({ seq, id = "" }) => [seq, places.get(id)]));
    const placeOf = ({ id, type, ref = 0 }: SentItem): number | undefined =>
      type === "send" ? places.get(id) : seqs.get(ref);
    for (const item of sent) {
      const { type, text = "", to, quiet, fate } = item;
      if (text === "" || quiet || fate === "refused") continue;
      const place = placeOf(item);
      const audience = to && { to };
      lines.set(`from ${name}: ${text}`, { ...audience, ...(place !== undefined && { place }) });
      if (type === "edit") lines.set(`* ${name} changed a message: ${text}`, { ...audience });
    }
  }
  return lines;
}

/** @param shown everything that a line may show */
export function violationsIn(
  name: string,
  lines: readonly string[],
  shown: ReadonlyMap<string, Shown>,
): readonly Violation[] {
  const violations: Violation[] = [];
  let latest = new Map<string, number>();
  for (const line of lines) {
    // A new connection may repeat what the previous one showed.
    if (line.startsWith("* welcome to ")) latest = new Map();
    if (!TEXT_OF_LINE.test(line)) continue;
    const one = shown.get(line);
    if (one === undefined || (one.to !== undefined && !one.to.includes(name))) {
      violations.push({ rule: "R8", what: `${name} received "${line}"` });
      continue;
    }
    if (one.place === undefined) continue;
    const [, sender = ""] = /^from (\S+): /.exec(line) ?? [];
    const before = latest.get(sender) ?? -1;
    if (one.place === before)
      violations.push({ rule: "R5", what: `${name} received twice: ${line}` });
    if (one.place < before)
      violations.push({ rule: "R4", what: `${name} received out of order: ${line}` });
    latest.set(sender, one.place);
  }
  return violations;
}
