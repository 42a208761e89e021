/** Loads older messages and the known names from the room, and puts them into the models. */
import type { ChatClient } from "../../client/index.ts";
import type { Log } from "./model/log.ts";
import { PAGES_MAX, type Roster } from "./model/roster.ts";

/** Entries in one page of history. */
const PAGE_SIZE = 50;
/** How many pages are loaded to show one message. */
const FAR_PAGES = 60;
const BROKEN = "The connection broke before that message was loaded: try again.";
const GONE = "That message is not there: the room no longer keeps it, or it was not for you.";

export class HistoryLoader {
  readonly #client: ChatClient;
  readonly #log: Log;
  readonly #roster: Roster;
  readonly #onChange: () => void;
  #loading: Promise<void> | undefined;
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
    return this.#loading !== undefined;
  }

  /** Loads older messages, unless all are here. Resolves at once, or when the load that is under way has ended. */
  async loadOlder(): Promise<void> {
    if (this.#log.isComplete || this.#client.state.type !== "live") return;
    this.#loading ??= this.#load();
    this.#onChange();
    await this.#loading;
  }

  async #load(): Promise<void> {
    try {
      let before = this.#log.oldest;
      let found = 0;
      do {
        const options = before === undefined ? { limit: PAGE_SIZE } : { before, limit: PAGE_SIZE };
        const page = await this.#client.history(options);
        // A page of reactions alone adds no row.
        for (const entry of page.messages) {
          if (this.#log.add(entry, "history") && !entry.quiet) found++;
        }
        before = page.next;
        if (before === undefined) this.#log.isComplete = true;
      } while (found === 0 && before !== undefined);
    } catch {
      // The connection broke: the next scroll to the top loads again.
    }
    this.#loading = undefined;
    this.#onChange();
  }

  /**
   * Loads older messages until the one at `seq` is here.
   * @returns undefined once it is; otherwise a sentence that says why not
   */
  async loadUntil(seq: number): Promise<string | undefined> {
    const log = this.#log;
    if (log.get(seq) !== undefined) return undefined;
    if (this.#client.state.type !== "live")
      return "That message can be loaded once you are connected.";
    try {
      const { messages } = await this.#client.history({ before: seq + 1, limit: 1 });
      if (messages[0]?.seq !== seq) return GONE;
      for (let pages = 0; pages < FAR_PAGES && log.get(seq) === undefined; pages++) {
        const { oldest } = log;
        await this.loadOlder();
        if (log.get(seq) === undefined && log.oldest === oldest) return BROKEN;
      }
    } catch {
      return BROKEN;
    }
    return log.get(seq) === undefined
      ? "That message is too far back to be shown here."
      : undefined;
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
