/**
 * One round: a room, its members with their talkers and strangers, a storm, and then a calm in which all must come right.
 *
 * The plan comes from the seed alone. What meets what does not: sockets, disks and the server take the time they take,
 * so a seed that found something finds it often again, and not always.
 */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Server } from "../support/server/server.ts";
import { Notifier } from "../support/wait-for.ts";
import type { Fault } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import { checkHistory, type Verdict } from "./checker.ts";
import { Member } from "./member.ts";
import { scheduleOf, varsOf } from "./schedule.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { Nemesis } from "./nemesis.ts";
import { Adversary } from "./adversaries.ts";
import { lineOf, pauseOf } from "./messages.ts";
import { LineTalker } from "./line-clients.ts";

export interface Setup {
  readonly seed: number;
  /** How long the storm lasts. */
  readonly ms: number;
  readonly clients: number;
  /** Somebody else's endpoint; without it the round starts a server of its own. */
  readonly url: URL | undefined;
  /** Where to keep what the server prints. */
  readonly log: string | undefined;
  /** Ends the storm, and no calm follows. */
  readonly stop: AbortSignal;
}

export interface Outcome {
  /** What was drawn, and what happened, for people. */
  readonly story: string;
  readonly verdicts: readonly Verdict[];
}

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
const TALKERS = 2;
const STRANGERS = 2;
const JOIN_MS = 30_000;
/**
 * How long everything may take to come right once nothing goes wrong. Less than the 30 s after which a client gives up a
 * link on which nothing comes, so that what comes right only so does not pass.
 */
const CALM_MS = 25_000;

export async function playRound(setup: Setup): Promise<Outcome> {
  const chance = new SeededRandom(setup.seed);
  const vars = varsOf(chance.of("vars"));
  const server = setup.url === undefined ? await Server.starts(vars) : undefined;
  const folder = mkdtempSync(join(tmpdir(), "chat-room-chaos-"));
  const round = new Round(setup, chance, server, folder);
  try {
    return await round.plays(server === undefined ? "" : describe(vars));
  } finally {
    round.ends();
    await server?.stop();
    if (server !== undefined && setup.log !== undefined)
      appendFileSync(setup.log, server.pastOutput);
    rmSync(folder, { recursive: true, force: true });
  }
}

class Round {
  readonly #setup: Setup;
  readonly #chance: SeededRandom;
  readonly #server: Server | undefined;
  readonly #room: string;
  readonly #names: readonly string[];
  readonly #members: readonly Member[];
  readonly #notifier = new Notifier();
  readonly #storm: Nemesis;
  readonly #roads: FaultProxy[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #faults: Fault[] = [];

  constructor(setup: Setup, chance: SeededRandom, server: Server | undefined, folder: string) {
    this.#setup = setup;
    this.#chance = chance;
    this.#server = server;
    // On an endpoint that others use, a room of its own.
    this.#room = server === undefined ? `chaos-${crypto.randomUUID().slice(0, 13)}` : "chaos";
    this.#names = Array.from(
      { length: setup.clients },
      (_, index) => PEOPLE[index] ?? `peer-${index}`,
    );
    this.#members = this.#names.map((name, index) => {
      const path = index % 2 === 1 ? join(folder, `${name}.json`) : undefined;
      const own = { room: this.#room, target: this.#target, chance: chance.of(`client ${name}`) };
      return new Member({ name, key: `the key of ${name}`, path, ...own }, this.#notifier);
    });
    const lastWords = chance.of("words at the last blow");
    this.#storm = new Nemesis(this.#members, server, (member) => this.#says(member, lastWords));
  }

  readonly #target = (): URL => this.#setup.url ?? new URL(this.#server?.url ?? "");

  async plays(vars: string): Promise<Outcome> {
    const { ms, stop } = this.#setup;
    const talkers = await this.#gather();
    const quiet = new AbortController();
    const isHushed = (): boolean => this.#storm.isHushed;
    const strangers = await this.#strangers();
    const hostile = strangers.map((stranger) => stranger.goesOn(quiet.signal, isHushed));
    const storm = new AbortController();
    const talk = [
      ...this.#members.map((member) => this.#talks(member, storm.signal)),
      ...talkers.map((talker) => talker.talks(storm.signal, isHushed)),
    ];
    this.#storm.begins(
      scheduleOf(this.#chance, { names: this.#names, ms, isOurs: this.#server !== undefined }),
    );
    await pause(ms, undefined, { signal: stop }).catch(() => {});
    storm.abort();
    await this.#storm.ends();
    await Promise.all(talk);
    // Their floods make a short log forget even what is said in the calm.
    quiet.abort();
    await Promise.all(hostile);
    if (!stop.aborted) await this.#comesRight();
    const online = stop.aborted ? undefined : await this.#remembers();
    if (this.#server !== undefined) this.#complaints(await this.#server.loggedErrors());
    const histories = this.#members.map(({ account }) => account);
    const lines = talkers.flatMap((talker) =>
      talker.faults([...histories, ...talkers.map(({ account }) => account)]),
    );
    const counts = this.#storm.counts;
    const verdicts = checkHistory({
      histories,
      talkers: talkers.map(({ account }) => account),
      faults: [...this.#faults, ...lines, ...strangers.flatMap(({ faults }) => faults)],
      online,
      kills: counts.get("kill") ?? 0,
      isFinal: !stop.aborted,
    });
    const lives = this.#members.reduce((sum, member) => sum + member.lives, 0);
    const deeds = strangers.reduce((sum, stranger) => sum + stranger.deeds, 0);
    const troubles = Array.from(counts, ([type, count]) => `${count} ${type}`).join(", ");
    const story = `${vars}${this.#names.length} clients in ${lives} lives, ${troubles}; ${deeds} hostile deeds`;
    return { story, verdicts };
  }

  /** Ends everything that was begun here. */
  ends(): void {
    for (const member of this.#members) member.ends();
    for (const road of this.#roads) road.close();
  }

  /** All come in, before anything goes wrong: what is for everyone concerns each of them. */
  async #gather(): Promise<readonly LineTalker[]> {
    await Promise.all(this.#members.map((member) => member.comes()));
    await this.#notifier.until(
      () => this.#members.every(({ isLive }) => isLive),
      () => `everyone to come in: ${this.#states()}`,
      JOIN_MS,
    );
    const talkers: LineTalker[] = [];
    for (let index = 1; index <= TALKERS; index++) {
      const url = `${(await this.#road()).url}/rooms/${this.#room}`;
      const chance = this.#chance.of(`talker ${index}`);
      const talker = new LineTalker(`talker-${index}`, url, this.#names, chance);
      await talker.comes();
      talkers.push(talker);
    }
    return talkers;
  }

  async #strangers(): Promise<readonly Adversary[]> {
    const strangers: Adversary[] = [];
    for (let index = 1; index <= STRANGERS; index++) {
      const { url } = await this.#road();
      const chance = this.#chance.of(`stranger ${index}`);
      strangers.push(new Adversary(url, `/rooms/${this.#room}`, this.#names, chance));
    }
    return strangers;
  }

  /** A way on which nothing goes wrong. */
  async #road(): Promise<FaultProxy> {
    const road = await FaultProxy.opens(this.#target);
    this.#roads.push(road);
    return road;
  }

  async #talks(member: Member, stop: AbortSignal): Promise<void> {
    const chance = this.#chance.of(`talk of ${member.name}`);
    while (!stop.aborted) {
      await pause(pauseOf(chance));
      if (this.#storm.isHushed) continue;
      if (chance.is(0.05)) member.asks(chance);
      else this.#says(member, chance);
    }
  }

  #says(member: Member, chance: SeededRandom): void {
    const number = (this.#numbers.get(member.name) ?? 0) + 1;
    this.#numbers.set(member.name, number);
    member.says(lineOf(chance, member.name, number, this.#names));
  }

  /**
   * Waits until everyone is ready, has everything decided, and has everyone's last words, behind which nothing can come
   * of what was said before.
   */
  async #comesRight(): Promise<void> {
    const words = this.#members.map(({ name }) => `${name} ${Number.MAX_SAFE_INTEGER} good night`);
    for (const [index, member] of this.#members.entries()) {
      member.says({ text: words[index] ?? "", isWrong: false });
    }
    const isRight = ({ isLive, waiting, account }: Member): boolean =>
      isLive &&
      waiting === 0 &&
      words.every((word) => account.got.some(({ text }) => text === word));
    const all = (): boolean => this.#members.every(isRight);
    try {
      await this.#notifier.until(all, () => this.#states(), CALM_MS);
      for (const member of this.#members) member.tellsUnknown();
    } catch {
      for (const member of this.#members) if (!isRight(member)) this.#isStuck(member);
    }
  }

  #isStuck({ name, isLive, state, waiting }: Member): void {
    const after = `after ${CALM_MS / 1_000} s of calm`;
    if (!isLive)
      this.#faults.push({ rule: "R11", what: `${name} is not ready ${after}: ${state}` });
    else if (waiting > 0) {
      const what = `${name} is let in, and the room does not hear it ${after}`;
      this.#faults.push({ rule: "R2", what });
    } else this.#faults.push({ rule: "R11", what: `${name} lacks somebody's last words ${after}` });
  }

  /** Asks each for the history, and the first who can tell for who is online. */
  async #remembers(): Promise<readonly string[] | undefined> {
    let online: readonly string[] | undefined;
    for (const member of this.#members) {
      // Nobody answers somebody who is not heard.
      if (!member.isLive || member.waiting > 0) continue;
      online ??= await member.asksWho();
      member.account.history = await member.recalls();
    }
    return online;
  }

  #complaints(lines: readonly string[]): void {
    for (const line of lines)
      this.#faults.push({ rule: "R7", what: `the server complained: ${line}` });
  }

  #states(): string {
    return this.#members
      .map(({ name, state, waiting }) => `${name} ${state} waiting ${waiting}`)
      .join("; ");
  }
}

const describe = (vars: Readonly<Record<string, string | number>>): string =>
  `${Object.entries(vars)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}; `;
