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
  type HandshakeFinding,
  HandshakeMonitor,
  memoryStorage,
  plainText,
  refusalText,
  RefusedError,
  RestoredError,
  type OutboxMessage,
} from "../../client/index.ts";
import { TabOwnership } from "./tab-ownership.ts";
import { Preferences } from "./preferences.ts";
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
import { Log, type FailedItem } from "./model/log.ts";
import { Roster } from "./model/roster.ts";
import type { Line } from "./model/rows.ts";
import { Typing } from "./model/typing.ts";
import { diagnosisText, type Status } from "./model/status-text.ts";
import { TabChannel } from "./tab-channel.ts";
import { HistoryLoader } from "./history-loader.ts";
import { FailedMessages } from "./failed-messages.ts";

/** With fewer entries than this, the past is asked for at once. */
const FEW = 50;

export interface RoomAddress {
  readonly room: string;
  readonly name: string;
}

export interface SessionListener {
  /** Something is different: look again. */
  readonly onChange: () => void;
  /** Something that somebody said, as it is said. */
  readonly onMessage: (entry: Entry) => void;
  /** Something that concerns no single message, in a sentence. */
  readonly onWarning: (text: string) => void;
}

export interface SessionOptions {
  /** In this browser's storage; else for as long as the page lives. */
  readonly keeps: boolean;
  /** What waited when the storage failed: it may be in the record, or not. */
  readonly carried: readonly OutboxMessage[];
}

export class RoomSession {
  readonly place: RoomAddress;
  readonly log = new Log();
  readonly roster = new Roster();
  readonly typing = new Typing();
  /** Lines of the log, by the place of the message below them. */
  readonly lines = new Map<number, Line>();
  absence: Absence = FIRST;
  /** Why handshakes fail; undefined if the room says so itself, or nobody answers. */
  diagnosis: string | undefined;
  readonly #listener: SessionListener;
  readonly #client: ChatClient;
  readonly #channel: TabChannel;
  readonly #ownership: TabOwnership;
  readonly #history: HistoryLoader;
  readonly #troubles: FailedMessages;
  readonly #monitor: HandshakeMonitor;
  /** Ids of what waited when the link was live again. */
  #leftover = new Set<string>();
  #isOver = false;
  #isLive = false;

  constructor(
    place: RoomAddress,
    memory: Preferences,
    told: SessionListener,
    { keeps, carried }: SessionOptions,
  ) {
    this.place = place;
    const { room, name } = place;
    this.#listener = {
      onChange: () => !this.#isOver && told.onChange(),
      onMessage: (entry) => !this.#isOver && told.onMessage(entry),
      onWarning: (text) => !this.#isOver && told.onWarning(text),
    };
    this.#troubles = new FailedMessages(place, memory, this.log, carried);
    this.#ownership = new TabOwnership(this.#listener.onChange);
    this.#channel = new TabChannel(room, name, (seq) => {
      this.absence = onSeen(this.absence, seq);
      this.#listener.onChange();
    });
    const tabs = {
      held: (ask: () => void): void => this.#ownership.isElsewhere(ask),
      wanted: (): void => this.#give(),
    };
    const kept = browserStorage(Preferences.recordOf(room, name), tabs);
    // The key is on the disk before a handshake claims the name with it.
    const open = (): Promise<void> => memory.keptKey().then(() => kept.open?.());
    const storage = keeps ? { ...kept, open } : memoryStorage();
    const { origin } = location;
    this.#client = new ChatClient({
      url: origin,
      room,
      name,
      key: memory.key,
      storage,
    });
    this.#monitor = new HandshakeMonitor(new URL(origin), room, (found) => this.#diagnose(found));
    this.#history = new HistoryLoader(this.#client, this.log, this.roster, this.#listener.onChange);
    this.#listen();
  }

  get status(): Status {
    return this.#ownership.status ?? this.#client.state;
  }

  get online(): number {
    return this.#client.online;
  }

  /** What waits here. */
  get waiting(): readonly OutboxMessage[] {
    return this.#client.outbox;
  }

  /** Is the past being asked for? */
  get isAsking(): boolean {
    return this.#history.isAsking;
  }

  /** Bytes of UTF-8 that the text of one message may have. */
  get textLimit(): number {
    return this.#client.textLimit;
  }

  get wasLive(): boolean {
    return this.#monitor.wasLive;
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
    // What was taken is decided by events, and what the room cannot take stands among the troubles.
    if (this.#client.outbox.length > before) return;
    try {
      await sent;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
    }
  }

  types(to: readonly string[]): void {
    if (this.status.type !== "live" || !this.typing.isDue(performance.now(), this.online, to))
      return;
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
    this.#ownership.takeOver();
  }

  /** Asks for what was before. */
  past(): Promise<void> {
    return this.#history.past();
  }

  /** A message in trouble was dealt with. */
  settle(trouble: FailedItem): void {
    this.#troubles.settle(trouble);
    this.#listener.onChange();
  }

  dismissAbsence(): void {
    if (this.absence.phase === "back") this.absence = NONE;
    this.#listener.onChange();
  }

  /** Leaves, with a goodbye. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#ownership.end();
    this.#channel.end();
    await this.#client.close();
  }

  get #isClosed(): boolean {
    return this.#client.state.type === "closed";
  }

  #listen(): void {
    const client = this.#client;
    const { onChange } = this.#listener;
    client.on("state", () => this.#state());
    client.on("entry", (entry) => this.#entry(entry));
    client.on("outbox", (outbox) => {
      this.#ownership.isHere();
      this.log.setWaiting(outbox);
      this.#troubles.isRead(outbox);
      onChange();
    });
    client.on("gap", ({ from, to }) => {
      this.log.addGap(from, to);
      onChange();
    });
    client.on("redacted", ({ seq }) => {
      this.log.redact(seq);
      onChange();
    });
    client.on("presence", ({ joined, left, missed }) => {
      this.roster.presence({ joined, left });
      if (missed) void this.#history.who();
      onChange();
    });
    client.on("signal", ({ from, data }) => {
      this.typing.hears(from, data, performance.now());
      onChange();
    });
    client.on("refused", ({ error, ...unsent }) => {
      this.#troubles.refused(refusalText(error), unsent);
      onChange();
    });
    client.on("unknown", (unsent) => {
      this.#troubles.undecided(unsent);
      onChange();
    });
    client.on("error", (error) => this.#error(error));
  }

  #state(): void {
    const { state } = this.#client;
    this.#ownership.isHere();
    this.absence = onState(this.absence, state);
    const wasLive = this.#isLive;
    this.#isLive = state.type === "live";
    if (state.type === "live") {
      // A live link that was only in doubt has missed nothing.
      if (!wasLive) this.#caughtUp();
    } else this.typing.forget();
    if (state.type === "live" || state.type === "closed") this.diagnosis = undefined;
    this.#monitor.onState(state);
    this.#listener.onChange();
  }

  #caughtUp(): void {
    const { absence } = this;
    this.#leftover = new Set(this.waiting.map(({ id }) => id));
    if (absence.phase === "back" && absence.first !== undefined) {
      this.lines.set(absence.first, { about: "replay", text: replayLine(absence) });
    }
    void this.#history.who();
    if (this.log.items.length < FEW) void this.#history.past();
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
    this.#channel.tell(entry);
    if (!isReplay) this.#listener.onMessage(entry);
    this.#listener.onChange();
  }

  #error(error: ChatError): void {
    if (error instanceof RestoredError) {
      this.log.clear();
      this.lines.clear();
    }
    this.#listener.onWarning(
      error instanceof RefusedError ? refusalText(error) : plainText(error.message),
    );
  }

  #diagnose(finding: HandshakeFinding): void {
    this.diagnosis = diagnosisText(finding);
    this.#listener.onChange();
  }

  /** Another tab of this browser wants the name: it gets it, with all that waits. */
  #give(): void {
    this.#ownership.isGiven();
    void this.#client.close();
  }
}
