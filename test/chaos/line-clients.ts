/**
 * People at terminals, who talk `chat.line` in the same room: they come, talk, vanish and come back.
 *
 * What they are promised is less than what `chat.v1` promises, and no more is asked here: nothing that is not theirs,
 * nothing that nobody said, and on each link each sender's words in order and once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { LineClient } from "../support/clients/line-client.ts";
import { History, type Fault, type SentMessage } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { pauseOf } from "./messages.ts";

export class LineTalker {
  readonly account: History;
  readonly #client: LineClient;
  readonly #chance: SeededRandom;
  readonly #names: readonly string[];

  /** @param url of the room */
  constructor(name: string, url: string, names: readonly string[], chance: SeededRandom) {
    this.account = new History(name);
    this.#client = new LineClient({ url }, name, {});
    this.#chance = chance;
    this.#names = names;
  }

  /** @throws if the room does not let them in */
  comes(): Promise<void> {
    return this.#client.returns();
  }

  /** Talks, until it is told to stop. */
  async talks(stop: AbortSignal, isHushed: () => boolean): Promise<void> {
    for (let number = 1; !stop.aborted; number++) {
      await pause(pauseOf(this.#chance) * 2);
      if (isHushed()) continue;
      if (this.#client.isCutOff) await this.#client.returns().catch(() => {});
      else if (this.#chance.is(0.05)) await this.#client.vanishes().catch(() => {});
      else this.#says(number);
    }
    await this.#client.vanishes().catch(() => {});
  }

  /** What came, against what was said. */
  faults(accounts: readonly History[]): readonly Fault[] {
    const said = new Map<string, SentMessage>();
    for (const account of accounts) {
      for (const one of account.said) said.set(`from ${account.name}: ${one.text}`, one);
    }
    return faultsOf(this.account.name, this.#client.lines, said);
  }

  #says(number: number): void {
    const { name } = this.account;
    const text = `${name} ${number}`;
    const to = this.#chance.is(0.5) ? undefined : [this.#chance.one(this.#names)];
    this.account.says({ text, ...(to && { to }), isWrong: false, fate: "unsure" });
    this.#client.types(`${to?.join(", ") ?? "*"}: ${text}`);
  }
}

/** @param said by the line that it makes */
export function faultsOf(
  name: string,
  lines: readonly string[],
  said: ReadonlyMap<string, SentMessage>,
): readonly Fault[] {
  const faults: Fault[] = [];
  let latest = new Map<string, number>();
  for (const line of lines) {
    // A new link: what was shown on the one before may be shown again.
    if (line.startsWith("* welcome to ")) latest = new Map();
    const [, sender = "", number = ""] = /^from (\S+): \S+ (\d+)/.exec(line) ?? [];
    if (!line.startsWith("from ")) continue;
    const one = said.get(line);
    if (one === undefined || (one.to !== undefined && !one.to.includes(name))) {
      faults.push({ rule: "R8", what: `${name} was shown "${line}"` });
      continue;
    }
    const before = latest.get(sender) ?? -1;
    if (Number(number) === before)
      faults.push({ rule: "R5", what: `${name} was shown twice: ${line}` });
    if (Number(number) < before)
      faults.push({ rule: "R4", what: `${name} was shown late: ${line}` });
    latest.set(sender, Number(number));
  }
  return faults;
}
