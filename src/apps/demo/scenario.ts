/**
 * The story: three talk, carol's link is cut, the server is killed and started again, carol returns, and at the end all
 * have everything.
 *
 * It ends without waiting for silence: when all is confirmed, each says a last line. The room's order is one order, so
 * behind the last lines nothing can come of what was said before; whoever has them has every repeat too.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Notifier } from "./notifier.ts";
import { check, type Got, type Sent, type Tally } from "./checker.ts";
import { CuttableProxy } from "./cut-proxy.ts";
import { DevServer } from "./dev-server.ts";
import { Participant } from "./participant.ts";
import { lastLineOf, type Line, lineOf, type Name, NAMES } from "./script.ts";

/** Between two messages. */
const PACE_MS = 70;
const JOIN_MS = 20_000;
const RETURN_MS = 30_000;

/** How many messages each part of the story has; with the three last lines, a hundred. */
const ALL_TOGETHER = 16;
const WITHOUT_CAROL = 16;
const AT_ONCE = 6;
const WITHOUT_SERVER = 16;
const SERVER_STARTS = 16;
const ALL_RETURN = 16;
const ALL_AGAIN = 11;
const MESSAGES =
  ALL_TOGETHER +
  WITHOUT_CAROL +
  AT_ONCE +
  WITHOUT_SERVER +
  SERVER_STARTS +
  ALL_RETURN +
  ALL_AGAIN +
  NAMES.length;

export class Scenario {
  readonly #narrate: (sentence: string) => void;
  readonly #notifier = new Notifier();
  readonly #server = new DevServer(this.#notifier);
  readonly #participants = new Map<Name, Participant>();
  /** What was said, in the order said. */
  readonly #sent: Sent[] = [];

  constructor(narrate: (sentence: string) => void) {
    this.#narrate = narrate;
  }

  /** @throws DemoError with a sentence for the user */
  async plays(): Promise<void> {
    this.#narrate("A room server starts, on a storage of its own.");
    await this.#server.start();
    this.#narrate(`It is ready on ${this.#server.url}.`);
    await this.#joins();
    this.#narrate(`${String(MESSAGES)} messages flow, some to everyone and some to one person.`);
    await this.#talks(ALL_TOGETHER);
    await this.#losesCarol();
    await this.#losesServer();
    await this.#returnAll();
    await this.#ends();
  }

  /** What each got of what was said, as of now. */
  tallies(): readonly Tally[] {
    return check(this.#sent, this.#got());
  }

  /** Ends the server; the story cannot go on. */
  stop(): Promise<void> {
    return this.#server.kill();
  }

  /** Ends the server, if it was not stopped, and removes its storage, at once. */
  dispose(): void {
    this.#server.dispose();
  }

  async #joins(): Promise<void> {
    for (const name of NAMES) {
      const link = await CuttableProxy.opens(() => this.#server.port);
      this.#participants.set(name, new Participant(name, link, this.#notifier));
    }
    await this.#areLive(NAMES, JOIN_MS);
    this.#narrate("alice, bob and carol have joined, each over a link of their own.");
  }

  async #losesCarol(): Promise<void> {
    this.#participant("carol").link.cut();
    this.#narrate("carol's link is cut. All three go on writing.");
    await this.#talks(WITHOUT_CAROL);
    this.#narrate(`${this.#sentSoFar()} ${this.#unconfirmed()}`);
  }

  async #losesServer(): Promise<void> {
    for (let number = 0; number < AT_ONCE; number += 1) this.#says(lineOf(this.#sent.length + 1));
    // The words leave this process, and the server dies with them in its hands.
    await pause(1);
    await this.#server.kill();
    this.#narrate(`The server is killed with SIGKILL. ${this.#unconfirmed()}`);
    await this.#talks(WITHOUT_SERVER);
    this.#narrate(`${this.#sentSoFar()} ${this.#unconfirmed()}`);
    this.#narrate("It is started again on the same storage.");
    await Promise.all([this.#server.start(), this.#talks(SERVER_STARTS)]);
    this.#narrate(`It is ready. ${this.#sentSoFar()} ${this.#unconfirmed()}`);
  }

  async #returnAll(): Promise<void> {
    this.#participant("carol").link.restore();
    this.#narrate("carol's link is mended. All three come back by themselves.");
    await Promise.all([this.#talks(ALL_RETURN), ...NAMES.map((name) => this.#returns(name))]);
    await this.#talks(ALL_AGAIN);
    await this.#areConfirmed();
  }

  async #returns(name: Name): Promise<void> {
    const { got } = this.#participant(name);
    const before = got.length;
    await this.#areLive([name], RETURN_MS);
    const waited = got.length - before;
    this.#narrate(`${name} is back: ${waited === 0 ? "nothing" : messages(waited)} had waited.`);
  }

  async #ends(): Promise<void> {
    for (const name of NAMES) this.#says(lastLineOf(name));
    await this.#areConfirmed();
    await this.#notifier.until(
      () => this.#lacks() === "",
      RETURN_MS,
      () => this.#lacks(),
    );
    await Promise.all(Array.from(this.#participants.values(), (speaker) => speaker.leaves()));
    await this.#server.kill();
    this.#narrate(`${this.#sentSoFar()} Everyone has everything, and leaves.`);
  }

  /** Sends the next `count` messages, one after the other, whoever is there to hear them. */
  async #talks(count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      this.#says(lineOf(this.#sent.length + 1));
      await pause(PACE_MS);
      this.#notifier.check();
    }
  }

  #says(line: Line): void {
    this.#sent.push(line);
    this.#participant(line.from).says(line);
  }

  async #areLive(names: readonly Name[], ms: number): Promise<void> {
    const away = (): readonly Name[] => names.filter((name) => !this.#participant(name).isLive);
    await this.#notifier.until(
      () => away().length === 0,
      ms,
      () => `${away().join(" and ")} did not get through to the room.`,
    );
  }

  async #areConfirmed(): Promise<void> {
    const waiting = (): readonly Name[] =>
      NAMES.filter((name) => this.#participant(name).waiting > 0);
    await this.#notifier.until(
      () => waiting().length === 0,
      RETURN_MS,
      () => this.#unconfirmed(),
    );
  }

  /** A sentence on who still lacks what; empty if nobody lacks anything. */
  #lacks(): string {
    return this.tallies()
      .filter(({ lost }) => lost > 0)
      .map(({ name, lost }) => `${name} still lacks ${messages(lost)}.`)
      .join(" ");
  }

  #sentSoFar(): string {
    return `${messages(this.#sent.length)} have been sent.`;
  }

  #unconfirmed(): string {
    const counts = NAMES.map((name) => [name, this.#participant(name).waiting] as const);
    const some = counts.filter(([, waiting]) => waiting > 0);
    if (some.length === 0) return "All are confirmed.";
    return `Unconfirmed: ${some.map(([name, waiting]) => `${name} ${String(waiting)}`).join(", ")}.`;
  }

  #got(): ReadonlyMap<string, readonly Got[]> {
    return new Map(Array.from(this.#participants, ([name, { got }]) => [name, got]));
  }

  #participant(name: Name): Participant {
    const speaker = this.#participants.get(name);
    if (speaker === undefined) throw new Error(`${name} has not joined`);
    return speaker;
  }
}

const messages = (count: number): string => `${String(count)} message${count === 1 ? "" : "s"}`;
