/** One of the three: a client of the library on a link of its own, and the record of what it said and what came. */
import { ChatClient, ChatError } from "../../client/index.ts";
import type { Notifier } from "./notifier.ts";
import type { Got, Sent } from "./checker.ts";
import type { CuttableProxy } from "./cut-proxy.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

const ROOM = "demo";

export class Participant {
  readonly name: string;
  readonly link: CuttableProxy;
  /** What came, in the order in which it came. */
  readonly got: Got[] = [];
  readonly #client: ChatClient;
  readonly #notifier: Notifier;

  /** Joins at once. */
  constructor(name: string, link: CuttableProxy, bell: Notifier) {
    this.name = name;
    this.link = link;
    this.#notifier = bell;
    this.#client = new ChatClient({ url: link.url, room: ROOM, name });
    this.#client.on("entry", (entry) => {
      this.got.push(entry);
      bell.notify();
    });
    this.#client.on("state", (state) => {
      if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
        bell.fail(`${name} was turned away (${String(state.code)}): ${state.why}`);
      }
      bell.notify();
    });
    this.#client.on("gap", ({ from, to }) => {
      bell.fail(`the room told ${name} that entries ${String(from)} to ${String(to)} are gone`);
    });
    this.#client.on("error", (error) => bell.fail(`${name}'s client failed: ${error.message}`));
  }

  get isLive(): boolean {
    return this.#client.state.type === "live";
  }

  /** How many messages it said that are not confirmed. */
  get waiting(): number {
    return this.#client.waiting;
  }

  says({ text, to }: Sent): void {
    this.#client.send(text, to === undefined ? {} : { to }).then(
      () => this.#notifier.notify(),
      (error: unknown) => {
        const why = error instanceof ChatError ? error.message : String(error);
        this.#notifier.fail(`"${text}" was not stored: ${why}`);
      },
    );
  }

  async leaves(): Promise<void> {
    await this.#client.close();
    this.link.close();
  }
}
