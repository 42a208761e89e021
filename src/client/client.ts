/**
 * The public face of the client. Its parts are in connection.ts (one socket after the other), rounds.ts (take, save, send),
 * incoming.ts, outgoing.ts and lifetime.ts.
 *
 * Invariant: the cursor that is saved is *done*, never only *heard* (`Delivery`): after a crash, entries that no consumer
 * has finished with come again rather than never.
 */
import type { Data, ServerFrame } from "../protocol/frames.ts";
import { utf8Length } from "../protocol/ids.ts";
import { MARK_UNITS, SIGNAL_BYTES } from "../protocol/limits.ts";
import { randomToken } from "../protocol/random-token.ts";
import { Connection } from "./connection.ts";
import type { Content } from "./content.ts";
import { ClientContext } from "./context.ts";
import { type ChatError, ConnectionLostError, RefusedError } from "./errors.ts";
import type {
  ClientEvents,
  ClientState,
  Entry,
  HistoryPage,
  OutboxItem,
  Patch,
  ReplyOptions,
  SendOptions,
  WhoPage,
} from "./events.ts";
import { Incoming } from "./incoming.ts";
import { Lifetime } from "./lifetime.ts";
import { type ChatClientOptions, readOptions } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { Rounds } from "./rounds.ts";

/**
 * A member of a room, through whatever happens to its connections.
 * @template D the form of `data` that your application sends; what others send may be anything
 */
export class ChatClient<D extends Data = Data> implements AsyncIterable<Entry<D>> {
  readonly room: string;
  readonly name: string;
  readonly #context: ClientContext;
  readonly #connection: Connection;
  readonly #incoming: Incoming;
  readonly #rounds: Rounds;
  readonly #outgoing: Outgoing;
  readonly #lifetime: Lifetime;

  /**
   * Connects at once.
   * @throws BadOptionError if the options cannot work
   */
  constructor(options: ChatClientOptions) {
    const settings = readOptions(options);
    const context = new ClientContext(settings, () => this.#lifetime.scheduleSave());
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
      onClosed: () => this.#lifetime.onClosed(),
      onTransition: () => this.#rounds.scheduleTimer(),
      onStorageError: (error) => this.#lifetime.fail(error),
    });
    this.#incoming = new Incoming(context, this.#connection);
    this.#rounds = new Rounds(context, this.#connection, this.#incoming, (error) =>
      this.#lifetime.fail(error),
    );
    this.#lifetime = new Lifetime(context, this.#connection, this.#rounds);
    this.#outgoing = new Outgoing(context, this.#lifetime, () => this.#rounds.work());
    this.#lifetime.begin();
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

  /** UTF-8 bytes that the data of one message may have as JSON; 0: none. By the last `welcome`; 4,096 before the first. */
  get dataLimit(): number {
    return this.#context.sendQueue.dataLimit;
  }

  /** Hours within which own messages may be edited; 0: never. By the last `welcome`; 24 before the first. */
  get patchHours(): number {
    return this.#context.sendQueue.patchHours;
  }

  /** Names known to be online, as far as the room lists them. */
  get peers(): readonly string[] {
    return [...this.#incoming.peers];
  }

  /** How many messages were accepted and are not decided; messages of unknown fate are not counted. */
  get waiting(): number {
    return this.#lifetime.waiting;
  }

  /**
   * The messages and changes that were accepted and are not decided, in the order of the calls; including those of an
   * earlier life.
   */
  get outbox(): readonly OutboxItem<D>[] {
    return this.#context.outbox as readonly OutboxItem<D>[];
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
   * await chat.send("Which day?", { ref: seq, data: { poll: ["Mon", "Tue"] } });
   */
  send(text: string, { to, ref, data, quiet }: SendOptions<D> = {}): Promise<Entry<D>> {
    // What a caller in JavaScript gives is checked with the rest.
    return this.#send({ text, to, ref, data, quiet: quiet || undefined } as Content);
  }

  /**
   * Changes an own message, everywhere: for those who are here, and for those who come back. Only its author may, within
   * `PATCH_HOURS` (24) and 32 times. It waits in the outbox as a message does, so it can be made while cut off.
   * @param seq the message; `text` its new text, undefined to leave it; `data` its new data, if given
   * @returns the patch, once it is stored
   * @throws what `send` throws; RefusedError with the code `unknown-ref` if the message is not kept, `forbidden` if it may
   *   not be changed; by rejecting
   * @example
   * const { seq } = await chat.send("Lunch?");
   * await chat.edit(seq, "Lunch at 12?");
   */
  edit(seq: number, text: string | undefined, data?: D): Promise<Patch<D>> {
    return this.#send({ type: "patch", ref: seq, text, data } as Content);
  }

  /**
   * Erases text and data of an own message, everywhere, at any time. What somebody has read or copied stays read.
   * @returns the patch, once it is stored
   * @throws what `edit` throws; by rejecting
   */
  erase(seq: number): Promise<Patch<D>> {
    return this.#send({ type: "patch", ref: seq, erase: true });
  }

  /**
   * Reacts to a message, or takes that back: a quiet message with `data` `{ mark }` or `{ mark, on: false }`
   * (docs/conventions.md), to those who can read the message.
   * @param message the message, or its seq if this client has delivered it in this life
   * @param mark 1 to 64 UTF-16 units, an emoji as a rule
   * @returns the reaction, once it is stored
   * @throws what `send` throws; by rejecting
   */
  react(
    message: number | Pick<Entry, "seq" | "from" | "to">,
    mark: string,
    on = true,
  ): Promise<Entry<D>> {
    const { circles } = this.#context;
    if (typeof mark !== "string" || mark === "" || mark.length > MARK_UNITS) {
      const message = `mark: expected 1 to ${MARK_UNITS} characters`;
      return rejected(new RefusedError("bad-frame", message));
    }
    if (typeof message !== "number") circles.note(message);
    const ref = typeof message === "number" ? message : message.seq;
    if (!circles.has(ref)) {
      const why = `ref: this client does not know to whom ${ref} went: give the message instead of its seq`;
      return rejected(new RefusedError("unknown-ref", why));
    }
    const data = on ? { mark } : { mark, on: false };
    return this.#send({ text: "", to: circles.of(ref), ref, quiet: true, data } as Content);
  }

  #send<Stored extends Entry | Patch>(content: Content): Promise<Stored> {
    if (this.#connection.state.type === "closed") return rejected(this.#lifetime.closedError());
    const sent = this.#outgoing.send(content);
    return sent instanceof Promise ? (sent as Promise<Stored>) : rejected(sent);
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
  ): Promise<Entry<D>> {
    const reply = this.#outgoing.reply(entry, text, to === "everyone" ? undefined : to);
    // As with `send`.
    reply.catch(() => {});
    return reply as Promise<Entry<D>>;
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
    options: CarryOptions<D>,
  ): Promise<Entry<D> | undefined> {
    const carried = this.#carry(entry, text, options);
    // As with `send`.
    carried.catch(() => {});
    return carried as Promise<Entry<D> | undefined>;
  }

  /** Wrong options reject as everything else does, because this function is async. */
  async #carry(
    entry: Pick<Entry, "seq">,
    text: string,
    { from, to, data, quiet }: CarryOptions<D>,
  ): Promise<Entry | undefined> {
    const content = { text, to, data, quiet: quiet || undefined } as Content;
    return this.#outgoing.carry(entry, content, from.#outgoing);
  }

  /**
   * Sends an ephemeral to peers that are online now: not stored, not repeated, dropped while the connection is not live.
   * @param data anything that JSON can hold, at most 1,024 bytes of it
   * @throws RefusedError if it is not, or larger
   */
  signal(data: unknown, { to }: Pick<SendOptions, "to"> = {}): void {
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
  ): Promise<HistoryPage<D>> {
    const frame = await this.#request({ type: "history", ...options });
    if (frame.type !== "history") throw new ConnectionLostError("the room gave another answer");
    const { messages, next } = frame;
    for (const message of messages) this.#context.circles.note(message);
    return {
      messages: messages as readonly Entry[] as readonly Entry<D>[],
      ...(next !== undefined && { next }),
    };
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
   * crash may lose the rest of its work. Use `for await` there. Add the listener for `patch` in the step that makes the
   * client: without one, patches count as done as they come, and only the newest 10,000 wait for it.
   * @returns a function that removes the listener
   * @example
   * chat.on("entry", ({ from, text }) => console.log(`${from}: ${text}`));
   */
  on<Type extends keyof ClientEvents>(
    type: Type,
    listener: (event: ClientEvents<D>[Type]) => void,
  ): () => void {
    const off = this.#context.emitter.on(type, listener as (event: ClientEvents[Type]) => void);
    // What came before the first listener waits for it.
    if (type === "entry") this.#rounds.work();
    if (type === "patch") this.#incoming.emitEarlyPatches();
    return off;
  }

  /**
   * Iterates over messages as they come, until the client is closed; changes of earlier ones come as the event `patch`. It
   * ends at once by `close`, and after the entries that
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
  [Symbol.asyncIterator](): AsyncIterator<Entry<D>> {
    const iterator = this.#context.delivery.iterate();
    if (this.#connection.state.type === "closed") iterator.end(true, this.#lifetime.failure);
    return iterator as AsyncIterator<Entry<D>>;
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
  close(): Promise<void> {
    return this.#lifetime.close();
  }

  #request(request: { readonly type: "history" | "who" }): Promise<ServerFrame> {
    if (this.#connection.state.type === "closed") return rejected(this.#lifetime.closedError());
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
}

/** `from`: the client that delivered the entry. A `ref` would mean an entry of this room. */
type CarryOptions<D extends Data> = Omit<SendOptions<D>, "ref"> & { readonly from: ChatClient };

/** Returns a rejection that need not be handled. */
function rejected(error: ChatError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
