/**
 * The client: joins the pure machines (link.ts, session.ts) to a socket, a clock and a storage.
 *
 * Invariants:
 * - One round at a time: take what came, decide what goes, save, then send. What is acknowledged is saved; what is sent
 *   is on record as sent before.
 * - The cursor that is saved is *done*, never only *heard* (`Delivery`): a crash shows again what no consumer has
 *   finished with, rather than never.
 * - A socket that was let go of is not listened to any more.
 */
import { utf8Length } from "../protocol/ids.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import {
  type ChatError,
  ClosedError,
  FateUnknownError,
  ConnectionLostError,
  OutboxFullError,
  RefusedError,
  RestoredError,
  StorageError,
} from "./errors.ts";
import {
  type ClientEvents,
  Emitter,
  type Entry,
  type HistoryPage,
  type ClientState,
  type ReplyOptions,
  type SendOptions,
  stateOf,
  type OutboxMessage,
  type WhoPage,
} from "./events.ts";
import { onNetwork } from "./network-events.ts";
import { idOfCarried, type Origin, withCarried } from "./carried.ts";
import { Clock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import { attemptClock, newSession } from "./handshakes.ts";
import { RecordStore } from "./record-store.ts";
import {
  begin,
  dueAt,
  type ConnectionState,
  type ConnectionEvent,
  type Step,
  step,
} from "./connection-state.ts";
import {
  addressOf,
  type ChatClientOptions,
  protocolsOf,
  readOptions,
  type Settings,
} from "./options.ts";
import { SendQueue } from "./send-queue.ts";
import { type Ownership, ownershipOf } from "./ownership.ts";
import { randomToken } from "../protocol/random-token.ts";
import { Counts, Replies } from "./replies.ts";
import {
  type Effect,
  isSound,
  markSent,
  nextAttempt,
  onError,
  onGap,
  onMessage,
  onReady,
  onWelcome,
  type Outcome,
  withdraw,
} from "./session.ts";
import type { ClientRecord, QueuedMessage } from "./storage/storage.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { SIGNAL_BYTES } from "../protocol/limits.ts";

/** How long `close` waits for what was sent to be decided. */
const FLUSH_MS = 5_000;
/** The longest time between two looks at the clocks: how late it is noticed that the device slept. */
const LOOK_MS = 5_000;
/** How long the storage is waited for while another client of this process has it: that may be closing, or stay for ever. */
const SUCCESSION_MS = 6_000;
/** UTF-16 units of text that may wait in the outbox: browsers keep five million in all. */
const OUTBOX_UNITS = 2_000_000;
/** How long *done* may wait to be saved by itself: a consumer that is fast does not cost a save for each entry. */
const SAVE_DONE_MS = 20;

interface Waiter<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: ChatError) => void;
}

/** A member of a room, through whatever happens to its links. */
export class ChatClient implements AsyncIterable<Entry> {
  readonly room: string;
  readonly name: string;
  readonly #settings: Settings;
  readonly #recordStore: RecordStore;
  readonly #ownership: Ownership;
  readonly #clock = new Clock();
  readonly #emitter = new Emitter();
  readonly #delivery: Delivery;
  readonly #replies = new Replies();
  /** How many messages were carried in this life, by entry. */
  readonly #carries = new Counts();
  readonly #sendQueue = new SendQueue();
  /** Who waits for a message's confirmation, or for an answer, by id. */
  readonly #pendingSends = new Map<string, Waiter<Entry>>();
  readonly #requests = new Map<string, Waiter<ServerFrame>>();
  readonly #peers = new Set<string>();
  /** The storage has failed with this. */
  #failure: StorageError | undefined;
  #link: ConnectionState;
  #socket: WebSocket | undefined;
  #frames: string[] = [];
  #acked = 0;
  /** The newest mark that was read on this link, and whether an ack has shown it. */
  #mark: { readonly k: string; readonly isShown: boolean } | undefined;
  #online = 0;
  #spread = 0;
  #since: number | undefined;
  /** The position that the link under way was asked to begin at. */
  #requestedSince: number | undefined;
  readonly #opened: Promise<void>;
  #round: Promise<void> = Promise.resolve();
  /** Which connect is under way: what an earlier one still waits for does not count. */
  #connectAttempt = 0;
  #isClosing = false;
  #isWorking = false;
  #hasMore = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Saves *done*, if nothing else does before. */
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  /** The storage may belong to another client now. */
  #isReleased = false;
  readonly #stopListening: () => void;

  /**
   * Connects at once.
   * @throws BadOptionError if the options cannot work
   */
  constructor(options: ChatClientOptions) {
    this.#settings = readOptions(options);
    this.#delivery = new Delivery({
      isListening: () => this.#emitter.has("entry"),
      moved: () => this.#scheduleSave(),
      stalled: (error) => this.#emitter.emit("error", error),
    });
    this.#recordStore = new RecordStore(this.#settings.storage, {
      newSession: () => newSession(this.#settings),
      done: () => this.#delivery.done,
    });
    this.#ownership = ownershipOf(this.#settings.storage);
    this.room = this.#settings.room;
    this.name = this.#settings.name;
    this.#since = this.#settings.since;
    const { link } = begin(this.#clock.now());
    this.#link = link;
    this.#stopListening = onNetwork({
      awake: () => this.#dispatch({ type: "awake" }),
      lost: () => this.#dispatch({ type: "doubted" }),
    });
    // Not before whoever made this client could listen to it.
    this.#opened = Promise.resolve().then(() => this.#open());
  }

  /** The state of the link, in the words of `LinkState`. */
  get state(): ClientState {
    return stateOf(this.#link, (moment) => this.#clock.toWall(moment));
  }

  /** How many are in the room, by its last word; a hint. */
  get online(): number {
    return this.#online;
  }

  /** UTF-8 bytes that the text of one message may have, by the room's last word; 8,192 before its first. */
  get textLimit(): number {
    return this.#sendQueue.textLimit;
  }

  /** Names known to be online, as far as the room told. */
  get peers(): readonly string[] {
    return [...this.#peers];
  }

  /** How many messages were accepted and are not decided; those of unknown fate not counted. */
  get waiting(): number {
    return this.#record?.outbox.filter(({ unknown }) => !unknown).length ?? 0;
  }

  /** The messages that were accepted and are not decided, in the order of `send`; of an earlier life too. */
  get outbox(): readonly OutboxMessage[] {
    return [...(this.#record?.outbox ?? []), ...this.#sendQueue.unopened].map(shown);
  }

  /**
   * Lets go of the link, as if it had broken, and stays away until `resume`. What is sent meanwhile waits in the
   * outbox; what the room has meanwhile waits there.
   */
  pause(): void {
    this.#dispatch({ type: "pause" });
  }

  /** Connects now: after `pause`, or instead of waiting for the next try. */
  resume(): void {
    this.#dispatch({ type: "resume" });
  }

  /**
   * Sends a message, now or as soon as the room can be reached. It is kept in the storage at once, or as soon as this
   * client owns that. What is above the limits of the room is refused at once, as soon as a room has told them.
   * @returns the entry, once it is stored and has its place, whatever happened in between
   * @throws RefusedError, FateUnknownError, OutboxFullError, ClosedError, StorageError; by rejecting
   */
  send(text: string, { to }: SendOptions = {}): Promise<Entry> {
    if (this.#link.type === "closed") return rejected(this.#closedError());
    const id = randomToken(96);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) return rejected(refusal);
    return this.#accept({ id, text, ...(to && { to: [...to] }), sent: false });
  }

  /**
   * Answers an entry, exactly once through any crash of this program: an entry is shown again to the next life until it
   * is done, and the same answer is then found in the room, or in the storage, and not sent again. What counts is how
   * many answers to this entry were accepted before, in the order of the calls: call in the same order in each life.
   * @param entry what is answered; from this client
   * @param options `to`: default the sender of the entry; `"everyone"`: everyone whom the room knows
   * @returns the answer as it is stored; where an earlier life has sent it, what that one said
   * @throws what `send` throws; FateUnknownError, too, if the log was trimmed so far that an earlier life may have
   *   answered; by rejecting
   * @example
   * for await (const entry of bot) {
   *   if (entry.from !== bot.name) await bot.reply(entry, `you said: ${entry.text}`);
   * }
   */
  reply(
    entry: Pick<Entry, "seq" | "from">,
    text: string,
    { to = [entry.from] }: ReplyOptions = {},
  ): Promise<Entry> {
    const answer = this.#reply(entry, text, to === "everyone" ? undefined : to);
    // As with `send`.
    answer.catch(() => {});
    return answer;
  }

  async #reply(
    entry: Pick<Entry, "seq" | "from">,
    text: string,
    to: readonly string[] | undefined,
  ): Promise<Entry> {
    if (!Number.isSafeInteger(entry.seq) || entry.seq < 0) {
      throw new RefusedError("bad-frame", "expected an entry with its `seq`");
    }
    // Before the storage was read, nothing is known of the room's history.
    if (this.#record === undefined) await this.#opened;
    if (this.#link.type === "closed" || this.#record === undefined) throw this.#closedError();
    const { epoch = "", outbox } = this.#record;
    const id = this.#replies.idOf(entry, epoch);
    const stored = this.#replies.take(id);
    const isWaiting = outbox.some((one) => one.id === id);
    const failure = this.#replies.failureOf(id);
    if (stored !== undefined || isWaiting || failure !== undefined) {
      this.#replies.accepted(entry, epoch);
      if (failure !== undefined) throw failure;
      return stored ?? this.#confirmed(id);
    }
    if (this.#replies.isHidden(entry, epoch)) throw new FateUnknownError(UNKNOWN);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) throw refusal;
    this.#replies.accepted(entry, epoch);
    return this.#accept({
      id,
      text,
      ...(to && { to: [...to] }),
      sent: false,
      ...(!this.#replies.isKnown && { maybe: true }),
    });
  }

  /**
   * Carries an entry of another room into this one, exactly once through any crash of this program: which entries were
   * carried is kept in one step with the outbox. Wait for it before the loop asks for the next entry. What counts is how
   * many messages were carried for this entry before, in the order of the calls.
   * @param entry of `options.from`
   * @param options `from`: the client that heard the entry; `to`: as in `send`
   * @returns the message as it is stored here; undefined if an earlier life has carried it, and it was decided there
   * @throws what `send` throws, by rejecting
   * @example
   * for await (const entry of lobby) {
   *   if (entry.from !== lobby.name) await attic.carry(entry, entry.text, { from: lobby });
   * }
   */
  carry(
    entry: Pick<Entry, "seq">,
    text: string,
    options: SendOptions & { readonly from: ChatClient },
  ): Promise<Entry | undefined> {
    const carried = this.#carry(entry, text, options);
    // As with `send`.
    carried.catch(() => {});
    return carried;
  }

  async #carry(
    entry: Pick<Entry, "seq">,
    text: string,
    { from, to }: SendOptions & { readonly from: ChatClient },
  ): Promise<Entry | undefined> {
    if (this.#record === undefined) await this.#opened;
    if (this.#link.type === "closed" || this.#record === undefined) throw this.#closedError();
    const origin = from.#originOf(entry);
    const { carried = [], outbox } = this.#record;
    const key = JSON.stringify([origin.source, origin.epoch, origin.seq]);
    const n = this.#carries.get(key);
    const earlier = idOfCarried(carried, origin, n);
    if (earlier !== undefined) {
      this.#carries.add(key);
      return outbox.some(({ id }) => id === earlier) ? this.#confirmed(earlier) : undefined;
    }
    const id = randomToken(96);
    const refusal = this.#refusalOf(id, text, to);
    if (refusal !== undefined) throw refusal;
    this.#carries.add(key);
    this.#record = { ...this.#record, carried: withCarried(carried, origin, { n, id }) };
    return this.#accept({ id, text, ...(to && { to: [...to] }), sent: false });
  }

  #originOf(entry: Pick<Entry, "seq">): Origin {
    const { base, room, name } = this.#settings;
    return {
      source: [base.href, room, name].join(" "),
      epoch: this.#replies.epochOf(entry, this.#record?.epoch ?? ""),
      seq: entry.seq,
      done: this.#recordStore.savedCursor,
    };
  }

  /** @returns why a message is not accepted */
  #refusalOf(id: string, text: string, to: readonly string[] | undefined): ChatError | undefined {
    if (typeof text !== "string" || (to !== undefined && !Array.isArray(to))) {
      return new RefusedError("bad-frame", "expected a text, and a list of names in `to`");
    }
    const full = this.#isFull(text);
    if (full !== undefined) return new OutboxFullError(full);
    const queued: QueuedMessage = { id, text, ...(to && { to }), sent: false };
    const misfit = this.#sendQueue.refusal(queued);
    if (misfit === undefined) return undefined;
    const error = new RefusedError("too-large", misfit);
    this.#emitter.emit("refused", { ...shown(queued), error });
    return error;
  }

  /** Puts a message into the outbox. @returns the entry, once it is stored */
  #accept(queued: QueuedMessage): Promise<Entry> {
    if (this.#record !== undefined) {
      this.#record = { ...this.#record, outbox: [...this.#record.outbox, queued] };
    } else {
      this.#sendQueue.unopened.push(queued);
      this.#emitter.emit("outbox", this.outbox);
    }
    this.#work();
    return this.#confirmed(queued.id);
  }

  #confirmed(id: string): Promise<Entry> {
    const confirmed = new Promise<Entry>((resolve, reject) => {
      this.#pendingSends.set(id, { resolve, reject });
    });
    // Who does not wait for it hears of a refusal by the event.
    confirmed.catch(() => {});
    return confirmed;
  }

  /**
   * Sends something passing to those online now: not stored, not repeated, dropped while the link is not live.
   * @param data anything that JSON can hold, at most 1,024 bytes of it
   * @throws RefusedError if it is not, or larger
   */
  signal(data: unknown, { to }: SendOptions = {}): void {
    let text: string;
    try {
      text = JSON.stringify({ type: "signal", data, to });
      if (utf8Length(JSON.stringify(data)) > SIGNAL_BYTES) throw new RangeError("too large");
    } catch (error) {
      throw new RefusedError(
        "too-large",
        `data: not JSON of at most 1,024 bytes (${String(error)})`,
      );
    }
    if (this.#link.type !== "live" || !this.#sendQueue.fits(text)) return;
    this.#sendQueue.ephemerals.push(text);
    this.#work();
  }

  /**
   * A page of the past.
   * @param options `before`: entries below it (default: from the newest on down); `limit`: 1 to 100, default 50
   * @throws ConnectionLostError, RefusedError, ClosedError; by rejecting
   */
  async history(
    options: { readonly before?: number; readonly limit?: number } = {},
  ): Promise<HistoryPage> {
    const frame = await this.#request({ type: "history", ...options });
    if (frame.type !== "history") throw new ConnectionLostError("the room gave another answer");
    const { messages, next } = frame;
    return { messages, ...(next !== undefined && { next }) };
  }

  /**
   * Who the room knows, here or away.
   * @param options `after`: the `next` of the page before
   * @throws ConnectionLostError, RefusedError, ClosedError; by rejecting
   */
  async who(options: { readonly after?: string } = {}): Promise<WhoPage> {
    const frame = await this.#request({ type: "who", ...options });
    if (frame.type !== "who") throw new ConnectionLostError("the room gave another answer");
    const { peers, next } = frame;
    return { peers, ...(next !== undefined && { next }) };
  }

  /**
   * Calls `listener` at each event of this type. An entry is done when its listener has returned; if it throws, the
   * next life is shown the entry again. Nothing waits for an `async` listener: the entry is done at its first `await`,
   * and what comes behind that may be missed in a crash. Use `for await` there.
   * @returns what stops that
   * @example
   * chat.on("entry", ({ from, text }) => console.log(`${from}: ${text}`));
   */
  on<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents[Type]) => void,
  ): () => void {
    const off = this.#emitter.on(type, listener);
    // What came before the first listener waits for it.
    if (type === "entry") this.#work();
    return off;
  }

  /**
   * Entries as they come, until the client is closed: at once by `close`, and after what has come if the room closed it.
   * If the storage failed, the loop throws that `StorageError`, so that a program that only reads does not end in silence.
   * The first loop gets what came before it (for a minute, then nobody seems to want it), and a loop after the last one
   * goes on where that ended; a further one beside others begins with the next entry.
   *
   * An entry is done when its loop asks for the next one, or is left by `break`. Until then, the storage keeps the
   * position before it: whatever kills the program, the next life is shown the entry again, so what a body does happens
   * at least once (and `reply` exactly once). An error that leaves the loop and ends the process leaves the entry for the
   * next life; if the program catches it and goes on, the entry counts as done. With several loops the slowest counts; a
   * loop that stays in one body for more than a minute is reported as `ConsumerStalledError`. Up to 10,000 entries and
   * 8 MiB wait for a loop; what does not fit is fetched again from the room.
   * @example
   * for await (const { from, text } of chat) await save(from, text);
   */
  [Symbol.asyncIterator](): AsyncIterator<Entry> {
    const feed = this.#delivery.feed();
    if (this.#link.type === "closed") feed.end(true, this.#failure);
    return feed;
  }

  /**
   * Leaves. If the link is live, what was sent is waited for, 5 s at most; the rest stays in the storage, and with it the
   * position up to which every entry is done. Call it behind the loop: in the body of a `for await` the entry is not done
   * yet, and is shown to the next life. In Node a server that never answers keeps the process alive: end that with
   * `process.exit` if it matters.
   * @example
   * for await (const { text } of chat) if (text === "stop") break;
   * await chat.close();
   */
  async close(): Promise<void> {
    const deadline = this.#clock.now() + FLUSH_MS;
    this.#isClosing = true;
    // A storage that another owner holds may be waited for longer than that.
    if (this.#record === undefined) await within(FLUSH_MS, this.#opened);
    while (this.#link.type === "live" && this.waiting > 0 && this.#clock.now() < deadline) {
      await this.#emitter.next(deadline - this.#clock.now());
    }
    // What was processed is acknowledged, and what was accepted is kept, before the storage is let go of.
    await this.#round;
    this.#delivery.end(true);
    this.#dispatch({ type: "close", code: CLOSE.NORMAL, why: "closed by this client" });
    if (this.#record !== undefined) await this.#release();
  }

  async #release(): Promise<void> {
    if (this.#saveTimer !== undefined) clearTimeout(this.#saveTimer);
    this.#isReleased = true;
    try {
      await this.#recordStore.close();
    } catch (error) {
      this.#emitter.emit("error", storageError(error));
    }
    this.#ownership.end();
  }

  /** @returns a sentence if the outbox has no place for this text */
  #isFull(text: string): string | undefined {
    const { outboxLimit } = this.#settings;
    const waiting = [...(this.#record?.outbox ?? []), ...this.#sendQueue.unopened];
    const units = waiting.reduce((sum, queued) => sum + queued.text.length, text.length);
    if (waiting.length < outboxLimit && units <= OUTBOX_UNITS) return undefined;
    return `${waiting.length} messages wait already: wait until some are confirmed`;
  }

  /** Takes possession of the storage, and begins. */
  async #open(): Promise<void> {
    const { begins } = this.#ownership;
    if (begins !== undefined) await within(SUCCESSION_MS, begins);
    try {
      const movedAside = await this.#recordStore.open();
      if (movedAside !== undefined) this.#emitter.emit("error", movedAside);
    } catch (error) {
      this.#ownership.end();
      return this.#fail(error);
    }
    if (this.#record === undefined) return;
    const early = this.#sendQueue.unopened.splice(0);
    const place = Math.max(0, this.#settings.outboxLimit - this.#record.outbox.length);
    const outbox = [...this.#record.outbox, ...early.slice(0, place)];
    this.#delivery.begin(this.#record.cursor);
    this.#replies.inherit(this.#record.outbox);
    this.#record = { ...this.#record, outbox };
    for (const queued of early.slice(place)) {
      const full = new OutboxFullError("messages of an earlier life wait already");
      this.#settle(queued)?.reject(full);
    }
    if (this.#link.type === "closed") await this.#release();
    else if (this.#link.type !== "paused") this.#transition(begin(this.#clock.now()));
  }

  get #record(): ClientRecord | undefined {
    return this.#recordStore.record;
  }

  set #record(record: ClientRecord | undefined) {
    const before = this.#recordStore.record?.outbox;
    this.#recordStore.record = record;
    if (record !== undefined && record.outbox !== before) this.#emitter.emit("outbox", this.outbox);
  }

  #dispatch(signal: ConnectionEvent): void {
    const moment = { now: this.#clock.now(), random: Math.random() };
    this.#transition(step(this.#link, signal, moment));
  }

  #transition({ link, actions }: Step): void {
    const before = shownOf(this.#link);
    this.#link = link;
    for (const action of actions) {
      if (action === "drop") this.#drop();
      else if (action === "ping") this.#transmit("ping");
      else void this.#connect();
    }
    if (link.type === "closed") this.#end();
    if (shownOf(link) !== before) this.#emitter.emit("state", this.state);
    this.#scheduleTimer();
  }

  async #connect(): Promise<void> {
    const turn = ++this.#connectAttempt;
    let key: string;
    try {
      key = await this.#settings.key();
    } catch (error) {
      if (this.#connectAttempt === turn)
        this.#ended(CLOSE.ABNORMAL, `the key could not be had: ${String(error)}`);
      return;
    }
    // While the key was fetched, the link may have been given up, or the client closed.
    if (this.#record === undefined || this.#connectAttempt !== turn) return;
    this.#record = nextAttempt(this.#record, attemptClock(this.#record.attempt, Date.now()));
    try {
      await this.#recordStore.save();
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#connectAttempt !== turn) return;
    let socket: WebSocket;
    try {
      const cursor = this.#delivery.resumeAt;
      this.#requestedSince = this.#since === undefined ? cursor : undefined;
      const from = cursor === undefined ? this.#record : { ...this.#record, cursor };
      const url = addressOf(this.#settings, from, this.#since);
      socket = new WebSocket(url.href, protocolsOf(key));
    } catch (error) {
      return this.#ended(CLOSE.ABNORMAL, `no connection can be made: ${String(error)}`);
    }
    this.#socket = socket;
    const hears = (work: () => void) => (): void => {
      if (this.#socket === socket) work();
    };
    socket.addEventListener(
      "open",
      hears(() => this.#dispatch({ type: "opened" })),
    );
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket && typeof data === "string") this.#receive(data);
    });
    // What an error means, the close event behind it tells.
    socket.addEventListener("error", () => {});
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason);
    });
  }

  #ended(code: number, reason: string): void {
    if (code === CLOSE.TOO_FAST) this.#sendQueue.rateLimiter.empty(this.#clock.now());
    this.#sendQueue.linkEnded(code, this.#clock.now());
    const { hasFreshKeys: freshKey } = this.#settings;
    this.#dispatch({ type: "ended", code, reason, spread: this.#spread, freshKey });
  }

  /** Lets go of the socket, and of what was asked on it. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#connectAttempt++;
    this.#mark = undefined;
    this.#frames = [];
    this.#sendQueue.linkEnded(CLOSE.STALE, this.#clock.now());
    for (const waiter of this.#requests.values()) {
      waiter.reject(new ConnectionLostError("the link broke before the answer came: ask again"));
    }
    this.#requests.clear();
    try {
      socket?.close(this.#link.type === "closed" ? CLOSE.NORMAL : CLOSE.STALE);
    } catch {
      // It never opened, or is gone.
    }
  }

  #receive(text: string): void {
    if (text === "pong") return this.#dispatch({ type: "pong" });
    this.#frames.push(text);
    this.#work();
  }

  /** Starts a round, after all that the application does in this turn. */
  #work(): void {
    this.#hasMore = true;
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#round = Promise.resolve()
      .then(() => this.#rounds())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#isWorking = false;
        this.#scheduleTimer();
        if (this.#hasMore && this.#link.type !== "closed") this.#work();
      });
  }

  async #rounds(): Promise<void> {
    while (this.#hasMore) {
      this.#hasMore = false;
      for (const entry of this.#delivery.waiting()) {
        if (!this.#emitter.emit("entry", entry)) this.#delivery.failed(entry.seq);
      }
      for (const text of this.#frames.splice(0)) this.#read(text);
      const socket = this.#socket;
      const batch = this.#nextBatch();
      if (this.#record && batch.length > 0) this.#record = markSent(this.#record, batch);
      await this.#recordStore.save();
      if (socket !== undefined && this.#socket === socket) this.#sendBatch(batch);
      if (this.#nextBatch().length > 0) this.#hasMore = true;
      if (this.#delivery.isDry) this.#reconnectForBacklog();
    }
  }

  #nextBatch(): readonly QueuedMessage[] {
    if (this.#link.type !== "live" || this.#record === undefined) return [];
    for (const { queued, code, why } of this.#sendQueue.oversized(this.#record)) {
      this.#apply(withdraw(this.#record, queued, code, why));
    }
    return this.#sendQueue.next(this.#record, this.#clock.now());
  }

  /** One array frame for all that a round brings: the ack, the sends, the questions. */
  #sendBatch(batch: readonly QueuedMessage[]): void {
    const now = this.#clock.now();
    const awaited = this.#sendQueue.sentIds.size > 0;
    const { received } = this.#delivery;
    const mark = this.#mark;
    const isDue = received > this.#acked || mark?.isShown === false;
    const acks = isDue ? [{ type: "ack", seq: received, ...(mark && { k: mark.k }) }] : [];
    this.#acked = Math.max(this.#acked, received);
    if (mark !== undefined) this.#mark = { ...mark, isShown: true };
    for (const frame of this.#sendQueue.frames(acks, batch, this.#link.type === "live", now)) {
      this.#transmit(frame);
    }
    if (batch.length > 0 && !awaited) this.#dispatch({ type: "sent" });
  }

  #transmit(frame: string): void {
    if (this.#socket?.readyState === 1) this.#socket.send(frame);
  }

  #read(text: string): void {
    let items: readonly ServerFrame[];
    try {
      const value = JSON.parse(text) as ServerFrame | ServerFrame[];
      items = Array.isArray(value) ? value : [value];
    } catch {
      const why = "this is not a chat room: it does not speak chat.v1";
      return this.#dispatch({ type: "close", code: CLOSE.BAD_REQUEST, why });
    }
    // What is no frame at all is a newer room's business, as an unknown type is.
    try {
      for (const item of items) {
        if (typeof item?.type !== "string") continue;
        if (!isSound(item)) throw new TypeError(item.type);
        this.#handleFrame(item);
      }
    } catch {
      const why = "this room speaks another chat.v1 than this client: update the one or the other";
      this.#dispatch({ type: "close", code: CLOSE.BAD_REQUEST, why });
    }
  }

  #handleFrame(frame: ServerFrame): void {
    if (this.#record === undefined) return;
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "message": {
        this.#dispatch({ type: "heard" });
        // It comes again for a consumer that had no place for it.
        if (!this.#delivery.isFresh(frame.seq)) return this.#delivery.entry(frame);
        return this.#apply(onMessage(this.#record, frame, this.name));
      }
      case "gap":
        this.#dispatch({ type: "heard" });
        return this.#gap(frame);
      case "ready":
        this.#replies.isKnown = true;
        this.#apply(onReady(this.#record, frame.seq, this.#sendQueue.sentIds));
        this.#delivery.reach(frame.seq);
        return this.#dispatch({ type: "ready" });
      case "mark":
        this.#mark = { k: frame.k, isShown: false };
        return;
      case "presence": {
        const { joined = [], left = [], online, missed } = frame;
        for (const name of joined) this.#peers.add(name);
        for (const name of left) this.#peers.delete(name);
        this.#online = online;
        return void this.#emitter.emit("presence", {
          joined,
          left,
          online,
          ...(missed && { missed }),
        });
      }
      case "signal":
        return void this.#emitter.emit("signal", {
          from: frame.from,
          ...(frame.to && { to: frame.to }),
          data: frame.data,
        });
      case "redacted":
        return void this.#emitter.emit("redacted", { seq: frame.seq });
      case "history":
      case "who": {
        this.#requests.get(frame.id)?.resolve(frame);
        this.#requests.delete(frame.id);
        return;
      }
      case "error":
        this.#dispatch({ type: "heard" });
        return this.#refused(frame);
      default:
        // A newer room says more than this client knows.
        frame satisfies never;
    }
  }

  #welcome(frame: Extract<ServerFrame, { type: "welcome" }>): void {
    if (this.#record === undefined) return;
    const { limits, peers, online, since, head } = frame;
    this.#since = undefined;
    if (this.#record.epoch !== undefined && this.#record.epoch !== frame.epoch) {
      const why =
        "the room was restored or made anew: what was processed before belongs to another history";
      this.#emitter.emit("error", new RestoredError(why));
    }
    if (this.#record.epoch === frame.epoch && this.#requestedSince === since)
      this.#delivery.resume(since);
    else {
      if (this.#record.epoch !== frame.epoch) this.#replies.restart();
      this.#record = onWelcome(this.#record, frame);
      this.#delivery.restart(since);
    }
    this.#acked = since;
    this.#spread = limits.spread;
    this.#online = online;
    this.#peers.clear();
    for (const name of peers) this.#peers.add(name);
    this.#sendQueue.setLimits(limits, this.#clock.now());
    this.#dispatch({ type: "welcomed", since, head });
    this.#emitter.emit("presence", { joined: peers, left: [], online });
  }

  #refused(frame: Extract<ServerFrame, { type: "error" }>): void {
    const { id = "", code, message } = frame;
    const asker = this.#requests.get(id);
    if (asker !== undefined) {
      this.#requests.delete(id);
      return asker.reject(new RefusedError(code, message));
    }
    const outcome = this.#record && onError(this.#record, frame);
    if (outcome === undefined) return;
    if (outcome.effects.length > 0) return this.#apply(outcome);
    this.#emitter.emit("error", new RefusedError(code, message));
  }

  #apply({ record, effects }: Outcome): void {
    this.#record = record;
    for (const effect of effects) this.#applyEffect(effect);
  }

  #applyEffect(effect: Effect): void {
    switch (effect.type) {
      case "entry":
        return this.#deliver(effect.entry);
      case "confirmed": {
        const { queued, entry } = effect;
        this.#sendQueue.decided(queued);
        this.#settle(queued)?.resolve(entry);
        return;
      }
      case "refused": {
        const { queued, code, message } = effect;
        const error = new RefusedError(code, message);
        this.#sendQueue.decided(queued);
        this.#replies.failed(queued.id, error);
        this.#settle(queued)?.reject(error);
        return void this.#emitter.emit("refused", { ...shown(queued), error });
      }
      case "gap":
        // Told by `#gap`, which knows what the consumers lack.
        return;
      case "unknown": {
        const { queued } = effect;
        this.#sendQueue.decided(queued);
        const error = new FateUnknownError(UNKNOWN);
        this.#replies.failed(queued.id, error);
        this.#settle(queued)?.reject(error);
        return void this.#emitter.emit("unknown", shown(queued));
      }
      default:
        return effect satisfies never;
    }
  }

  /** Shows an entry to its consumers. */
  #deliver(entry: Entry): void {
    this.#replies.shown(entry, this.#record?.epoch ?? "");
    if (entry.from === this.name) this.#replies.found(entry);
    this.#delivery.entry(entry, this.#emitter.emit("entry", entry));
  }

  #gap({ from, to }: Extract<ServerFrame, { type: "gap" }>): void {
    const missing = this.#delivery.missing(from, to);
    if (this.#record !== undefined) this.#apply(onGap(this.#record, { from, to }));
    this.#replies.gap(to);
    this.#delivery.reach(to);
    if (missing !== undefined) this.#emitter.emit("gap", { from: missing, to });
  }

  /** A consumer has finished with something, or waits for what has to be sent again. */
  #scheduleSave(): void {
    if (this.#saveTimer !== undefined || this.#isReleased) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      this.#replies.done(this.#delivery.done ?? 0);
      this.#work();
    }, SAVE_DONE_MS);
  }

  /** Connects again from where a consumer has room again for what did not fit. */
  #reconnectForBacklog(): void {
    if (this.#link.type !== "replaying" && this.#link.type !== "live") return;
    const moment = { now: this.#clock.now(), random: Math.random() };
    const away = step(this.#link, { type: "pause" }, moment);
    const back = step(away.link, { type: "resume" }, moment);
    this.#transition({ link: back.link, actions: [...away.actions, ...back.actions] });
  }

  #settle({ id }: QueuedMessage): Waiter<Entry> | undefined {
    const waiter = this.#pendingSends.get(id);
    this.#pendingSends.delete(id);
    return waiter;
  }

  #request(question: { readonly type: "history" | "who" }): Promise<ServerFrame> {
    if (this.#link.type === "closed") return rejected(this.#closedError());
    const id = randomToken(96);
    const text = JSON.stringify({ ...question, id });
    if (!this.#sendQueue.fits(text)) {
      return rejected(new RefusedError("too-large", "the question is larger than a frame"));
    }
    this.#sendQueue.requests.push(text);
    this.#work();
    return new Promise((resolve, reject) => this.#requests.set(id, { resolve, reject }));
  }

  #closedError(): ClosedError {
    const { code, why } =
      this.#link.type === "closed"
        ? this.#link
        : { code: CLOSE.NORMAL, why: "closed by this client" };
    return new ClosedError(code, why);
  }

  /** The storage failed: without it nothing can be promised. */
  #fail(error: unknown): void {
    const failure = storageError(error);
    this.#failure = failure;
    for (const waiter of this.#pendingSends.values()) waiter.reject(failure);
    this.#pendingSends.clear();
    this.#emitter.emit("error", failure);
    this.#dispatch({ type: "close", code: CLOSE.INTERNAL_ERROR, why: failure.message });
  }

  #end(): void {
    this.#stopListening();
    if (!this.#isClosing) void this.#retire();
    const error = this.#closedError();
    for (const waiters of [this.#pendingSends, this.#requests]) {
      for (const waiter of waiters.values()) waiter.reject(error);
      waiters.clear();
    }
    this.#delivery.end(false, this.#failure);
  }

  /** It ended by itself: whatever waits for the storage need not wait for `close`. */
  async #retire(): Promise<void> {
    await this.#round;
    await this.#recordStore.save().catch(() => {});
    this.#ownership.end();
  }

  /** Sets the one timer to whatever is due next. */
  #scheduleTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    const oldestSentAt = this.#sendQueue.oldestSentAt;
    const waits = oldestSentAt === undefined ? {} : { oldestSentAt };
    const now = this.#clock.now();
    const times = [dueAt(this.#link, waits)];
    // While a round is under way, its end arms again.
    if (this.#link.type === "live" && this.#record !== undefined && !this.#isWorking) {
      times.push(this.#sendQueue.dueAt(this.#record, now));
    }
    const set = times.filter((time) => time !== undefined);
    if (set.length === 0 || this.#record === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#checkClock();
        this.#dispatch({ type: "tick", ...waits });
        this.#work();
      },
      Math.min(LOOK_MS, Math.max(0, Math.min(...set) - now)),
    );
  }

  /** Did the device sleep, or was its clock set? */
  #checkClock(): void {
    const jump = this.#clock.jump();
    if (jump > 0) this.#dispatch({ type: "awake" });
    // What was said of the next try is not true any more.
    if (jump < 0 && this.#link.type === "offline") this.#emitter.emit("state", this.state);
  }
}

/** What of a link's state is told, to find out whether that has changed. */
const shownOf = (link: ConnectionState): string =>
  JSON.stringify(stateOf(link, (moment) => moment));

const shown = ({
  id,
  text,
  to,
}: QueuedMessage): { id: string; text: string; to?: readonly string[] } => ({
  id,
  text,
  ...(to && { to }),
});

const UNKNOWN = "whether this message was stored is no longer known: look at the history";

const storageError = (error: unknown): StorageError =>
  error instanceof StorageError ? error : new StorageError(String(error));

/** Waits for `promise`, but `ms` at most. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, timeout]);
  if (timer !== undefined) clearTimeout(timer);
}

/** A rejection that need not be waited for. */
function rejected(error: ChatError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
