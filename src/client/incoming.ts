/**
 * Frames from the room: each changes the record by the pure functions of session.ts, and reaches the application.
 *
 * Invariant: a frame of a newer room with an unknown type or field is ignored, never an error.
 */
import { CLOSE } from "../protocol/close-codes.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import type { Connection } from "./connection.ts";
import { type ClientContext, publicPart, UNKNOWN } from "./context.ts";
import { FateUnknownError, RefusedError, RestoredError } from "./errors.ts";
import type { Entry, Patch } from "./events.ts";
import {
  type Effect,
  isSound,
  onError,
  onGap,
  onEntry,
  onReady,
  onWelcome,
  type Outcome,
} from "./session.ts";

type Frame<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;

/** Patches that wait for the first listener, the newest ones. */
const EARLY_PATCHES = 10_000;

export class Incoming {
  readonly #context: ClientContext;
  readonly #connection: Connection;
  /** The position that was acknowledged last on this connection. */
  #acked = 0;
  /** The newest mark that was read on this connection, and whether an ack has shown it. */
  #mark: { readonly k: string; readonly isShown: boolean } | undefined;
  readonly #earlyPatches: Patch[] = [];
  /** How many peers are online, by the room's last frame. */
  online = 0;
  /** Names known to be online. */
  readonly peers = new Set<string>();

  constructor(context: ClientContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
  }

  /** The connection was given up: its mark is void. */
  reset(): void {
    this.#mark = undefined;
  }

  /** Returns the ack that is due on this connection, if one is, and counts it as sent. */
  takeAck(): { readonly type: "ack"; readonly seq: number; readonly k?: string } | undefined {
    const { received } = this.#context.delivery;
    const mark = this.#mark;
    const isDue = received > this.#acked || mark?.isShown === false;
    this.#acked = Math.max(this.#acked, received);
    if (mark !== undefined) this.#mark = { ...mark, isShown: true };
    return isDue ? { type: "ack", seq: received, ...(mark && { k: mark.k }) } : undefined;
  }

  /** Reads one text of the socket: a frame, or an array of frames. */
  read(text: string): void {
    let items: readonly ServerFrame[];
    try {
      const value = JSON.parse(text) as ServerFrame | ServerFrame[];
      items = Array.isArray(value) ? value : [value];
    } catch {
      return this.#close("this is not a chat room: it does not speak chat.v1");
    }
    try {
      for (const item of items) {
        // An item without a type is a newer room's, like an unknown type.
        if (typeof item?.type !== "string") continue;
        if (!isSound(item)) throw new TypeError(item.type);
        this.#handle(item);
      }
    } catch {
      this.#close("this room speaks another chat.v1 than this client: update the one or the other");
    }
  }

  apply({ record, effects }: Outcome): void {
    this.#context.record = record;
    for (const effect of effects) this.#applyEffect(effect);
  }

  #close(why: string): void {
    this.#connection.dispatch({ type: "close", code: CLOSE.BAD_REQUEST, why });
  }

  #handle(frame: ServerFrame): void {
    const { record, delivery, replies, emitter, requests, sendQueue, settings } = this.#context;
    const connection = this.#connection;
    if (record === undefined) return;
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "message":
      case "patch": {
        connection.dispatch({ type: "heard" });
        if (delivery.isFresh(frame.seq)) return this.apply(onEntry(record, frame, settings.name));
        // It comes again for a consumer whose backlog was full.
        return frame.type === "patch" ? delivery.reach(frame.seq) : delivery.entry(frame);
      }
      case "gap":
        connection.dispatch({ type: "heard" });
        return this.#gap(frame);
      case "ready":
        replies.isKnown = true;
        this.apply(onReady(record, frame.seq, sendQueue.sentIds));
        delivery.reach(frame.seq);
        return connection.dispatch({ type: "ready" });
      case "mark":
        this.#mark = { k: frame.k, isShown: false };
        return;
      case "presence":
        return this.#presence(frame);
      case "signal": {
        const { from, to, data } = frame;
        return void emitter.emit("signal", { from, ...(to && { to }), data });
      }
      case "history":
      case "who":
        return requests.resolve(frame.id, frame);
      case "error":
        connection.dispatch({ type: "heard" });
        return this.#refused(frame);
      default:
        // A newer room has more frames than this client knows.
        frame satisfies never;
    }
  }

  #welcome(frame: Frame<"welcome">): void {
    const context = this.#context;
    const { delivery, replies, emitter, sendQueue, clock } = context;
    const connection = this.#connection;
    if (context.record === undefined) return;
    const { limits, peers, online, since, head, epoch } = frame;
    context.since = undefined;
    if (context.record.epoch !== undefined && context.record.epoch !== epoch) {
      const why =
        "the room was restored or made again: entries processed before belong to another history";
      emitter.emit("error", new RestoredError(why));
    }
    // A listener may have sent a message meanwhile, so the record is read after the event.
    const { record } = context;
    if (record.epoch === epoch && connection.requestedSince === since) delivery.resume(since);
    else {
      if (record.epoch !== epoch) {
        replies.restart();
        context.circles.clear();
      }
      context.record = onWelcome(record, frame);
      delivery.restart(since);
    }
    this.#acked = since;
    connection.spread = limits.spread;
    this.online = online;
    this.peers.clear();
    for (const name of peers) this.peers.add(name);
    sendQueue.setLimits(limits, clock.now());
    connection.dispatch({ type: "welcomed", since, head });
    emitter.emit("presence", { joined: peers, left: [], online });
  }

  #presence({ joined = [], left = [], online, missed }: Frame<"presence">): void {
    for (const name of joined) this.peers.add(name);
    for (const name of left) this.peers.delete(name);
    this.online = online;
    this.#context.emitter.emit("presence", { joined, left, online, ...(missed && { missed }) });
  }

  #refused(frame: Frame<"error">): void {
    const { requests, record, emitter } = this.#context;
    const { id = "", code, message } = frame;
    const error = new RefusedError(code, message);
    if (requests.reject(id, error)) return;
    const outcome = record && onError(record, frame);
    if (outcome === undefined) return;
    if (outcome.effects.length > 0) return this.apply(outcome);
    emitter.emit("error", error);
  }

  #gap({ from, to }: Frame<"gap">): void {
    const { record, delivery, replies, emitter } = this.#context;
    const missing = delivery.missing(from, to);
    if (record !== undefined) this.apply(onGap(record, { from, to }));
    replies.gap(to);
    delivery.reach(to);
    if (missing !== undefined) emitter.emit("gap", { from: missing, to });
  }

  #applyEffect(effect: Effect): void {
    const { sendQueue, sends, replies, emitter } = this.#context;
    switch (effect.type) {
      case "entry":
        return effect.entry.type === "patch"
          ? this.#deliverPatch(effect.entry)
          : this.#deliver(effect.entry);
      case "confirmed":
        sendQueue.decided(effect.queued);
        return sends.resolve(effect.queued.id, effect.entry);
      case "refused": {
        const { queued, code, message } = effect;
        const error = new RefusedError(code, message);
        sendQueue.decided(queued);
        replies.failed(queued.id, error);
        sends.reject(queued.id, error);
        return void emitter.emit("refused", { ...publicPart(queued), error });
      }
      case "gap":
        // `#gap` emits it, because it knows what the consumers lack.
        return;
      case "unknown": {
        const { queued } = effect;
        const error = new FateUnknownError(UNKNOWN);
        sendQueue.decided(queued);
        replies.failed(queued.id, error);
        sends.reject(queued.id, error);
        return void emitter.emit("unknown", publicPart(queued));
      }
      default:
        return effect satisfies never;
    }
  }

  /** Emits the patches that came before the first listener. */
  emitEarlyPatches(): void {
    for (const patch of this.#earlyPatches.splice(0)) this.#emitPatch(patch);
  }

  #deliverPatch(patch: Patch): void {
    const { delivery, emitter } = this.#context;
    if (emitter.has("patch")) this.#emitPatch(patch);
    else if (this.#earlyPatches.push(patch) > EARLY_PATCHES) this.#earlyPatches.shift();
    delivery.reach(patch.seq);
  }

  /** A patch whose listener throws comes again in the next life, as an entry does. */
  #emitPatch(patch: Patch): void {
    const { delivery, emitter } = this.#context;
    if (!emitter.emit("patch", patch)) delivery.failed(patch.seq);
  }

  /** Delivers an entry to its consumers. */
  #deliver(entry: Entry): void {
    const { replies, circles, record, delivery, emitter, settings } = this.#context;
    replies.shown(entry, record?.epoch ?? "");
    circles.note(entry);
    if (entry.from === settings.name) replies.found(entry);
    delivery.entry(entry, emitter.emit("entry", entry));
  }
}
