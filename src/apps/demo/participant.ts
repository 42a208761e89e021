/** One of the three: a client of the library behind its own proxy, and the messages that it received. */
import { ChatClient, ChatError } from "../../client/index.ts";
import type { Notifier } from "./notifier.ts";
import type { Received, Sent } from "./checker.ts";
import type { CuttableProxy } from "./cut-proxy.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

const ROOM = "demo";

export class Participant {
  readonly name: string;
  readonly proxy: CuttableProxy;
  /** The entries received, in the order of arrival. */
  readonly received: Received[] = [];
  readonly #client: ChatClient;
  readonly #notifier: Notifier;

  /** Joins the room at once. */
  constructor(name: string, proxy: CuttableProxy, notifier: Notifier) {
    this.name = name;
    this.proxy = proxy;
    this.#notifier = notifier;
    this.#client = new ChatClient({ url: proxy.url, room: ROOM, name });
    this.#client.on("entry", (entry) => {
      this.received.push(entry);
      notifier.notify();
    });
    this.#client.on("state", (state) => {
      if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
        notifier.fail(`${name} was rejected (${String(state.code)}): ${state.why}`);
      }
      notifier.notify();
    });
    this.#client.on("gap", ({ from, to }) => {
      notifier.fail(
        `the room reported to ${name} that entries ${String(from)} to ${String(to)} are no longer kept`,
      );
    });
    this.#client.on("error", (error) => notifier.fail(`${name}'s client failed: ${error.message}`));
  }

  get isLive(): boolean {
    return this.#client.state.type === "live";
  }

  /** How many of its messages are not confirmed. */
  get unconfirmed(): number {
    return this.#client.waiting;
  }

  send({ text, to }: Sent): void {
    this.#client.send(text, to === undefined ? {} : { to }).then(
      () => this.#notifier.notify(),
      (error: unknown) => {
        const why = error instanceof ChatError ? error.message : String(error);
        this.#notifier.fail(`"${text}" was not stored: ${why}`);
      },
    );
  }

  async leave(): Promise<void> {
    await this.#client.close();
    this.proxy.close();
  }
}
