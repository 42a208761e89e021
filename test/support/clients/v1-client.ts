/**
 * A small correct client of `chat.v1`, written from section 2 of the protocol: exactly once, both ways.
 *
 * Invariants:
 * - It shares no code with src/client, so that it checks the room against the protocol and not against the library.
 * - Cursor, epoch and outbox move together, before the ack; an entry at or below the cursor is dropped.
 * - Nothing is sent before the first `ready` of a connection; then unconfirmed messages are sent again, in order, with
 *   the same ids.
 * - Every frame of the room is checked against the published schema.
 */
import { randomBytes } from "node:crypto";
import * as v from "valibot";
import {
  type ClientFrame,
  type Data,
  type ServerFrame,
  serverFrames,
} from "../../../src/protocol/frames.ts";
import { type Address, Client, type Credentials } from "./client.ts";

type FrameOf<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;
export type Entry = FrameOf<"message">;
export type Patch = FrameOf<"patch">;
type Seq = Entry["seq"];

/** A `send` or a `patch`. */
interface OutboxMessage {
  readonly id: string;
  /** Its text; of an erasure, "erase SEQ". */
  readonly text: string;
  readonly frame: string;
  /** It was sent on some connection, so the room may have it. */
  sent: boolean;
}

interface SendOptions {
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  readonly ref?: number;
  readonly data?: Data;
  readonly quiet?: boolean;
}

export class V1Client extends Client {
  readonly #room: Address;
  /** All frames of all connections, in order, without repeated entries. */
  readonly frames: ServerFrame[] = [];
  /** The texts of its own messages and changes, in the order in which each was settled. */
  readonly confirmed: string[] = [];
  readonly refused: string[] = [];
  readonly unknown: string[] = [];

  readonly session: string;
  attempt = 0;
  #cursor = 0 as Seq;
  #acked = 0 as Seq;
  /** The newest mark of this connection, and whether it is still to be returned. */
  #mark: string | undefined;
  #owesMark = false;
  #epoch: string | undefined;
  #ready = false;
  #outbox: OutboxMessage[] = [];
  #sentCount = 0;
  #queryCount = 0;
  /** Where the next `hears` starts. */
  #position = 0;

  constructor(room: Address, name: string, credentials: Credentials) {
    super(name, credentials);
    this.#room = room;
    this.session = randomBytes(12).toString("base64url");
  }

  /** Its own messages that the room has not settled yet. */
  get unconfirmed(): string[] {
    return this.#outbox.map(({ text }) => text);
  }

  /** The entries that it has processed. */
  get entries(): Entry[] {
    return this.all("message");
  }

  /** The same as "alice: hi", for readable lists. */
  get heard(): string[] {
    return this.entries.map(({ from, text }) => `${from}: ${text}`);
  }

  /** Returns all frames of one type, of all connections, in order. */
  all<Type extends ServerFrame["type"]>(type: Type): FrameOf<Type>[] {
    return this.frames.filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  override async returns(): Promise<void> {
    this.attempt = Math.max(this.attempt + 1, Date.now());
    this.#ready = false;
    this.#mark = undefined;
    this.#owesMark = false;
    const query = new URLSearchParams({
      name: this.name,
      session: this.session,
      attempt: String(this.attempt),
      ...(this.#epoch !== undefined && { since: String(this.#cursor), epoch: this.#epoch }),
    });
    this.dial(`${this.#room.url}?${query.toString()}`, ["chat.v1"]);
    await this.accepted(() => this.#ready);
  }

  /** Adds a message to the outbox, and sends it as soon as permitted. */
  says(text: string, options: SendOptions = {}): void {
    this.#queue(text, { type: "send", text, ...options });
  }

  /** Changes an earlier message, as `says` sends one. */
  edits(ref: number, text: string, data?: Data): void {
    this.#queue(text, { type: "patch", ref, text, data });
  }

  erases(ref: number): void {
    this.#queue(`erase ${ref}`, { type: "patch", ref, erase: true });
  }

  #queue(text: string, fields: object): void {
    const id = `${this.session}.${this.#sentCount++}`;
    const frame = JSON.stringify({ ...fields, id });
    const outgoing: OutboxMessage = { id, text, frame, sent: false };
    this.#outbox.push(outgoing);
    if (this.#ready) this.#send(outgoing);
  }

  /** Waits for messages with these texts, in this order, after everything that earlier calls have matched. */
  async hears(...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const at = await this.until(
        () => {
          const index = this.entries.findIndex((entry, place) => {
            return place >= this.#position && entry.text === text;
          });
          return index >= 0 && { index };
        },
        () => `the message ${JSON.stringify(text)}`,
      );
      this.#position = at.index + 1;
    }
  }

  /** Waits until the room has settled every message of this client. */
  async isDone(ms?: number): Promise<void> {
    await this.until(
      () => this.#outbox.length === 0,
      () => `the confirmation of ${JSON.stringify(this.unconfirmed)}`,
      ms,
    );
  }

  /** Waits for the presence update that `name` joined or left. */
  async sees(news: "joined" | "left", name: string, ms?: number): Promise<void> {
    await this.until(
      () => this.all("presence").some((frame) => frame[news]?.some((one) => one === name)),
      () => `the update that ${name} ${news}`,
      ms,
    );
  }

  /** Asks who is online. @returns the names of one page, with "(away)" after those offline */
  async asksWho(): Promise<string[]> {
    const id = `who-${this.#queryCount++}`;
    this.#sendFrame({ type: "who", id });
    const { peers } = await this.until(
      () => this.all("who").find((frame) => frame.id === id),
      () => `the answer ${id}`,
    );
    return peers.map(({ name, online }) => (online ? name : `${name} (away)`));
  }

  /** Reads its whole history, page by page. @returns it, oldest first */
  async recalls(): Promise<Entry[]> {
    const entries: Entry[] = [];
    let before: Seq | undefined;
    do {
      const id = `page-${this.#queryCount++}`;
      this.#sendFrame({ type: "history", id, ...(before !== undefined && { before }) });
      const page = await this.until(
        () => this.all("history").find((frame) => frame.id === id),
        () => `the page ${id}`,
      );
      entries.unshift(...page.messages);
      before = page.next;
    } while (before !== undefined);
    return entries;
  }

  protected override hear(text: string): void {
    const content: unknown = JSON.parse(text);
    const items: unknown[] = Array.isArray(content) ? content : [content];
    for (const item of items) this.#handleFrame(read(item));
    if (this.#cursor > this.#acked || this.#owesMark) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#acked = this.#cursor;
    this.#owesMark = false;
    this.#sendFrame({
      type: "ack",
      seq: this.#cursor,
      ...(this.#mark !== undefined && { k: this.#mark }),
    });
  }

  #handleFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        if (frame.epoch !== this.#epoch || frame.since !== this.#cursor) this.#acked = frame.since;
        this.#epoch = frame.epoch;
        this.#cursor = frame.since;
        break;
      case "message":
      case "patch":
        if (frame.seq <= this.#cursor) return;
        this.#cursor = frame.seq;
        // A patch by the operator has no id: it confirms nothing.
        if (frame.from === this.name && frame.id !== undefined) this.#confirm(frame.id);
        break;
      case "gap":
        if (frame.to <= this.#cursor) return;
        this.#cursor = frame.to;
        for (const { text } of this.#outbox.filter(({ sent }) => sent)) this.unknown.push(text);
        this.#outbox = this.#outbox.filter(({ sent }) => !sent);
        break;
      case "ready":
        if (frame.seq > this.#cursor) this.#cursor = frame.seq;
        if (!this.#ready) this.#resend();
        break;
      case "mark":
        this.#mark = frame.k;
        this.#owesMark = true;
        break;
      case "error": {
        const refused = this.#outbox.find(({ id }) => id === frame.id);
        if (refused !== undefined) this.#settle(refused, this.refused);
        break;
      }
      default:
        break;
    }
    this.frames.push(frame);
  }

  #resend(): void {
    this.#ready = true;
    for (const outgoing of this.#outbox) this.#send(outgoing);
  }

  /** A confirmation settles everything sent before it: earlier messages that are still unconfirmed were rejected. */
  #confirm(id: string): void {
    const confirmed = this.#outbox.find((outgoing) => outgoing.id === id);
    if (confirmed === undefined) throw new Error(`${this.name} was confirmed twice: ${id}`);
    const before = this.#outbox.slice(0, this.#outbox.indexOf(confirmed));
    for (const outgoing of before) if (outgoing.sent) this.#settle(outgoing, this.refused);
    this.#settle(confirmed, this.confirmed);
  }

  #settle(outgoing: OutboxMessage, outcome: string[]): void {
    this.#outbox = this.#outbox.filter((other) => other !== outgoing);
    outcome.push(outgoing.text);
  }

  #send(outgoing: OutboxMessage): void {
    outgoing.sent = true;
    this.transmit(outgoing.frame);
  }

  /** Other frames need no outbox, because they concern this connection only. */
  #sendFrame(frame: Exclude<ClientFrame, { type: "send" | "patch" }>): void {
    this.transmit(JSON.stringify(frame));
  }

  protected override summary(): string {
    return this.frames.map((frame) => JSON.stringify(frame)).join("\n");
  }
}

/** @throws if it is no frame of the protocol, or has an additional field */
function read(item: unknown): ServerFrame {
  const type = v.parse(v.object({ type: v.picklist(Object.keys(serverFrames)) }), item).type;
  const schema = serverFrames[type as ServerFrame["type"]];
  return v.parse(v.strictObject(schema.entries), item) as ServerFrame;
}
