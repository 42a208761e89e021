/**
 * One name in the room, through all lives of its client. Each life is a client of the shipped library with its own
 * proxy and the record that the previous life left.
 *
 * Invariant: a dead life reports nothing and writes nothing, and the room receives from it only what was already in
 * transit.
 */
import { ChatClient } from "../../src/client/index.ts";
import type { Notifier } from "../support/wait-for.ts";
import { History, isUnique, nameOf, type ReceivedEntry, stringsIn } from "./history.ts";
import type { NewItem } from "./messages.ts";
import { readHistory, readRoster, sendItem } from "./requests.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { StorageSpy } from "./storage-spy.ts";
import { installSpy } from "./websocket-spy.ts";
import { Page } from "./network.ts";
import { FaultProxy } from "../support/proxy/fault-proxy.ts";

interface MemberOptions {
  readonly name: string;
  readonly key: string;
  readonly room: string;
  readonly target: () => URL;
  /** The path of the record; absent: in memory. */
  readonly path: string | undefined;
  readonly random: SeededRandom;
}

interface Life {
  readonly client: ChatClient;
  readonly proxy: FaultProxy;
  readonly storage: StorageSpy;
  readonly page: Page;
  isOver: boolean;
}

/** Close codes that are no violation: the connection broke, the client closed it, or it was overtaken. */
const EXPECTED_CODES = new Set([1000, 1001, 1005, 1006, 1012, 4201]);
/** The share of entry frames that are delivered twice. */
const REPEATED = 0.1;
/** The client's error for a poison message. Where connections break this often, it may suspect the wrong one. */
const GIVEN_UP = /each time right after this message/;

export class Member {
  readonly history: History;
  readonly #options: MemberOptions;
  readonly #proxies = new Set<FaultProxy>();
  readonly #notifier: Notifier;
  #storage: StorageSpy;
  #life: Life | undefined;
  #isJoining = false;
  /** While the client leaves, it still uses its record. */
  #goodbye: Promise<void> | undefined;
  /** Number of lives so far. */
  lives = 0;

  constructor(options: MemberOptions, notifier: Notifier) {
    const { random } = options;
    this.#options = options;
    this.#notifier = notifier;
    this.history = new History(options.name);
    // Simulate slow disks, so that later frames must wait for a save.
    const slowest = random.pick([0, 0, 3, 20]);
    const slow = random.fork("saves");
    this.#storage = new StorageSpy(options.path, () =>
      slowest === 0 ? 0 : slow.between(0, slowest),
    );
  }

  get name(): string {
    return this.#options.name;
  }

  /** The proxy of this life; undefined while there is none. */
  get proxy(): FaultProxy | undefined {
    return this.#life?.proxy;
  }

  get isLive(): boolean {
    return this.#life?.client.state.type === "live";
  }

  /** Number of items that the room has not decided; excludes those of unknown fate. */
  get waiting(): number {
    return this.#life?.client.waiting ?? this.history.waiting;
  }

  /** Records items hidden by a gap that the client still keeps in case the room reveals more. */
  recordUnknown(): void {
    for (const { id, unknown } of this.#life?.storage.saved?.outbox ?? []) {
      if (unknown) this.history.addHeld(id);
    }
  }

  /** The client's state, for messages. */
  get state(): string {
    return this.#life === undefined ? "away" : JSON.stringify(this.#life.client.state);
  }

  /** Starts a client, or starts it again from its record. */
  async joins(): Promise<void> {
    if (this.#life !== undefined || this.#isJoining) return;
    this.#isJoining = true;
    await this.#goodbye;
    this.lives += 1;
    const { name, key, room, target, random } = this.#options;
    const proxy = await FaultProxy.listen(target);
    this.#proxies.add(proxy);
    const storage = this.#storage.inherit();
    this.#storage = storage;
    const repeats = random.fork(`repeats ${this.lives}`);
    const life: { isOver: boolean } = { isOver: false };
    const unlessOver =
      <Args extends readonly unknown[]>(work: (...args: Args) => void) =>
      (...args: Args): void => {
        if (!life.isOver) work(...args);
        this.#notifier.notify();
      };
    installSpy(proxy.port, {
      saved: () => storage.saved,
      repeats: () => repeats.chance(REPEATED),
      begins: () => this.#recordConnection(),
      opened: () => this.#notifier.notify(),
      ended: unlessOver((code, reason) => this.#onClose(code, reason)),
      violates: unlessOver((what) => this.history.violates("R5", what)),
    });
    const page = new Page();
    const client = page.attach(() => new ChatClient({ url: proxy.url, room, name, key, storage }));
    client.on(
      "entry",
      unlessOver((entry) => this.history.addReceived({ ...entry, type: "message" })),
    );
    client.on(
      "patch",
      unlessOver((patch) => this.history.addReceived({ ...patch, type: "patch" })),
    );
    client.on(
      "gap",
      unlessOver((gap) => this.history.gaps.push(gap)),
    );
    client.on(
      "unknown",
      unlessOver(({ id }) => this.history.addUnknown(id)),
    );
    client.on(
      "refused",
      unlessOver(({ id, error }) => this.#onRefused(id, error)),
    );
    client.on(
      "error",
      unlessOver(({ message }) => this.history.violates("R7", `got the error: ${message}`)),
    );
    client.on(
      "state",
      unlessOver((state) => {
        if (state.type === "closed" && state.code !== 1000) {
          const rule = state.code === 4001 ? "R1" : "R7";
          this.history.violates(rule, `was rejected for good: ${state.code} ${state.why}`);
        }
      }),
    );
    this.#life = Object.assign(life, { client, proxy, storage, page });
    this.#isJoining = false;
  }

  says(item: NewItem): void {
    const client = this.#life?.client;
    // A dead client sends nothing.
    if (client === undefined || client.state.type === "closed") return;
    const place = client.outbox.length;
    const sending = sendItem(client, item);
    const id = client.outbox[place]?.id;
    // The client refuses what it knows to be in vain. An event has reported that, of an item that was never queued.
    if (id !== undefined) this.history.addSent({ ...item, id, fate: "undecided" });
    sending.then(
      (entry) => {
        if (entry.id === id && entry.from === this.name) return;
        this.history.violates("R5", `got entry ${entry.seq} as the confirmation of ${id}`);
      },
      // An event reports the error.
      () => {},
    );
  }

  /** Sends a signal or a query, for which nothing is promised. */
  queries(random: SeededRandom): void {
    const client = this.#life?.client;
    if (client === undefined || client.state.type === "closed") return;
    if (random.chance(0.4)) client.signal({ typing: this.name });
    else if (random.chance(0.5)) client.history({ limit: random.between(1, 20) }).catch(() => {});
    else client.who().catch(() => {});
  }

  /**
   * Dies without a goodbye; its record stays.
   * @param onHalfOpen receives the proxy, whose connection to the room is still open; the proxy closes at the end of
   *   the round at the latest
   */
  async crashes(onHalfOpen: (proxy: FaultProxy) => void): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    life.isOver = true;
    const { saved } = life.storage;
    this.history.rollBack(saved?.cursor ?? 0, new Set(saved?.outbox.map(({ id }) => id)));
    life.page.closes();
    life.proxy.abandonClient();
    onHalfOpen(life.proxy);
    await life.storage.crashes();
  }

  /** Closes the client, with a goodbye if its connection permits. */
  async leaves(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.#goodbye = life.client.close();
    await this.#goodbye;
    life.isOver = true;
    const ids = new Set(life.storage.saved?.outbox.map(({ id }) => id));
    const lost = this.history.sent.filter(({ id, fate }) => fate === "undecided" && !ids.has(id));
    for (const item of lost)
      this.history.violates("R5", `left, and ${nameOf(item)} is not in its record`);
    const { page } = life;
    if (page.listenerCount > 0)
      this.history.violates("R8", `left, and ${page.listenerCount} of its listeners stayed`);
    page.closes();
    // The goodbye may still be in transit.
    life.proxy.after(2_000, () => life.proxy.close());
  }

  /** Stops all faults, and closes the connections of dead lives. */
  heals(): void {
    for (const proxy of this.#proxies) {
      if (proxy === this.#life?.proxy) proxy.heal();
      else proxy.close();
    }
  }

  /** Returns what the room has stored for this member; undefined if the room did not answer. */
  readsHistory(): Promise<readonly ReceivedEntry[] | undefined> {
    return readHistory(this.#life?.client);
  }

  /** Returns the names that the room lists as online; undefined if it did not answer. */
  readsRoster(): Promise<readonly string[] | undefined> {
    return readRoster(this.#life?.client);
  }

  /** Ends what is left of all lives. */
  dispose(): void {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) life.isOver = true;
    life?.page.closes();
    void life?.client.close();
    void life?.storage.crashes();
    for (const proxy of this.#proxies) proxy.close();
  }

  /** @returns a listener to each text that the new connection brings */
  #recordConnection(): (text: string) => void {
    const connection = { began: performance.now(), strings: new Set<string>() };
    this.history.connections.push(connection);
    return (text) => {
      for (const one of stringsIn(JSON.parse(text))) {
        if (isUnique(one)) connection.strings.add(one);
      }
    };
  }

  #onRefused(id: string, error: { code: string; message: string }): void {
    this.history.addRefused(id, GIVEN_UP.test(error.message) ? "given up" : error.code);
  }

  #onClose(code: number, reason: string): void {
    if (EXPECTED_CODES.has(code)) return;
    const rule = code === 4001 ? "R1" : "R7";
    this.history.violates(rule, `was disconnected: ${code} ${reason}`);
  }
}
