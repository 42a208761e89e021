/**
 * The client: a member of a room, through whatever happens to its connections. This class is the public face; the parts are
 * in connection.ts (one socket after the other), rounds.ts (take, save, send), incoming.ts and outgoing.ts.
 *
 * Invariants:
 * - The cursor that is saved is *done*, never only *heard* (`Delivery`): after a crash, entries that no consumer has
 *   finished with come again rather than never.
 * - A client that ends, by `close` or by itself, releases its storage after the last save.
 */
import { CLOSE } from "../protocol/close-codes.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { utf8Length } from "../protocol/ids.ts";
import { SIGNAL_BYTES } from "../protocol/limits.ts";
import { randomToken } from "../protocol/random-token.ts";
import { Connection } from "./connection.ts";
import { ClientContext, storageError } from "./context.ts";
import {
  type ChatError,
  ClosedError,
  ConnectionLostError,
  OutboxFullError,
  RefusedError,
  type StorageError,
} from "./errors.ts";
import type {
  ClientEvents,
  ClientState,
  Entry,
  HistoryPage,
  OutboxMessage,
  ReplyOptions,
  SendOptions,
  WhoPage,
} from "./events.ts";
import { Incoming } from "./incoming.ts";
import { onNetwork } from "./network-events.ts";
import { type ChatClientOptions, readOptions } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { type Ownership, ownershipOf } from "./ownership.ts";
import { Rounds } from "./rounds.ts";
import type { ClientRecord } from "./storage/storage.ts";

/** How long `close` waits until sent messages are decided. */
const FLUSH_MS = 5_000;
/** How long a client waits for a storage that another client of this process has: that may be closing, or stay for ever. */
const SUCCESSION_MS = 6_000;
/** How long *done* waits for other changes to be saved with it: a fast consumer does not cost a save for each entry. */
const SAVE_DONE_MS = 20;

/** A member of a room, through whatever happens to its connections. */
export class ChatClient implements AsyncIterable<Entry> {
  readonly room: string;
  readonly name: string;
  readonly #context: ClientContext;
  readonly #connection: Connection;
  readonly #incoming: Incoming;
  readonly #rounds: Rounds;
  readonly #outgoing: Outgoing;
  readonly #ownership: Ownership;
  readonly #opened: Promise<void>;
  readonly #stopListening: () => void;
  /** The error with which the storage has failed. */
  #failure: StorageError | undefined;
  #isClosing = false;
  /** The storage may belong to another client now. */
  #isReleased = false;
  /** Saves *done*, if no round does before. */
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Connects at once.
   * @throws BadOptionError if the options cannot work
   */
  constructor(options: ChatClientOptions) {
    const settings = readOptions(options);
    const context = new ClientContext(settings, () => this.#scheduleSave());
    this.#context = context;
    this.room = settings.room;
    this.name = settings.name;
    this.#connection = new Connection(context, {
      onText: (text) => this.#rounds.receive(text),
      onDrop: () => {
        this.#rounds.reset();
        const message = "the link broke before the answer came: ask again";
        context.requests.rejectAll(new ConnectionLostError(message));
      },
      onClosed: () => this.#onClosed(),
      onTransition: () => this.#rounds.scheduleTimer(),
      onStorageError: (error) => this.#fail(error),
    });
    this.#incoming = new Incoming(context, this.#connection);
    this.#rounds = new Rounds(context, this.#connection, this.#incoming, (error) =>
      this.#fail(error),
    );
    this.#outgoing = new Outgoing(
      context,
      () => this.#openRecord(),
      () => this.#rounds.work(),
    );
    this.#ownership = ownershipOf(settings.storage);
    this.#stopListening = onNetwork({
      onAwake: () => this.#connection.dispatch({ type: "awake" }),
      onLost: () => this.#connection.dispatch({ type: "doubted" }),
    });
    // In a microtask, so that the caller can add listeners first.
    this.#opened = Promise.resolve().then(() => this.#open());
  }

  /** The state of the connection. */
  get state(): ClientState {
    return this.#connection.publicState;
  }

  /** How many peers are in the room, by its last frame; a hint. */
  get online(): number {
    return this.#incoming.online;
  }

  /** UTF-8 bytes that the text of one message may have, by the room's last `welcome`; 8,192 before the first. */
  get textLimit(): number {
    return this.#context.sendQueue.textLimit;
  }

  /** Names known to be online, as far as the room lists them. */
  get peers(): readonly string[] {
    return [...this.#incoming.peers];
  }

  /** How many messages were accepted and are not decided; messages of unknown fate are not counted. */
  get waiting(): number {
    return this.#context.record?.outbox.filter(({ unknown }) => !unknown).length ?? 0;
  }

  /** The messages that were accepted and are not decided, in the order of `send`; including those of an earlier life. */
  get outbox(): readonly OutboxMessage[] {
    return this.#context.outbox;
  }

  /**
   * Drops the connection, as if it had broken, and stays away until `resume`. Messages that are sent meanwhile wait in the
   * outbox; messages to this client wait in the room.
   */
  pause(): void {
    this.#connection.dispatch({ type: "pause" });
  }

  /** Connects now: after `pause`, or instead of waiting for the next try. */
  resume(): void {
    this.#connection.dispatch({ type: "resume" });
  }

  /**
   * Sends a message, now or as soon as the room can be reached. It is kept in the storage at once, or as soon as this
   * client owns that. A message above the limits of the room is refused at once, as soon as a room has sent them.
   * @returns the entry, once it is stored and has its place, whatever happened in between
   * @throws RefusedError, FateUnknownError, OutboxFullError, ClosedError, StorageError; by rejecting
   * @example
   * const { seq } = await chat.send("hi", { to: ["bob"] });
   */
  send(text: string, { to }: SendOptions = {}): Promise<Entry> {
    if (this.#connection.state.type === "closed") return rejected(this.#closedError());
    const sent = this.#outgoing.send(text, to);
    return sent instanceof Promise ? sent : rejected(sent);
  }

  /**
   * Replies to an entry, exactly once through any crash of this program. An entry is delivered again to the next life until
   * it is done; the same reply is then found in the room, or in the storage, and not sent again. The number of replies to
   * this entry that were accepted before identifies a reply, so call in the same order in each life.
   * @param entry the entry to reply to, delivered by this client
   * @param options `to`: default the sender of the entry; `"everyone"`: everyone that the room knows
   * @returns the reply as it is stored; if an earlier life sent it, with the text of that life
   * @throws what `send` throws; FateUnknownError, too, if the log was trimmed so far that an earlier life may have
   *   replied; by rejecting
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
    const reply = this.#outgoing.reply(entry, text, to === "everyone" ? undefined : to);
    // As with `send`.
    reply.catch(() => {});
    return reply;
  }

  /**
   * Carries an entry of another room into this one, exactly once through any crash of this program: the carried entries are
   * saved in one step with the outbox. Await it before the loop asks for the next entry. The number of messages that were
   * carried for this entry before identifies one, so call in the same order in each life.
   * @param entry an entry of `options.from`
   * @param options `from`: the client that delivered the entry; `to`: as in `send`
   * @returns the message as it is stored here; undefined if an earlier life carried it, and it was decided then
   * @throws what `send` throws, by rejecting
   * @example
   * for await (const entry of lobby) {
   *   if (entry.from !== lobby.name) await attic.carry(entry, entry.text, { from: lobby });
   * }
   */
  carry(
    entry: Pick<Entry, "seq">,
    text: string,
    { from, to }: SendOptions & { readonly from: ChatClient },
  ): Promise<Entry | undefined> {
    const carried = this.#outgoing.carry(entry, text, from.#outgoing, to);
    // As with `send`.
    carried.catch(() => {});
    return carried;
  }

  /**
   * Sends an ephemeral to peers that are online now: not stored, not repeated, dropped while the connection is not live.
   * @param data anything that JSON can hold, at most 1,024 bytes of it
   * @throws RefusedError if it is not, or larger
   */
  signal(data: unknown, { to }: SendOptions = {}): void {
    let text: string;
    try {
      text = JSON.stringify({ type: "signal", data, to });
      if (utf8Length(JSON.stringify(data)) > SIGNAL_BYTES) throw new RangeError("too large");
    } catch (error) {
      const message = `data: not JSON of at most 1,024 bytes (${String(error)})`;
      throw new RefusedError("too-large", message);
    }
    const { sendQueue } = this.#context;
    if (this.#connection.state.type !== "live" || !sendQueue.fits(text)) return;
    sendQueue.ephemerals.push(text);
    this.#rounds.work();
  }

  /**
   * Returns a page of earlier messages.
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
   * Returns a page of the names that the room knows, online or away.
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
   * Calls `listener` at each event of this type. An entry is done when its listener has returned; if it throws, the entry
   * is delivered again to the next life. An `async` listener is not awaited: the entry is done at its first `await`, and a
   * crash may lose the rest of its work. Use `for await` there.
   * @returns a function that removes the listener
   * @example
   * chat.on("entry", ({ from, text }) => console.log(`${from}: ${text}`));
   */
  on<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents[Type]) => void,
  ): () => void {
    const off = this.#context.emitter.on(type, listener);
    // Entries that came before the first listener wait for it.
    if (type === "entry") this.#rounds.work();
    return off;
  }

  /**
   * Iterates over entries as they come, until the client is closed: it ends at once by `close`, and after the entries that
   * have come if the room closed it. If the storage failed, the loop throws that `StorageError`, so that a program that
   * only reads does not end in silence. The first loop gets the entries that came before it (for a minute; after that they
   * count as done), and a loop after the last one goes on where that ended; a further loop beside others begins with the
   * next entry.
   *
   * An entry is done when its loop asks for the next one, or is left by `break`. Until then, the storage keeps the position
   * before it: whatever kills the program, the entry is delivered again to the next life, so the work of a body happens at
   * least once (and `reply` exactly once). An error that leaves the loop and ends the process leaves the entry for the next
   * life; if the program catches it and goes on, the entry counts as done. With several loops the slowest counts; a loop
   * that stays in one body for more than a minute is reported as `ConsumerStalledError`. Up to 10,000 entries and 8 MiB
   * wait for a loop; entries beyond that are fetched again from the room.
   * @example
   * for await (const { from, text } of chat) await save(from, text);
   */
  [Symbol.asyncIterator](): AsyncIterator<Entry> {
    const iterator = this.#context.delivery.iterate();
    if (this.#connection.state.type === "closed") iterator.end(true, this.#failure);
    return iterator;
  }

  /**
   * Leaves the room. If the connection is live, it waits until sent messages are decided, 5 s at most; the rest stays in
   * the storage, and with it the position up to which every entry is done. Call it after the loop: in the body of a
   * `for await` the entry is not done yet, and is delivered again to the next life. In Node.js a server that never answers
   * keeps the process alive: end it with `process.exit` if that matters.
   * @example
   * for await (const { text } of chat) if (text === "stop") break;
   * await chat.close();
   */
  async close(): Promise<void> {
    const { clock, emitter, delivery } = this.#context;
    const deadline = clock.now() + FLUSH_MS;
    this.#isClosing = true;
    // Another owner may hold the storage for longer than that.
    if (this.#context.record === undefined) await within(FLUSH_MS, this.#opened);
    const isFlushing = (): boolean => this.#connection.state.type === "live" && this.waiting > 0;
    while (isFlushing() && clock.now() < deadline) await emitter.next(deadline - clock.now());
    // Processed entries are acknowledged, and accepted messages saved, before the storage is released.
    await this.#rounds.current;
    delivery.end(true);
    const why = "closed by this client";
    this.#connection.dispatch({ type: "close", code: CLOSE.NORMAL, why });
    if (this.#context.record !== undefined) await this.#release();
  }

  #request(request: { readonly type: "history" | "who" }): Promise<ServerFrame> {
    if (this.#connection.state.type === "closed") return rejected(this.#closedError());
    const { sendQueue, requests } = this.#context;
    const id = randomToken(96);
    const text = JSON.stringify({ ...request, id });
    if (!sendQueue.fits(text)) {
      return rejected(new RefusedError("too-large", "the question is larger than a frame"));
    }
    sendQueue.requests.push(text);
    this.#rounds.work();
    return requests.add(id);
  }

  /** Opens the storage, and begins to connect. */
  async #open(): Promise<void> {
    const context = this.#context;
    const { store, emitter, sendQueue, delivery, replies, settings, sends } = context;
    const { begins } = this.#ownership;
    if (begins !== undefined) await within(SUCCESSION_MS, begins);
    try {
      const movedAside = await store.open();
      if (movedAside !== undefined) emitter.emit("error", movedAside);
    } catch (error) {
      this.#ownership.end();
      return this.#fail(error);
    }
    if (context.record === undefined) return;
    const unopened = sendQueue.unopened.splice(0);
    const place = Math.max(0, settings.outboxLimit - context.record.outbox.length);
    const outbox = [...context.record.outbox, ...unopened.slice(0, place)];
    delivery.begin(context.record.cursor);
    replies.inherit(context.record.outbox);
    context.record = { ...context.record, outbox };
    for (const { id } of unopened.slice(place)) {
      sends.reject(id, new OutboxFullError("messages of an earlier life wait already"));
    }
    const { type } = this.#connection.state;
    if (type === "closed") await this.#release();
    else if (type !== "paused") this.#connection.begin();
  }

  /** Returns the record, once the storage was opened. @throws ClosedError, by rejecting */
  async #openRecord(): Promise<ClientRecord> {
    // Before the storage was opened, the room's history is unknown.
    if (this.#context.record === undefined) await this.#opened;
    const { record } = this.#context;
    if (this.#connection.state.type === "closed" || record === undefined) throw this.#closedError();
    return record;
  }

  async #release(): Promise<void> {
    if (this.#saveTimer !== undefined) clearTimeout(this.#saveTimer);
    this.#isReleased = true;
    try {
      await this.#context.store.close();
    } catch (error) {
      this.#context.emitter.emit("error", storageError(error));
    }
    this.#ownership.end();
  }

  /** Schedules a save: *done* may have moved, or a consumer waits for entries that have to be sent again. */
  #scheduleSave(): void {
    if (this.#saveTimer !== undefined || this.#isReleased) return;
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined;
      this.#context.replies.done(this.#context.delivery.done ?? 0);
      this.#rounds.work();
    }, SAVE_DONE_MS);
  }

  #closedError(): ClosedError {
    const { state } = this.#connection;
    return state.type === "closed"
      ? new ClosedError(state.code, state.why)
      : new ClosedError(CLOSE.NORMAL, "closed by this client");
  }

  /** The storage failed: without it the client can promise nothing. */
  #fail(error: unknown): void {
    const failure = storageError(error);
    this.#failure = failure;
    this.#context.sends.rejectAll(failure);
    this.#context.emitter.emit("error", failure);
    const { message: why } = failure;
    this.#connection.dispatch({ type: "close", code: CLOSE.INTERNAL_ERROR, why });
  }

  #onClosed(): void {
    this.#stopListening();
    if (!this.#isClosing) void this.#retire();
    const error = this.#closedError();
    this.#context.sends.rejectAll(error);
    this.#context.requests.rejectAll(error);
    this.#context.delivery.end(false, this.#failure);
  }

  /** Releases the storage of a client that ended by itself: its successor need not wait for `close`. */
  async #retire(): Promise<void> {
    await this.#rounds.current;
    await this.#context.store.save().catch(() => {});
    this.#ownership.end();
  }
}

/** Waits for `promise`, but `ms` at most. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, timeout]);
  if (timer !== undefined) clearTimeout(timer);
}

/** Returns a rejection that need not be handled. */
function rejected(error: ChatError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
