/** What the page asks of the room: what was said before, and who is known. The answers go into the models. */
import type { ChatClient } from "../../client/index.ts";
import type { Log } from "./model/log.ts";
import { PAGES, type Roster } from "./model/roster.ts";

/** Entries in one answer. */
const PAGE = 50;

export class HistoryLoader {
  readonly #client: ChatClient;
  readonly #log: Log;
  readonly #roster: Roster;
  readonly #changed: () => void;
  #isAsking = false;
  /** How often it was asked who is known. */
  #readings = 0;

  /** @param changed called when an answer has come, or a question is under way */
  constructor(client: ChatClient, log: Log, roster: Roster, changed: () => void) {
    this.#client = client;
    this.#log = log;
    this.#roster = roster;
    this.#changed = changed;
  }

  /** Is the past being asked for? */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** What was before, if there is more and nothing is under way. */
  async past(): Promise<void> {
    if (this.#isAsking || this.#log.isWhole || this.#client.state.type !== "live") return;
    this.#isAsking = true;
    this.#changed();
    try {
      let before = this.#log.oldest;
      let found = 0;
      do {
        const options = before === undefined ? { limit: PAGE } : { before, limit: PAGE };
        const page = await this.#client.history(options);
        for (const entry of page.messages) if (this.#log.add(entry, "history")) found++;
        before = page.next;
        if (before === undefined) this.#log.isWhole = true;
      } while (found === 0 && before !== undefined);
    } catch {
      // The link broke: it is asked for again when somebody looks.
    }
    this.#isAsking = false;
    this.#changed();
  }

  /** Who is known. If it is asked again meanwhile, the later question counts. */
  async who(): Promise<void> {
    const reading = ++this.#readings;
    this.#roster.begin();
    // In a room of many names the answers may not come to one's own.
    this.#roster.presence({ joined: [this.#client.name], left: [] });
    try {
      let after: string | undefined;
      for (let page = 0; page < PAGES; page++) {
        const { peers, next } = await this.#client.who(after === undefined ? {} : { after });
        if (reading !== this.#readings) return;
        this.#roster.page(peers);
        after = next;
        if (after === undefined) break;
      }
      this.#roster.end();
    } catch {
      // The next link asks again.
    }
    this.#changed();
  }
}
