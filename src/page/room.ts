/**
 * One stay in a room: what the client tells goes into the models, what the person does goes to the client. Knows no
 * document.
 *
 * Invariants:
 * - What was typed is in the outbox, among the troubles, or in the draft: nowhere is it dropped.
 * - After `end` nothing is told any more.
 */
import {
  browserStorage,
  ChatClient,
  type ChatError,
  type Entry,
  memoryStorage,
  RestoredError,
  type Unsent,
} from "../client/index.ts";
import { diagnose } from "./diagnosis.ts";
import { Memory } from "./memory.ts";
import {
  type Absence,
  FIRST,
  NONE,
  onEntry,
  onSeen,
  onSent,
  onState,
  replayLine,
} from "./model/absence.ts";
import { Log, type Trouble } from "./model/log.ts";
import { PAGES, Roster } from "./model/roster.ts";
import type { Line } from "./model/rows.ts";
import { Typing } from "./model/typing.ts";
import type { Status } from "./model/words.ts";
import { Passing } from "./passing.ts";

/** How long the other tab may take to let go: it waits up to 5 s for what it sent. */
const LET_GO_MS = 8_000;
const PAGE = 50;
/** What is asked for when the page is opened. */
const FIRST_PAGE = 50;

export interface Place {
  readonly room: string;
  readonly name: string;
}

export interface Told {
  /** Something is different: look again. */
  readonly changed: () => void;
  /** Something that somebody said, as it is said. */
  readonly heard: (entry: Entry) => void;
  /** Something that concerns no single message, in a sentence. */
  readonly warned: (text: string) => void;
}

export interface Manner {
  /** In this browser's storage; else for as long as the page lives. */
  readonly keeps: boolean;
  /** What waited when the storage failed: it may be in the record, or not. */
  readonly carried: readonly Unsent[];
}

export class Room {
  readonly place: Place;
  readonly log = new Log();
  readonly roster = new Roster();
  readonly typing = new Typing();
  /** Lines of the log, by the place of the message below them. */
  readonly lines = new Map<number, Line>();
  absence: Absence = FIRST;
  /** What the server says to a handshake that fails. */
  diagnosis: string | undefined;
  isAsking = false;
  readonly #memory: Memory;
  readonly #told: Told;
  readonly #client: ChatClient;
  readonly #passing: Passing;
  #held: Extract<Status, { type: "held" }> | undefined;
  #ask: () => void = () => {};
  #carried: readonly Unsent[];
  /** Ids of what waited when the link was live again. */
  #leftover = new Set<string>();
  #isGiven = false;
  #isOver = false;
  #wasLive = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(place: Place, memory: Memory, told: Told, { keeps, carried }: Manner) {
    this.place = place;
    this.#carried = carried;
    this.#memory = memory;
    const { room, name } = place;
    this.#told = {
      changed: () => !this.#isOver && told.changed(),
      heard: (entry) => !this.#isOver && told.heard(entry),
      warned: (text) => !this.#isOver && told.warned(text),
    };
    this.log.setTroubles(memory.troubles(room, name));
    this.#passing = new Passing(room, name, (seq) => {
      this.absence = onSeen(this.absence, seq);
      this.#told.changed();
    });
    const tabs = {
      held: (ask: () => void): void => this.#isHeld(ask),
      wanted: (): void => this.#give(),
    };
    const storage = keeps ? browserStorage(Memory.recordOf(room, name), tabs) : memoryStorage();
    const { origin } = location;
    this.#client = new ChatClient({ url: origin, room, name, key: memory.key, storage });
    this.#listen();
  }

  get status(): Status {
    if (this.#isGiven) return { type: "given" };
    return this.#held ?? this.#client.state;
  }

  get online(): number {
    return this.#client.online;
  }

  /** What waits here. */
  get waiting(): readonly Unsent[] {
    return this.#client.outbox;
  }

  get wasLive(): boolean {
    return this.#wasLive;
  }

  /** Is what is written now taken? While another tab has the name, or the link is closed, it is not. */
  get canSend(): boolean {
    return this.status.type !== "held" && this.status.type !== "given" && !this.#isClosed;
  }

  /** @throws OutboxFullError, ClosedError, by rejecting: then the text was not taken */
  async say(text: string, to: readonly string[]): Promise<void> {
    // Who writes on has seen what the return brought.
    if (this.absence.phase === "back" && this.#leftover.size === 0) this.absence = NONE;
    const before = this.#client.outbox.length;
    const sent = this.#client.send(text, to.length > 0 ? { to } : {});
    this.typing.sent();
    // What was taken is decided by events.
    if (this.#client.outbox.length === before) await sent;
  }

  types(to: readonly string[]): void {
    if (this.status.type !== "live" || !this.typing.isDue(Date.now(), this.online, to)) return;
    this.#client.signal({ typing: true }, to.length > 0 ? { to } : {});
  }

  cut(): void {
    this.#client.pause();
  }

  /** Switches on again, or tries now. */
  resume(): void {
    this.#client.resume();
  }

  /** Asks the other tab to let go of this name. */
  takeOver(): void {
    if (this.#held === undefined) return;
    this.#held = { type: "held", stage: "asked" };
    this.#ask();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#held !== undefined) this.#held = { type: "held", stage: "silent" };
      this.#told.changed();
    }, LET_GO_MS);
    this.#told.changed();
  }

  /** Asks for what was before, if there is more and nothing is under way. */
  async past(): Promise<void> {
    if (this.isAsking || this.log.isWhole || this.status.type !== "live") return;
    this.isAsking = true;
    this.#told.changed();
    try {
      let before = this.log.oldest;
      let found = 0;
      do {
        const options = before === undefined ? { limit: PAGE } : { before, limit: PAGE };
        const page = await this.#client.history(options);
        for (const entry of page.messages) if (this.log.add(entry, "history")) found++;
        before = page.next;
        if (before === undefined) this.log.isWhole = true;
      } while (found === 0 && before !== undefined);
    } catch {
      // The link broke: it is asked for again when somebody looks.
    }
    this.isAsking = false;
    this.#told.changed();
  }

  /** A message in trouble was dealt with. */
  settle(trouble: Trouble): void {
    this.#keepTroubles(this.log.troubles.filter(({ key }) => key !== trouble.key));
  }

  dismissAbsence(): void {
    if (this.absence.phase === "back") this.absence = NONE;
    this.#told.changed();
  }

  /** Leaves, with a goodbye. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#passing.end();
    await this.#client.close();
  }

  get #isClosed(): boolean {
    return this.#client.state.type === "closed";
  }

  #listen(): void {
    const client = this.#client;
    const { changed } = this.#told;
    client.on("state", () => this.#state());
    client.on("entry", (entry) => this.#entry(entry));
    client.on("outbox", (outbox) => {
      this.#held = undefined;
      this.log.setWaiting(outbox);
      this.#carry(outbox);
      changed();
    });
    client.on("gap", ({ from, to }) => {
      this.log.addGap(from, to);
      changed();
    });
    client.on("redacted", ({ seq }) => {
      this.log.redact(seq);
      changed();
    });
    client.on("presence", ({ joined, left, missed }) => {
      this.roster.presence({ joined, left });
      if (missed) void this.#readRoster();
      changed();
    });
    client.on("signal", ({ from, data }) => {
      this.typing.hears(from, data, Date.now());
      changed();
    });
    client.on("refused", ({ error, ...unsent }) => this.#trouble("refused", error.message, unsent));
    client.on("unknown", (unsent) => {
      const why =
        "it is no longer known whether the room has this: look above before you send it again";
      this.#trouble("unknown", why, unsent);
    });
    client.on("error", (error) => this.#error(error));
  }

  #state(): void {
    const { state } = this.#client;
    this.#held = undefined;
    this.absence = onState(this.absence, state);
    if (state.type === "live") {
      this.#wasLive = true;
      this.diagnosis = undefined;
      this.#caughtUp();
    } else this.typing.forget();
    if (state.type === "offline" && !this.#wasLive) void this.#diagnose();
    this.#told.changed();
  }

  #caughtUp(): void {
    const { absence } = this;
    this.#leftover = new Set(this.waiting.map(({ id }) => id));
    if (absence.phase === "back" && absence.first !== undefined) {
      this.lines.set(absence.first, { about: "replay", text: replayLine(absence) });
    }
    void this.#readRoster();
    if (this.log.items.length < FIRST_PAGE) void this.past();
  }

  #entry(entry: Entry): void {
    const isReplay = this.#client.state.type === "replaying";
    const isMine = entry.from === this.place.name;
    const before = this.log.tally;
    this.log.add(entry, isReplay ? "replay" : "live");
    const { doubled, misplaced } = this.log.tally;
    this.absence = onEntry(this.absence, entry.seq, isMine, {
      doubled: doubled - before.doubled,
      misplaced: misplaced - before.misplaced,
    });
    if (isMine && this.#leftover.delete(entry.id ?? "")) this.absence = onSent(this.absence);
    this.typing.forget(entry.from);
    this.#passing.tell(entry);
    if (!isReplay) this.#told.heard(entry);
    this.#told.changed();
  }

  /** What waited when the storage failed and is not in the record is shown: it is not sent by itself. */
  #carry(outbox: readonly Unsent[]): void {
    const lost = this.#carried.filter(({ id }) => outbox.every((unsent) => unsent.id !== id));
    this.#carried = [];
    const why = "this browser did not keep it: look above before you send it again";
    for (const unsent of lost) this.#trouble("unknown", why, unsent);
  }

  #trouble(fate: Trouble["fate"], why: string, unsent: Unsent): void {
    const trouble: Trouble = { kind: "trouble", key: `t${unsent.id}`, fate, why, unsent };
    const others = this.log.troubles.filter(({ key }) => key !== trouble.key);
    this.#keepTroubles([...others, trouble]);
  }

  #keepTroubles(troubles: readonly Trouble[]): void {
    const { room, name } = this.place;
    this.log.setTroubles(troubles);
    this.#memory.keepTroubles(room, name, troubles);
    this.#told.changed();
  }

  #error(error: ChatError): void {
    if (error instanceof RestoredError) {
      this.log.clear();
      this.lines.clear();
    }
    this.#told.warned(error.message);
  }

  async #readRoster(): Promise<void> {
    this.roster.begin();
    try {
      let after: string | undefined;
      for (let page = 0; page < PAGES; page++) {
        const { peers, next } = await this.#client.who(after === undefined ? {} : { after });
        this.roster.page(peers);
        after = next;
        if (after === undefined) break;
      }
    } catch {
      // The next link asks again.
    }
    this.roster.end();
    this.#told.changed();
  }

  async #diagnose(): Promise<void> {
    const diagnosis = await diagnose(this.place.room);
    if (this.#wasLive) return;
    this.diagnosis = diagnosis;
    this.#told.changed();
  }

  #isHeld(ask: () => void): void {
    this.#ask = ask;
    this.#held = { type: "held", stage: "found" };
    this.#told.changed();
  }

  /** Another tab of this browser wants the name: it gets it, with all that waits. */
  #give(): void {
    this.#isGiven = true;
    this.#told.changed();
    void this.#client.close();
  }
}
