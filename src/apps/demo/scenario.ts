/**
 * The scenario: three clients talk, carol's connection is cut, the server is killed and started again, carol returns,
 * and at the end everyone has every message.
 *
 * It ends without a pause to wait for late repeats: when everything is confirmed, each client sends a last message. The
 * room has one order, so no earlier message, and no repeat, can arrive after the last messages.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Notifier } from "./notifier.ts";
import { check, type Received, type Sent, type Tally } from "./checker.ts";
import { CuttableProxy } from "./cut-proxy.ts";
import { DevServer } from "./dev-server.ts";
import { Participant } from "./participant.ts";
import { lastMessageOf, type ScriptMessage, messageOf, type Name, NAMES } from "./script.ts";

/** The pause between two messages. */
const PACE_MS = 70;
const JOIN_MS = 20_000;
const RETURN_MS = 30_000;

/** How many messages each part sends; with the three last messages, a hundred. */
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
  /** The messages sent, in order. */
  readonly #sent: Sent[] = [];

  constructor(narrate: (sentence: string) => void) {
    this.#narrate = narrate;
  }

  /** @throws DemoError with a sentence for the user */
  async play(): Promise<void> {
    this.#narrate("A room server starts, with its own storage.");
    await this.#server.start();
    this.#narrate(`The server is ready on ${this.#server.url}.`);
    await this.#joinAll();
    this.#narrate(
      `The three send ${String(MESSAGES)} messages, some to everyone and some to one person.`,
    );
    await this.#sendMany(ALL_TOGETHER);
    await this.#cutCarol();
    await this.#killServer();
    await this.#returnAll();
    await this.#finish();
  }

  /** The results of all participants so far. */
  tallies(): readonly Tally[] {
    return check(this.#sent, this.#received());
  }

  /** Ends the server; the scenario cannot continue. */
  stop(): Promise<void> {
    return this.#server.kill();
  }

  /** Ends the server, if it still runs, and removes its storage, synchronously. */
  dispose(): void {
    this.#server.dispose();
  }

  async #joinAll(): Promise<void> {
    for (const name of NAMES) {
      const proxy = await CuttableProxy.open(() => this.#server.port);
      this.#participants.set(name, new Participant(name, proxy, this.#notifier));
    }
    await this.#waitUntilLive(NAMES, JOIN_MS);
    this.#narrate("alice, bob and carol have joined, each over their own connection.");
  }

  async #cutCarol(): Promise<void> {
    this.#participant("carol").proxy.cut();
    this.#narrate("carol's connection is cut. All three keep sending.");
    await this.#sendMany(WITHOUT_CAROL);
    this.#narrate(`${this.#sentSoFar()} ${this.#unconfirmed()}`);
  }

  async #killServer(): Promise<void> {
    for (let number = 0; number < AT_ONCE; number += 1)
      this.#send(messageOf(this.#sent.length + 1));
    // The messages leave this process, and the server dies while it handles them.
    await pause(1);
    await this.#server.kill();
    this.#narrate(`The server is killed with SIGKILL. ${this.#unconfirmed()}`);
    await this.#sendMany(WITHOUT_SERVER);
    this.#narrate(`${this.#sentSoFar()} ${this.#unconfirmed()}`);
    this.#narrate("The server is started again on the same storage.");
    await Promise.all([this.#server.start(), this.#sendMany(SERVER_STARTS)]);
    this.#narrate(`The server is ready. ${this.#sentSoFar()} ${this.#unconfirmed()}`);
  }

  async #returnAll(): Promise<void> {
    this.#participant("carol").proxy.restore();
    this.#narrate("carol's connection is restored. All three reconnect by themselves.");
    await Promise.all([
      this.#sendMany(ALL_RETURN),
      ...NAMES.map((name) => this.#waitForReturn(name)),
    ]);
    await this.#sendMany(ALL_AGAIN);
    await this.#waitUntilConfirmed();
  }

  async #waitForReturn(name: Name): Promise<void> {
    const { received } = this.#participant(name);
    const before = received.length;
    await this.#waitUntilLive([name], RETURN_MS);
    const missed = received.length - before;
    this.#narrate(`${name} is back and has received ${messages(missed)} that waited.`);
  }

  async #finish(): Promise<void> {
    for (const name of NAMES) this.#send(lastMessageOf(name));
    await this.#waitUntilConfirmed();
    await this.#notifier.until(
      () => this.#missing() === "",
      RETURN_MS,
      () => this.#missing(),
    );
    await Promise.all(
      Array.from(this.#participants.values(), (participant) => participant.leave()),
    );
    await this.#server.kill();
    this.#narrate(`${this.#sentSoFar()} Everyone has every message, and leaves.`);
  }

  /** Sends the next `count` messages, one after the other, whether or not the recipients are connected. */
  async #sendMany(count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      this.#send(messageOf(this.#sent.length + 1));
      await pause(PACE_MS);
      this.#notifier.check();
    }
  }

  #send(message: ScriptMessage): void {
    this.#sent.push(message);
    this.#participant(message.from).send(message);
  }

  async #waitUntilLive(names: readonly Name[], ms: number): Promise<void> {
    const away = (): readonly Name[] => names.filter((name) => !this.#participant(name).isLive);
    await this.#notifier.until(
      () => away().length === 0,
      ms,
      () => `${away().join(" and ")} did not connect to the room.`,
    );
  }

  async #waitUntilConfirmed(): Promise<void> {
    const unconfirmed = (): readonly Name[] =>
      NAMES.filter((name) => this.#participant(name).unconfirmed > 0);
    await this.#notifier.until(
      () => unconfirmed().length === 0,
      RETURN_MS,
      () => this.#unconfirmed(),
    );
  }

  /** Describes which messages are missing; empty if none are. */
  #missing(): string {
    return this.tallies()
      .filter(({ lost }) => lost > 0)
      .map(({ name, lost }) => `${name} is still missing ${messages(lost)}.`)
      .join(" ");
  }

  #sentSoFar(): string {
    return `${messages(this.#sent.length)} have been sent.`;
  }

  #unconfirmed(): string {
    const counts = NAMES.map((name) => [name, this.#participant(name).unconfirmed] as const);
    const some = counts.filter(([, count]) => count > 0);
    if (some.length === 0) return "All are confirmed.";
    return `Unconfirmed: ${some.map(([name, count]) => `${name} ${String(count)}`).join(", ")}.`;
  }

  #received(): ReadonlyMap<string, readonly Received[]> {
    return new Map(Array.from(this.#participants, ([name, { received }]) => [name, received]));
  }

  #participant(name: Name): Participant {
    const participant = this.#participants.get(name);
    if (participant === undefined) throw new Error(`${name} has not joined`);
    return participant;
  }
}

const messages = (count: number): string => `${String(count)} message${count === 1 ? "" : "s"}`;
