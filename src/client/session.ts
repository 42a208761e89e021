/**
 * The client's half of exactly-once, as pure functions from a record and a frame to the next record and its effects.
 *
 * Invariants:
 * - An entry or gap at or below the cursor was processed before: it is dropped. A gap across it is clipped.
 * - A confirmation decides all messages sent before it: an unconfirmed one was refused, or, if a gap came in between, its
 *   fate is unknown. Such a message is never sent again and never called refused; it is reported as soon as nothing on the
 *   same connection can settle it any more.
 * - A confirmation of a message that this record never sent (`sent` is false) is a reply of an earlier life, found in the
 *   replay: it decides no other message.
 * - The outbox keeps the order of `send`.
 * - A `ref` belongs to one history of the room: in another one, an item with it is never sent.
 */
import type { ServerFrame } from "../protocol/frames.ts";
import type { ClientRecord, Queued } from "./storage/storage.ts";

type Frame<Type extends ServerFrame["type"]> = Extract<ServerFrame, { type: Type }>;
/** What has a place in the log. */
export type Entry = Frame<"message"> | Frame<"patch">;

/** An event for the application that a frame causes. */
export type Effect =
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "confirmed"; readonly queued: Queued; readonly entry: Entry }
  | {
      readonly type: "refused";
      readonly queued: Queued;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  | { readonly type: "unknown"; readonly queued: Queued };

export interface Outcome {
  readonly record: ClientRecord;
  readonly effects: readonly Effect[];
}

const nothing = (record: ClientRecord): Outcome => ({ record, effects: [] });

const arePositions = (...values: unknown[]): boolean =>
  values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0);

/** Checks the fields that this client needs. A room that sends others speaks another protocol. */
export function isSound(frame: ServerFrame): boolean {
  switch (frame.type) {
    case "welcome":
      return arePositions(frame.since, frame.head) && typeof frame.epoch === "string";
    case "message":
      return (
        arePositions(frame.seq) &&
        [frame.from, frame.text].every((text) => typeof text === "string")
      );
    case "patch":
      return arePositions(frame.seq, frame.ref) && typeof frame.from === "string";
    case "gap":
      return arePositions(frame.from, frame.to);
    case "ready":
      return arePositions(frame.seq);
    case "mark":
      return typeof frame.k === "string";
    default:
      return true;
  }
}

/**
 * The room may use another cursor than the record has: then that one counts. What was accepted before the first welcome
 * refers to the room of that welcome, and to no later one.
 */
export function onWelcome(
  record: ClientRecord,
  { epoch, since }: Pick<Frame<"welcome">, "epoch" | "since">,
): ClientRecord {
  if (record.epoch === epoch && record.cursor === since) return record;
  const isFirst = record.epoch === undefined;
  const outbox = isFirst ? record.outbox.map((one) => ofHistory(one, epoch)) : record.outbox;
  return { ...record, epoch, cursor: since, outbox };
}

/** @param name whose client this is: own messages are confirmations */
export function onEntry(record: ClientRecord, entry: Entry, name: string): Outcome {
  if (entry.seq <= (record.cursor ?? 0)) return nothing(record);
  const effects: Effect[] = [{ type: "entry", entry }];
  const index = entry.from === name ? record.outbox.findIndex(({ id }) => id === entry.id) : -1;
  const queued = record.outbox[index];
  let { outbox } = record;
  if (queued !== undefined) {
    const isDecided = (one: Queued, at: number): boolean => queued.sent && at < index && one.sent;
    for (const other of outbox.filter(isDecided)) {
      effects.push(other.unknown ? { type: "unknown", queued: other } : lostRefusal(other));
    }
    effects.push({ type: "confirmed", queued, entry });
    outbox = outbox.filter((one, at) => at !== index && !isDecided(one, at));
  }
  return { record: { ...record, cursor: entry.seq, outbox }, effects };
}

const lostRefusal = (queued: Queued): Effect => ({
  type: "refused",
  queued,
  code: "lost",
  message: "the room refused this message, and its reason was lost with the link",
});

export function onGap(record: ClientRecord, gap: { from: number; to: number }): Outcome {
  const cursor = record.cursor ?? 0;
  if (gap.to <= cursor) return nothing(record);
  const outbox = record.outbox.map((queued): Queued =>
    queued.sent || queued.maybe ? { ...queued, unknown: true } : queued,
  );
  const from = Math.max(gap.from, cursor + 1);
  return {
    record: { ...record, cursor: gap.to, outbox },
    effects: [{ type: "gap", from, to: gap.to }],
  };
}

/**
 * Everything up to `seq` was sent. Messages that a gap has hidden, and that nothing on this connection can settle any more,
 * are reported and removed.
 * @param handed the messages that were sent on this connection and are not decided
 */
export function onReady(
  record: ClientRecord,
  seq: number,
  handed: { has(id: string): boolean },
): Outcome {
  const isLost = ({ id, unknown }: Queued): boolean => unknown === true && !handed.has(id);
  const effects = record.outbox
    .filter(isLost)
    .map((queued): Effect => ({ type: "unknown", queued }));
  const outbox = record.outbox.filter((queued) => !isLost(queued)).map(known);
  const cursor = Math.max(record.cursor ?? 0, seq);
  return { record: { ...record, cursor, outbox }, effects };
}

/** By now, the replay has brought all that an earlier life sent. */
function known(queued: Queued): Queued {
  if (!queued.maybe) return queued;
  const { maybe: _maybe, ...rest } = queued;
  return rest;
}

export function onError(record: ClientRecord, { id, code, message }: Frame<"error">): Outcome {
  const queued = record.outbox.find((one) => one.id === id);
  if (queued === undefined) return nothing(record);
  return {
    record: { ...record, outbox: record.outbox.filter((one) => one !== queued) },
    effects: [{ type: "refused", queued, code, message }],
  };
}

/** Removes a message from the outbox, for a reason of this client's own. */
export const withdraw = (
  record: ClientRecord,
  queued: Queued,
  code: string,
  message: string,
): Outcome => ({
  record: { ...record, outbox: record.outbox.filter(({ id }) => id !== queued.id) },
  effects: [{ type: "refused", queued, code, message }],
});

/** Returns the next messages to send, in order: at most `count`, none of those in `handed`. */
export function nextToSend(
  record: ClientRecord,
  handed: { has(id: string): boolean },
  count: number,
): readonly Queued[] {
  const next = record.outbox.filter(
    (queued) => !queued.unknown && !handed.has(queued.id) && !isOfOtherHistory(record, queued),
  );
  return next.slice(0, Math.max(0, count));
}

/** Returns the item with the history that its `ref` belongs to. */
export const ofHistory = (queued: Queued, epoch: string | undefined): Queued =>
  queued.ref === undefined || epoch === undefined ? queued : { ...queued, epoch };

/** Returns whether `queued` refers to an entry of another history: the same seq is another entry now. */
export const isOfOtherHistory = ({ epoch }: ClientRecord, queued: Queued): boolean =>
  queued.ref !== undefined && queued.epoch !== undefined && queued.epoch !== epoch;

/** Marks messages as sent: that must be saved before they are sent. */
export function markSent(record: ClientRecord, batch: readonly Queued[]): ClientRecord {
  if (batch.every(({ sent }) => sent)) return record;
  const ids = new Set(batch.map(({ id }) => id));
  const outbox = record.outbox.map((one) => (ids.has(one.id) ? { ...one, sent: true } : one));
  return { ...record, outbox };
}

/** The handshake's attempt rises with each connect, through reloads and clocks that step back. */
export const nextAttempt = (record: ClientRecord, now: number): ClientRecord => ({
  ...record,
  attempt: Math.max(record.attempt + 1, now),
});
