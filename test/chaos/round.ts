/**
 * One round: a room with members, line clients and adversaries; disturbances; and a quiet phase in which everything
 * must be delivered and settled.
 *
 * Only the schedule follows from the seed. Sockets, disks and the server have their own timing, so a seed that found
 * something finds it often again, but not always.
 */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Server } from "../support/server/server.ts";
import { Notifier } from "../support/wait-for.ts";
import type { ReceivedEntry, Violation } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import { checkHistory, type Verdict } from "./checker.ts";
import { Member } from "./member.ts";
import { scheduleOf, varsOf } from "./schedule.ts";
import { FaultProxy } from "../support/proxy/fault-proxy.ts";
import { Nemesis } from "./nemesis.ts";
import { Adversary } from "./adversaries.ts";
import { nextItem, pauseOf } from "./messages.ts";
import { ADMIN_KEY, Operator } from "./operator.ts";
import { ChaosLineClient } from "./line-clients.ts";
import { settle, statesOf } from "./quiet-phase.ts";

export interface RoundOptions {
  readonly seed: number;
  /** Duration of the disturbances. */
  readonly ms: number;
  readonly clients: number;
  /** The endpoint to test; absent: the round starts its own server. */
  readonly url: URL | undefined;
  /** The file for the server's output. */
  readonly log: string | undefined;
  /** Ends the disturbances, and skips the quiet phase. */
  readonly stop: AbortSignal;
}

export interface RoundResult {
  /** The configuration and the counts, for the output. */
  readonly summary: string;
  readonly verdicts: readonly Verdict[];
}

const NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
const LINE_CLIENTS = 2;
const ADVERSARIES = 2;
const JOIN_MS = 30_000;
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const random = new SeededRandom(options.seed);
  const vars = varsOf(random.fork("vars"));
  const server =
    options.url === undefined ? await Server.starts({ ...vars, ADMIN_KEY }) : undefined;
  const folder = mkdtempSync(join(tmpdir(), "chat-room-chaos-"));
  const round = new Round(options, random, server, folder);
  try {
    return await round.run(server === undefined ? "" : describe(vars));
  } finally {
    round.dispose();
    await server?.stop();
    if (server !== undefined && options.log !== undefined)
      appendFileSync(options.log, server.pastOutput);
    rmSync(folder, { recursive: true, force: true });
  }
}

class Round {
  readonly #options: RoundOptions;
  readonly #random: SeededRandom;
  readonly #server: Server | undefined;
  readonly #room: string;
  readonly #names: readonly string[];
  readonly #members: readonly Member[];
  readonly #notifier = new Notifier();
  readonly #nemesis: Nemesis;
  /** Absent where the server is not our own. */
  readonly #operator: Operator | undefined;
  readonly #proxies: FaultProxy[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #violations: Violation[] = [];

  constructor(
    options: RoundOptions,
    random: SeededRandom,
    server: Server | undefined,
    folder: string,
  ) {
    this.#options = options;
    this.#random = random;
    this.#server = server;
    // A room of its own on a shared endpoint.
    this.#room = server === undefined ? `chaos-${crypto.randomUUID().slice(0, 13)}` : "chaos";
    this.#names = Array.from(
      { length: options.clients },
      (_, index) => NAMES[index] ?? `peer-${index}`,
    );
    this.#members = this.#names.map((name, index) => {
      const path = index % 2 === 1 ? join(folder, `${name}.json`) : undefined;
      const own = { room: this.#room, target: this.#target, random: random.fork(`client ${name}`) };
      return new Member({ name, key: `the key of ${name}`, path, ...own }, this.#notifier);
    });
    const histories = this.#members.map(({ history }) => history);
    const address = (): string => `${server?.url ?? ""}/rooms/${this.#room}`;
    this.#operator = server && new Operator(address, histories, random.fork("operator"));
    const lastWords = random.fork("words at the last blow");
    this.#nemesis = new Nemesis(this.#members, server, (member) =>
      this.#sendFrom(member, lastWords),
    );
  }

  readonly #target = (): URL => this.#options.url ?? new URL(this.#server?.url ?? "");

  async run(vars: string): Promise<RoundResult> {
    const { ms, stop } = this.#options;
    const lineClients = await this.#joinAll();
    const hostility = new AbortController();
    const isQuiesced = (): boolean => this.#nemesis.isQuiesced;
    const adversaries = await this.#startAdversaries();
    const hostile = adversaries.map((adversary) => adversary.runs(hostility.signal, isQuiesced));
    const sending = new AbortController();
    const talk = [
      ...this.#members.map((member) => this.#talk(member, sending.signal)),
      ...lineClients.map((lineClient) => lineClient.runs(sending.signal, isQuiesced)),
      ...(this.#operator ? [this.#operator.runs(sending.signal, isQuiesced)] : []),
    ];
    this.#nemesis.start(
      scheduleOf(this.#random, { names: this.#names, ms, isOurs: this.#server !== undefined }),
    );
    await pause(ms, undefined, { signal: stop }).catch(() => {});
    sending.abort();
    await this.#nemesis.stop();
    await Promise.all(talk);
    // Stop the adversaries first: in a short log, their floods would remove even the last messages.
    hostility.abort();
    await Promise.all(hostile);
    if (!stop.aborted) this.#violations.push(...(await settle(this.#members, this.#notifier)));
    const online = stop.aborted ? undefined : await this.#readStored();
    const exported = stop.aborted ? undefined : await this.#export();
    if (this.#server !== undefined) this.#reportErrors(await this.#server.loggedErrors());
    const histories = this.#members.map(({ history }) => history);
    const lines = lineClients.flatMap((lineClient) =>
      lineClient.violations([...histories, ...lineClients.map(({ history }) => history)]),
    );
    const counts = this.#nemesis.counts;
    const verdicts = checkHistory({
      histories,
      lineClients: lineClients.map(({ history }) => history),
      erasures: this.#operator?.erasures ?? [],
      exported,
      violations: [
        ...this.#violations,
        ...lines,
        ...adversaries.flatMap(({ violations }) => violations),
      ],
      online,
      kills: counts.get("kill") ?? 0,
      isComplete: !stop.aborted,
    });
    const lives = this.#members.reduce((sum, member) => sum + member.lives, 0);
    const actions = adversaries.reduce((sum, adversary) => sum + adversary.actions, 0);
    const disturbances = Array.from(counts, ([type, count]) => `${count} ${type}`).join(", ");
    const summary = `${vars}${this.#names.length} clients in ${lives} lives, ${disturbances}; ${actions} hostile actions, ${this.#operator?.erasures.length ?? 0} erasures by the operator`;
    return { summary, verdicts };
  }

  /** Ends everything that this round started. */
  dispose(): void {
    for (const member of this.#members) member.dispose();
    for (const proxy of this.#proxies) proxy.close();
  }

  /** Waits until everyone has joined, before the first fault, so that messages to everyone concern each of them. */
  async #joinAll(): Promise<readonly ChaosLineClient[]> {
    await Promise.all(this.#members.map((member) => member.joins()));
    await this.#notifier.until(
      () => this.#members.every(({ isLive }) => isLive),
      () => `everyone to join: ${statesOf(this.#members)}`,
      JOIN_MS,
    );
    const lineClients: ChaosLineClient[] = [];
    for (let index = 1; index <= LINE_CLIENTS; index++) {
      const url = `${(await this.#openProxy()).url}/rooms/${this.#room}`;
      const random = this.#random.fork(`talker ${index}`);
      const lineClient = new ChaosLineClient(`line-client-${index}`, url, this.#names, random);
      await lineClient.joins();
      lineClients.push(lineClient);
    }
    return lineClients;
  }

  async #startAdversaries(): Promise<readonly Adversary[]> {
    const adversaries: Adversary[] = [];
    for (let index = 1; index <= ADVERSARIES; index++) {
      const { url } = await this.#openProxy();
      const random = this.#random.fork(`stranger ${index}`);
      adversaries.push(new Adversary(url, `/rooms/${this.#room}`, this.#names, random));
    }
    return adversaries;
  }

  /** Opens a proxy without faults. */
  async #openProxy(): Promise<FaultProxy> {
    const proxy = await FaultProxy.listen(this.#target);
    this.#proxies.push(proxy);
    return proxy;
  }

  async #talk(member: Member, stop: AbortSignal): Promise<void> {
    const random = this.#random.fork(`talk of ${member.name}`);
    while (!stop.aborted) {
      await pause(pauseOf(random));
      if (this.#nemesis.isQuiesced) continue;
      if (random.chance(0.05)) member.queries(random);
      else this.#sendFrom(member, random);
    }
  }

  #sendFrom(member: Member, random: SeededRandom): void {
    const number = (this.#numbers.get(member.name) ?? 0) + 1;
    this.#numbers.set(member.name, number);
    const { name, history } = member;
    const { received } = history;
    member.says(nextItem(random, { name, number, names: this.#names, received }));
  }

  /** Reads the history of each member, and the roster from the first that gets one. */
  async #readStored(): Promise<readonly string[] | undefined> {
    let online: readonly string[] | undefined;
    for (const member of this.#members) {
      // The room does not answer a member that it does not hear.
      if (!member.isLive || member.waiting > 0) continue;
      online ??= await member.readsRoster();
      member.history.stored = await member.readsHistory();
    }
    return online;
  }

  async #export(): Promise<readonly ReceivedEntry[] | undefined> {
    const exported = await this.#operator?.exports().catch(() => undefined);
    if (this.#operator !== undefined && exported === undefined)
      this.#violations.push({ rule: "R11", what: "the operator got no complete export" });
    return exported;
  }

  #reportErrors(lines: readonly string[]): void {
    for (const line of lines)
      this.#violations.push({ rule: "R7", what: `the server logged an error: ${line}` });
  }
}

const describe = (vars: Readonly<Record<string, string | number>>): string =>
  `${Object.entries(vars)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}; `;
