/**
 * One name in the room, through all the lives of its client: each life is a client of the shipped library, on a road of
 * its own and with the record that the life before it left.
 *
 * Invariant: of a dead life nothing is heard, nothing is written, and nothing reaches the room but what was under way.
 */
import { ChatClient } from "../../src/client/index.ts";
import type { Notifier } from "../support/wait-for.ts";
import { History, type ReceivedMessage, type SentMessage } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { StorageSpy } from "./storage-spy.ts";
import { installSpy } from "./websocket-spy.ts";
import { Page } from "./network.ts";
import { FaultProxy } from "./fault-proxy.ts";

interface Setting {
  readonly name: string;
  readonly key: string;
  readonly room: string;
  readonly target: () => URL;
  /** Where the record is kept; without it, in memory. */
  readonly path: string | undefined;
  readonly chance: SeededRandom;
}

interface Life {
  readonly client: ChatClient;
  readonly road: FaultProxy;
  readonly diary: StorageSpy;
  readonly page: Page;
  isOver: boolean;
}

/** Ends of a link that need no reason: it broke, the client let go of it, or it was overtaken. */
const ORDINARY = new Set([1000, 1001, 1005, 1006, 1012, 4201]);
/** Of the frames that may come twice, how many do. */
const REPEATED = 0.1;
/** The client's own way out of a message that ends each link: it may suspect the wrong one where links break so often. */
const GIVEN_UP = /the link ended each time/;

export class Member {
  readonly account: History;
  readonly #setting: Setting;
  readonly #roads = new Set<FaultProxy>();
  readonly #notifier: Notifier;
  #diary: StorageSpy;
  #life: Life | undefined;
  #isGoing = false;
  /** While it leaves, its record is still in use. */
  #goodbye: Promise<void> | undefined;
  /** How often it was made anew. */
  lives = 0;

  constructor(setting: Setting, notifier: Notifier) {
    const { chance } = setting;
    this.#setting = setting;
    this.#notifier = notifier;
    this.account = new History(setting.name);
    // Some disks are slow: what comes meanwhile must wait for them.
    const slowest = chance.one([0, 0, 3, 20]);
    const slow = chance.of("saves");
    this.#diary = new StorageSpy(setting.path, () =>
      slowest === 0 ? 0 : slow.between(0, slowest),
    );
  }

  get name(): string {
    return this.#setting.name;
  }

  /** The road of this life; undefined while there is none. */
  get road(): FaultProxy | undefined {
    return this.#life?.road;
  }

  get isLive(): boolean {
    return this.#life?.client.state.type === "live";
  }

  /** How many messages wait for the room; those of unknown fate have nothing to wait for. */
  get waiting(): number {
    return this.#life?.client.waiting ?? this.account.waiting;
  }

  /** What a gap has hidden, and the client still holds in case that the room says more. */
  tellsUnknown(): void {
    for (const { text, unknown } of this.#life?.diary.kept?.outbox ?? []) {
      if (unknown) this.account.holds(text);
    }
  }

  /** In the words of its client. */
  get state(): string {
    return this.#life === undefined ? "away" : JSON.stringify(this.#life.client.state);
  }

  /** Is made, or made anew from its record. */
  async comes(): Promise<void> {
    if (this.#life !== undefined || this.#isGoing) return;
    this.#isGoing = true;
    await this.#goodbye;
    this.lives += 1;
    const { name, key, room, target, chance } = this.#setting;
    const road = await FaultProxy.opens(target);
    this.#roads.add(road);
    const diary = this.#diary.inherit();
    this.#diary = diary;
    const repeats = chance.of(`repeats ${this.lives}`);
    const life: { isOver: boolean } = { isOver: false };
    const unlessOver =
      <Args extends readonly unknown[]>(work: (...args: Args) => void) =>
      (...args: Args): void => {
        if (!life.isOver) work(...args);
        this.#notifier.notify();
      };
    installSpy(road.port, {
      kept: () => diary.kept,
      repeats: () => repeats.is(REPEATED),
      opened: () => this.#notifier.notify(),
      ended: unlessOver((code, reason) => this.#linkEnded(code, reason)),
      fault: unlessOver((what) => this.account.fault("R5", what)),
    });
    const page = new Page();
    const client = page.hosts(
      () => new ChatClient({ url: road.url, room, name, key, storage: diary }),
    );
    client.on(
      "entry",
      unlessOver((entry) => this.account.hears(entry)),
    );
    client.on(
      "gap",
      unlessOver((gap) => this.account.gaps.push(gap)),
    );
    client.on(
      "unknown",
      unlessOver(({ text }) => this.account.unknown(text)),
    );
    client.on(
      "refused",
      unlessOver(({ text, error }) => this.#refused(text, error)),
    );
    client.on(
      "error",
      unlessOver(({ message }) => this.account.fault("R7", `was told: ${message}`)),
    );
    client.on(
      "state",
      unlessOver((state) => {
        if (state.type === "closed" && state.code !== 1000) {
          const rule = state.code === 4001 ? "R1" : "R7";
          this.account.fault(rule, `was turned away for good: ${state.code} ${state.why}`);
        }
      }),
    );
    this.#life = Object.assign(life, { client, road, diary, page });
    this.#isGoing = false;
  }

  says(said: Omit<SentMessage, "fate">): void {
    const client = this.#life?.client;
    // Who is dead says nothing.
    if (client === undefined || client.state.type === "closed") return;
    this.account.says({ ...said, fate: "undecided" });
    const { text, to } = said;
    client.send(text, to === undefined ? {} : { to }).then(
      (entry) => {
        if (entry.text === text && entry.from === this.name) return;
        this.account.fault("R5", `was given entry ${entry.seq} as the confirmation of "${text}"`);
      },
      // What it means, an event has told.
      () => {},
    );
  }

  /** Something passing, a question: nothing that is promised. */
  asks(chance: SeededRandom): void {
    const client = this.#life?.client;
    if (client === undefined || client.state.type === "closed") return;
    if (chance.is(0.4)) client.signal({ typing: this.name });
    else if (chance.is(0.5)) client.history({ limit: chance.between(1, 20) }).catch(() => {});
    else client.who().catch(() => {});
  }

  /**
   * Dies without a word; its record stays.
   * @param ghosts what is to become of the link that is left over; the road closes at the end if nothing else does it
   */
  async dies(ghosts: (road: FaultProxy) => void): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.isOver = true;
    const { kept } = life.diary;
    const texts = new Set(kept?.outbox.map(({ text }) => text));
    this.account.rollBack(kept?.cursor ?? 0, texts);
    life.page.dies();
    life.road.abandons();
    ghosts(life.road);
    await life.diary.dies();
  }

  /** Says goodbye, as well as its link allows. */
  async leaves(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.#goodbye = life.client.close();
    await this.#goodbye;
    life.isOver = true;
    const texts = new Set(life.diary.kept?.outbox.map(({ text }) => text));
    const lost = this.account.said.filter(
      ({ text, fate }) => fate === "undecided" && !texts.has(text),
    );
    for (const { text } of lost)
      this.account.fault("R5", `left, and "${text}" is not in its record`);
    const { page } = life;
    if (page.listening > 0)
      this.account.fault("R8", `left, and ${page.listening} of its listeners stayed`);
    page.dies();
    // Its goodbye may still be on its way.
    life.road.after(2_000, () => life.road.close());
  }

  /** Nothing goes wrong on its way any more, and what its dead lives left over is gone. */
  heals(): void {
    for (const road of this.#roads) {
      if (road === this.#life?.road) road.heals();
      else road.close();
    }
  }

  /** All that the room remembers for it, oldest first; undefined if the room did not answer. */
  async recalls(): Promise<readonly ReceivedMessage[] | undefined> {
    const pages: ReceivedMessage[] = [];
    let before: number | undefined;
    try {
      do {
        const page = await this.#life?.client.history({
          limit: 100,
          ...(before !== undefined && { before }),
        });
        if (page === undefined) return undefined;
        pages.unshift(...page.messages);
        before = page.next;
      } while (before !== undefined);
    } catch {
      return undefined;
    }
    return pages;
  }

  /** Who is online, by the room's word; undefined if it did not answer. */
  async asksWho(): Promise<readonly string[] | undefined> {
    try {
      const page = await this.#life?.client.who();
      return page?.peers.filter(({ online }) => online).map(({ name }) => name);
    } catch {
      return undefined;
    }
  }

  /** Ends whatever is left of all lives. */
  ends(): void {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) life.isOver = true;
    life?.page.dies();
    void life?.client.close();
    void life?.diary.dies();
    for (const road of this.#roads) road.close();
  }

  #refused(text: string, error: { code: string; message: string }): void {
    this.account.refused(text, GIVEN_UP.test(error.message) ? "given up" : error.code);
  }

  #linkEnded(code: number, reason: string): void {
    if (ORDINARY.has(code)) return;
    const rule = code === 4001 ? "R1" : "R7";
    this.account.fault(rule, `had its link ended: ${code} ${reason}`);
  }
}
