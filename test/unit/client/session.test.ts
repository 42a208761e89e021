/** PROTOCOL section 2, *Your own message is its own confirmation*: the client's half of exactly-once. */
import { describe, expect, test } from "vitest";
import {
  type Effect,
  markSent,
  type Entry,
  nextAttempt,
  nextToSend,
  onError,
  onGap,
  onEntry,
  onReady,
  onWelcome,
  withdraw,
} from "../../../src/client/session.ts";
import type { ClientRecord, QueuedMessage } from "../../../src/client/storage/storage.ts";
import { peer, seq } from "../../support/arbitraries.ts";

const ME = "alice";

/** Waiting messages in short: "a" not sent, "a!" sent, "a?" of unknown fate. */
const waiting = (...words: readonly string[]): QueuedMessage[] =>
  words.map((word) => {
    const id = word.replace(/[!?]$/, "");
    const sent = id !== word;
    return { id, text: id, sent, ...(word.endsWith("?") && { unknown: true as const }) };
  });

const holding = (cursor: number | undefined, ...words: readonly string[]): ClientRecord => ({
  version: 1,
  session: "s",
  attempt: 1,
  ...(cursor !== undefined && { cursor, epoch: "e" }),
  outbox: waiting(...words),
});

const entry = (at: number, from: string, id?: string): Entry => ({
  type: "message",
  seq: seq(at),
  from: peer(from),
  text: id ?? "hi",
  at: 0,
  ...(id !== undefined && { id }),
});

/** The events of a frame, in short. */
const told = (effects: readonly Effect[]): string[] =>
  effects.map((effect) => {
    switch (effect.type) {
      case "entry":
        return `entry ${effect.entry.seq}`;
      case "gap":
        return `gap ${effect.from}..${effect.to}`;
      case "refused":
        return `refused ${effect.queued.id} ${effect.code}`;
      default:
        return `${effect.type} ${effect.queued.id}`;
    }
  });
const left = ({ outbox }: ClientRecord): string[] =>
  outbox.map(({ id, sent, unknown }) => {
    if (unknown) return `${id}?`;
    return sent ? `${id}!` : id;
  });

describe("entries", () => {
  test.each<[string, string[], Entry, string[], string[]]>([
    ["somebody else's is just an entry", ["a!"], entry(6, "bob", "a"), ["entry 6"], ["a!"]],
    ["one's own is its confirmation", ["a!"], entry(6, ME, "a"), ["entry 6", "confirmed a"], []],
    [
      "it decides all that was sent before it: that was refused, and its error was lost",
      ["a!", "b!", "c!", "d!", "e"],
      entry(6, ME, "c"),
      ["entry 6", "refused a lost", "refused b lost", "confirmed c"],
      ["d!", "e"],
    ],
    [
      "but what a gap has hidden is not called refused: its fate is unknown",
      ["a?", "b!", "c!", "d?"],
      entry(6, ME, "c"),
      ["entry 6", "unknown a", "refused b lost", "confirmed c"],
      ["d?"],
    ],
    [
      "a late confirmation settles what a gap has hidden",
      ["a?", "b!"],
      entry(6, ME, "a"),
      ["entry 6", "confirmed a"],
      ["b!"],
    ],
    [
      "what was never sent is not decided by what was",
      ["a", "b!"],
      entry(6, ME, "b"),
      ["entry 6", "confirmed b"],
      ["a"],
    ],
    ["one's own of an earlier life", ["a!"], entry(6, ME, "z"), ["entry 6"], ["a!"]],
    ["one's own by chat.line has no id", ["a!"], entry(6, ME), ["entry 6"], ["a!"]],
  ])("%s", (_case, outbox, message, effects, after) => {
    const outcome = onEntry(holding(5, ...outbox), message, ME);
    expect(told(outcome.effects)).toEqual(effects);
    expect(left(outcome.record)).toEqual(after);
    expect(outcome.record.cursor).toBe(6);
  });

  test.each([1, 4, 5])("seq %i is at or below the cursor, 5: dropped, whatever it says", (at) => {
    const record = holding(5, "a!");
    expect(onEntry(record, entry(at, ME, "a"), ME)).toEqual({ record, effects: [] });
  });

  test("the first of all, before any cursor", () => {
    expect(onEntry(holding(undefined), entry(1, "bob"), ME).record.cursor).toBe(1);
  });
});

describe("gaps", () => {
  test.each<[string, number, number, string[], number]>([
    ["just above the cursor", 6, 9, ["gap 6..9"], 9],
    ["across the cursor: clipped", 2, 9, ["gap 6..9"], 9],
    ["at the cursor: dropped", 2, 5, [], 5],
    ["below it: dropped", 1, 3, [], 5],
    ["of a single entry", 6, 6, ["gap 6..6"], 6],
  ])("%s", (_case, from, to, effects, cursor) => {
    const outcome = onGap(holding(5, "a!", "b"), { from, to });
    expect(told(outcome.effects)).toEqual(effects);
    expect(outcome.record.cursor).toBe(cursor);
    expect(left(outcome.record)).toEqual(effects.length === 0 ? ["a!", "b"] : ["a?", "b"]);
  });

  test("a message sent before it is neither sent again nor called refused", () => {
    const { record } = onGap(holding(5, "a!", "b"), { from: 6, to: 9 });
    expect(nextToSend(record, new Set(), 10).map(({ id }) => id)).toEqual(["b"]);
    const sent = markSent(record, nextToSend(record, new Set(), 10));
    const outcome = onEntry(sent, entry(10, ME, "b"), ME);
    expect(told(outcome.effects)).not.toContain("refused a lost");
  });
});

describe("ready", () => {
  test("moves the cursor, never back", () => {
    expect(onReady(holding(5), 9, new Set()).record.cursor).toBe(9);
    expect(onReady(holding(5), 4, new Set()).record.cursor).toBe(5);
    expect(onReady(holding(undefined), 0, new Set()).record.cursor).toBe(0);
  });

  test("reports messages of unknown fate, removes them, and leaves the rest", () => {
    const outcome = onReady(holding(5, "a?", "b!", "c?", "d"), 9, new Set());
    expect(told(outcome.effects)).toEqual(["unknown a", "unknown c"]);
    expect(left(outcome.record)).toEqual(["b!", "d"]);
  });

  test("a message that was sent on this connection may still be decided: it is kept", () => {
    const outcome = onReady(holding(5, "a?", "c?"), 9, new Set(["c"]));
    expect(told(outcome.effects)).toEqual(["unknown a"]);
    expect(left(outcome.record)).toEqual(["c?"]);
  });
});

describe("errors", () => {
  test.each<[string, string[], string | undefined, string[], string[]]>([
    ["takes its message out", ["a!", "b!"], "a", ["refused a unknown-peer"], ["b!"]],
    ["settles what a gap has hidden", ["a?", "b!"], "a", ["refused a unknown-peer"], ["b!"]],
    ["of a message that is not here", ["a!"], "z", [], ["a!"]],
    ["of nothing that could be read", ["a!"], undefined, [], ["a!"]],
  ])("%s", (_case, outbox, id, effects, after) => {
    const outcome = onError(holding(5, ...outbox), {
      type: "error",
      code: "unknown-peer",
      message: "nobody here is called zoe",
      ...(id !== undefined && { id }),
    });
    expect(told(outcome.effects)).toEqual(effects);
    expect(left(outcome.record)).toEqual(after);
    expect(outcome.record.cursor).toBe(5);
  });

  test("a message that is withdrawn is reported and removed", () => {
    const record = holding(5, "a", "b!");
    const [queued] = record.outbox;
    if (queued === undefined) throw new Error("the outbox is empty");
    const outcome = withdraw(record, queued, "too-large", "send it in parts");
    expect(told(outcome.effects)).toEqual(["refused a too-large"]);
    expect(left(outcome.record)).toEqual(["b!"]);
  });
});

describe("welcome", () => {
  test.each<[string, { epoch: string; since: number }]>([
    ["another epoch: the cursor is void", { epoch: "f", since: 2 }],
    ["a cursor of the room's own", { epoch: "e", since: 2 }],
    ["a rewind to the beginning", { epoch: "e", since: 0 }],
  ])("%s: taken over, and the outbox kept", (_case, { epoch, since }) => {
    const before = holding(5, "a!", "b?", "c");
    const record = onWelcome(before, { epoch, since: seq(since) });
    expect(record).toEqual({ ...before, epoch, cursor: since });
  });

  test("the same cursor changes nothing, and need not be saved again", () => {
    const record = holding(5, "a!");
    expect(onWelcome(record, { epoch: "e", since: seq(5) })).toBe(record);
  });

  test("what was accepted before the first welcome refers to that room, and to no later one", () => {
    const outbox = [{ type: "patch", id: "p", ref: 1, erase: true, sent: false } as const];
    const first = onWelcome({ ...holding(undefined), outbox }, { epoch: "e", since: seq(1) });
    expect(nextToSend(first, new Set(), 9)).toHaveLength(1);
    const next = onWelcome(first, { epoch: "f", since: seq(1) });
    expect(nextToSend(next, new Set(), 9)).toEqual([]);
  });
});

describe("sending", () => {
  test.each<[string, string[], string[], number, string[]]>([
    ["in order, as many as may go", ["a", "b", "c"], [], 2, ["a", "b"]],
    ["what was sent on another link first", ["a!", "b", "c"], [], 2, ["a", "b"]],
    ["not what this link has", ["a!", "b!", "c"], ["a", "b"], 5, ["c"]],
    ["not what is of unknown fate", ["a?", "b"], [], 5, ["b"]],
    ["none if none may go", ["a"], [], 0, []],
    ["none if the allowance is overdrawn", ["a", "b"], [], -1, []],
  ])("%s", (_case, outbox, handed, count, expected) => {
    const next = nextToSend(holding(5, ...outbox), new Set(handed), count);
    expect(next.map(({ id }) => id)).toEqual(expected);
  });

  test("a sent message is on record as sent; the record stays the same if nothing is new", () => {
    const record = holding(5, "a!", "b", "c");
    const sent = markSent(record, record.outbox.slice(0, 2));
    expect(left(sent)).toEqual(["a!", "b!", "c"]);
    expect(markSent(sent, sent.outbox.slice(0, 2))).toBe(sent);
  });

  test.each([
    [41, 10, 42],
    [41, 1_000, 1_000],
    [41, 41, 42],
  ])("attempt %i at %i ms on the clock becomes %i", (attempt, now, expected) => {
    expect(nextAttempt({ ...holding(5), attempt }, now).attempt).toBe(expected);
  });
});

test("an answer of an earlier life, found in the replay, decides nothing but itself", () => {
  const { record, effects } = onEntry(holding(5, "a!", "b", "c!"), entry(6, ME, "b"), ME);
  expect(effects.map(({ type }) => type)).toEqual(["entry", "confirmed"]);
  expect(record.outbox.map(({ id }) => id)).toEqual(["a", "c"]);
});

test("a gap hides replies of an earlier life; the first `ready` makes the rest known", () => {
  const [a, b] = waiting("a", "b");
  if (a === undefined || b === undefined) throw new Error("two wait");
  const record = { ...holding(5), outbox: [{ ...a, maybe: true as const }, b] };
  expect(onReady(record, 5, new Map()).record.outbox).toEqual([a, b]);
  const { outbox } = onGap(record, { from: 6, to: 9 }).record;
  expect(outbox).toEqual([{ ...a, maybe: true, unknown: true }, b]);
});
