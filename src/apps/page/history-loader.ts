/** Loads older messages and the known names from the room, and puts them into the models. */
import type { ChatClient } from "../../client/index.ts";
import type { Log } from "./model/log.ts";
import { PAGES_MAX, type Roster } from "./model/roster.ts";

/** Entries in one page of history. */
const PAGE_SIZE = 50;

export class HistoryLoader {
  readonly #client: ChatClient;
  readonly #log: Log;
  readonly #roster: Roster;
  readonly #onChange: () => void;
  #isLoading = false;
  /** Counts the loads of the roster, so that only the latest one counts. */
  #rosterLoads = 0;

  /** @param onChange called when a request begins, and when it ends */
  constructor(client: ChatClient, log: Log, roster: Roster, onChange: () => void) {
    this.#client = client;
    this.#log = log;
    this.#roster = roster;
    this.#onChange = onChange;
  }

  /** Whether older messages are being loaded. */
  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** Loads older messages, unless all are here or a load is under way. */
  async loadOlder(): Promise<void> {
    if (this.#isLoading || this.#log.isComplete || this.#client.state.type !== "live") return;
    this.#isLoading = true;
    this.#onChange();
    try {
      let before = this.#log.oldest;
      let found = 0;
      do {
        const options = before === undefined ? { limit: PAGE_SIZE } : { before, limit: PAGE_SIZE };
        const page = await this.#client.history(options);
        for (const entry of page.messages) if (this.#log.add(entry, "history")) found++;
        before = page.next;
        if (before === undefined) this.#log.isComplete = true;
      } while (found === 0 && before !== undefined);
    } catch {
      // The connection broke: the next scroll to the top loads again.
    }
    this.#isLoading = false;
    this.#onChange();
  }

  /** Loads the known names. A load that begins meanwhile replaces this one. */
  async loadRoster(): Promise<void> {
    const load = ++this.#rosterLoads;
    this.#roster.beginLoad();
    // In a room of many names the pages may end before the own name.
    this.#roster.onPresence({ joined: [this.#client.name], left: [] });
    try {
      let after: string | undefined;
      for (let page = 0; page < PAGES_MAX; page++) {
        const { peers, next } = await this.#client.who(after === undefined ? {} : { after });
        if (load !== this.#rosterLoads) return;
        this.#roster.addPage(peers);
        after = next;
        if (after === undefined) break;
      }
      this.#roster.endLoad();
    } catch {
      // The connection broke: the next one loads again.
    }
    this.#onChange();
  }
}
