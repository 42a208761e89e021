/**
 * One session in a room: events of the client go into the models, actions of the person go to the client. Never touches
 * the DOM.
 *
 * Invariants:
 * - A typed text is in the outbox, among the failed items, or in the draft. It is never dropped.
 * - After `close` no listener is called.
 */
import {
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
  type OutboxItem,
} from "../../client/index.ts";
import { AbsenceTracker } from "./absence-tracker.ts";
import { TabOwnership } from "./tab-ownership.ts";
import type { Preferences } from "./preferences.ts";
import type { Absence } from "./model/absence.ts";
import { Log, type FailedItem } from "./model/log.ts";
import { Roster } from "./model/roster.ts";
import type { Line } from "./model/rows.ts";
import { Typing } from "./model/typing.ts";
import { diagnosisText, type Status } from "./model/status-text.ts";
import { TabChannel } from "./tab-channel.ts";
import { HistoryLoader } from "./history-loader.ts";
import { FailedMessages } from "./failed-messages.ts";
import { Writer } from "./writer.ts";

const HOUR_MS = 3_600_000;
/** With fewer entries than this, history is loaded at once. */
const HISTORY_MIN = 50;

export interface RoomAddress {
  readonly room: string;
  readonly name: string;
}

export interface SessionListener {
  /** The state that the session shows has changed. */
  readonly onChange: () => void;
  /** A live message, but none of a replay or of history. */
  readonly onMessage: (entry: Entry) => void;
  /** The room was restored from a backup: the seqs that the person refers to are other messages now. */
  readonly onRestored: () => void;
  /** A sentence that concerns no single message. */
  readonly onWarning: (text: string) => void;
}

export interface SessionOptions {
  /** Whether the record is in the browser's storage, and not only in the page's memory. */
  readonly isPersistent: boolean;
  /** The outbox at the time when the storage failed. The record may hold these items or not. */
  readonly carried: readonly OutboxItem[];
}

export class RoomSession {
  readonly address: RoomAddress;
  readonly log = new Log();
  readonly roster = new Roster();
  readonly typing = new Typing();
  readonly writer: Writer;
  /** Why handshakes fail; undefined if a close gives the reason, or no server answers. */
  diagnosis: string | undefined;
  readonly #listener: SessionListener;
  readonly #client: ChatClient;
  readonly #absence = new AbsenceTracker();
  readonly #channel: TabChannel;
  readonly #ownership: TabOwnership;
  readonly #history: HistoryLoader;
  readonly #failedMessages: FailedMessages;
  readonly #monitor: HandshakeMonitor;
  #isClosed = false;
  #isLive = false;

  constructor(
    address: RoomAddress,
    preferences: Preferences,
    listener: SessionListener,
    { isPersistent, carried }: SessionOptions,
  ) {
    this.address = address;
    const { room, name } = address;
    this.#listener = {
      onChange: () => !this.#isClosed && listener.onChange(),
      onMessage: (entry) => !this.#isClosed && listener.onMessage(entry),
      onRestored: () => !this.#isClosed && listener.onRestored(),
      onWarning: (text) => !this.#isClosed && listener.onWarning(text),
    };
    const { onChange } = this.#listener;
    this.#failedMessages = new FailedMessages(address, preferences, this.log, carried);
    this.#ownership = new TabOwnership(onChange);
    this.#channel = new TabChannel(room, name, (seq) => {
      this.#absence.onSeen(seq);
      onChange();
    });
    const tabs = {
      onHeld: (requestRelease: () => void): void => this.#ownership.onHeld(requestRelease),
      onRequested: (): void => this.#handOver(),
    };
    const storage = isPersistent ? preferences.recordStorage(room, name, tabs) : memoryStorage();
    const { origin } = location;
    this.#client = new ChatClient({ url: origin, room, name, key: preferences.key, storage });
    this.#monitor = new HandshakeMonitor(new URL(origin), room, (found) => this.#onFinding(found));
    this.#history = new HistoryLoader(this.#client, this.log, this.roster, onChange);
    this.writer = new Writer(this.#client, () => this.#absence.onWrite());
    this.#subscribe();
  }

  get status(): Status {
    return this.#ownership.status ?? this.#client.state;
  }

  get online(): number {
    return this.#client.online;
  }

  get outbox(): readonly OutboxItem[] {
    return this.#client.outbox;
  }

  get absence(): Absence {
    return this.#absence.absence;
  }

  get lines(): ReadonlyMap<number, Line> {
    return this.#absence.lines;
  }

  get isLoadingHistory(): boolean {
    return this.#history.isLoading;
  }

  /** Bytes of UTF-8 that the text of one message may have. */
  get textLimit(): number {
    return this.#client.textLimit;
  }

  /** Bytes that the data of one message may have; 0: the room takes none. */
  get dataLimit(): number {
    return this.#client.dataLimit;
  }

  /** Messages that are older, in ms since 1970, can no longer be edited. By the room's clock: a device may have a wrong one. */
  get editableFrom(): number {
    return this.log.newestAt - this.#client.patchHours * HOUR_MS;
  }

  get wasLive(): boolean {
    return this.#monitor.wasLive;
  }

  /** False while another tab has the name, and after the connection was closed for good. */
  get canSend(): boolean {
    const { type } = this.status;
    return type !== "held" && type !== "handed-over" && this.#client.state.type !== "closed";
  }

  signalTyping(to: readonly string[]): void {
    if (this.status.type !== "live") return;
    if (!this.typing.shouldSignal(performance.now(), this.online, to)) return;
    this.#client.signal({ typing: true }, to.length > 0 ? { to } : {});
  }

  pause(): void {
    this.#client.pause();
  }

  /** Ends a pause, or retries now. */
  resume(): void {
    this.#client.resume();
  }

  /** Asks the other tab to release the name. */
  takeOver(): void {
    this.#ownership.takeOver();
  }

  loadOlder(): Promise<void> {
    return this.#history.loadOlder();
  }

  /** Loads the message at `seq`. @returns undefined once it is in the log; otherwise a sentence that says why not */
  loadUntil(seq: number): Promise<string | undefined> {
    return this.#history.loadUntil(seq);
  }

  removeFailed(failed: FailedItem): void {
    this.#failedMessages.remove(failed);
    this.#listener.onChange();
  }

  dismissAbsence(): void {
    this.#absence.dismiss();
    this.#listener.onChange();
  }

  /** Leaves the room, with a goodbye. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ownership.close();
    this.#channel.close();
    await this.#client.close();
  }

  #subscribe(): void {
    const client = this.#client;
    const { onChange } = this.#listener;
    client.on("state", () => this.#onState());
    client.on("entry", (entry) => this.#onEntry(entry));
    client.on("outbox", () => {
      const { outbox } = this;
      this.#ownership.onAcquired();
      this.log.setOutbox(outbox);
      this.#failedMessages.onOutbox(outbox);
      onChange();
    });
    client.on("gap", ({ from, to }) => {
      this.log.addGap(from, to);
      onChange();
    });
    client.on("patch", (patch) => {
      this.log.apply(patch);
      this.#absence.onSilent(patch.seq);
      onChange();
    });
    client.on("presence", ({ joined, left, missed }) => {
      this.roster.onPresence({ joined, left });
      if (missed) void this.#history.loadRoster();
      onChange();
    });
    client.on("signal", ({ from, data }) => {
      this.typing.onSignal(from, data, performance.now());
      onChange();
    });
    client.on("refused", ({ error, ...unsent }) => {
      this.#failedMessages.addRefused(error, unsent);
      onChange();
    });
    client.on("unknown", (unsent) => {
      this.#failedMessages.addUnknown(unsent);
      onChange();
    });
    client.on("error", (error) => this.#onError(error));
  }

  #onState(): void {
    const { state } = this.#client;
    this.#ownership.onAcquired();
    this.#absence.onState(state);
    const wasLive = this.#isLive;
    this.#isLive = state.type === "live";
    if (state.type === "live") {
      // A live connection that was only being checked has missed nothing.
      if (!wasLive) this.#onCaughtUp();
    } else this.typing.clear();
    if (state.type === "live" || state.type === "closed") this.diagnosis = undefined;
    this.#monitor.onState(state);
    this.#listener.onChange();
  }

  #onCaughtUp(): void {
    this.#absence.onCaughtUp(this.outbox);
    void this.#history.loadRoster();
    if (this.log.items.length < HISTORY_MIN) void this.#history.loadOlder();
  }

  #onEntry(entry: Entry): void {
    const isReplay = this.#client.state.type === "replaying";
    const before = this.log.tally;
    this.log.add(entry, isReplay ? "replay" : "live");
    const { duplicates, outOfOrder } = this.log.tally;
    this.#absence.onEntry(entry, entry.from === this.address.name, {
      duplicates: duplicates - before.duplicates,
      outOfOrder: outOfOrder - before.outOfOrder,
    });
    this.#channel.publish(entry);
    if (!entry.quiet) this.typing.clear(entry.from);
    if (!isReplay && !entry.quiet) this.#listener.onMessage(entry);
    this.#listener.onChange();
  }

  #onError(error: ChatError): void {
    if (error instanceof RestoredError) {
      this.log.clear();
      this.#failedMessages.onRestored();
      this.#absence.lines.clear();
      this.#listener.onRestored();
    }
    this.#listener.onWarning(
      error instanceof RefusedError ? refusalText(error) : plainText(error.message),
    );
  }

  #onFinding(finding: HandshakeFinding): void {
    this.diagnosis = diagnosisText(finding);
    this.#listener.onChange();
  }

  /** Another tab of this browser requests the name: it gets the name with the outbox. */
  #handOver(): void {
    this.#ownership.onHandedOver();
    void this.#client.close();
  }
}
