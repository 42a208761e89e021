/** The page's part of the room's log, its rows, and the window of rows that is in the document. */
import { describe, expect, test } from "vitest";
import type { Entry, OutboxItem } from "../../../../src/client/index.ts";
import { type LogItem, KEPT_MAX, Log, type Via } from "../../../../src/apps/page/model/log.ts";
import { calendar, type Line, type Row, rowsOf } from "../../../../src/apps/page/model/rows.ts";
import {
  around,
  atEnd,
  down,
  EMPTY,
  updated,
  ROWS,
  STEP,
  up,
} from "../../../../src/apps/page/model/virtual-window.ts";

const MINUTE = 60_000;
/** 21:00 UTC of a Monday. */
const EVENING = Date.UTC(2026, 10, 23, 21);

const entry = (seq: number, more: Partial<Entry> = {}): Entry => ({
  seq,
  from: "alice",
  text: `text ${seq}`,
  at: EVENING + seq,
  ...more,
});

function logOf(seqs: readonly number[], via: Via = "live"): Log {
  const log = new Log();
  for (const seq of seqs) log.add(entry(seq), via);
  return log;
}

const keys = (items: readonly { readonly key: string }[]): string[] => items.map(({ key }) => key);

describe("the log", () => {
  test.each<[string, number[], string[], { duplicates: number; outOfOrder: number }]>([
    ["in order", [1, 2, 3], ["m1", "m2", "m3"], { duplicates: 0, outOfOrder: 0 }],
    ["with seqs of others between", [2, 9], ["m2", "m9"], { duplicates: 0, outOfOrder: 0 }],
    ["one twice", [1, 2, 2], ["m1", "m2"], { duplicates: 1, outOfOrder: 0 }],
    ["one too late", [1, 3, 2], ["m1", "m2", "m3"], { duplicates: 0, outOfOrder: 1 }],
    ["one twice and too late", [1, 2, 1], ["m1", "m2"], { duplicates: 1, outOfOrder: 1 }],
  ])("has each entry once, at its seq, and counts faults: %s", (_case, seqs, rows, tally) => {
    const log = logOf(seqs);
    expect(keys(log.items)).toEqual(rows);
    expect(log.tally).toEqual(tally);
  });

  test("history goes above, and counts neither as duplicates nor as out of order", () => {
    const log = logOf([5, 6]);
    expect([3, 4, 5].map((seq) => log.add(entry(seq), "history"))).toEqual([true, true, false]);
    expect(keys(log.items)).toEqual(["m3", "m4", "m5", "m6"]);
    expect(log.tally).toEqual({ duplicates: 0, outOfOrder: 0 });
    expect(log.oldest).toBe(3);
  });

  test("the log keeps how an entry arrived: live, in a replay, or as history", () => {
    const log = logOf([2], "replay");
    log.add(entry(1), "history");
    log.add(entry(3), "live");
    const vias = log.items.map((item) => item.kind === "message" && item.via);
    expect(vias).toEqual(["history", "replay", "live"]);
  });

  test("failed messages are below the entries of the room, and waiting messages below those", () => {
    const log = logOf([1]);
    const unsent = { type: "message", id: "a", text: "mine" } as const;
    log.setOutbox([unsent]);
    log.setFailed([{ kind: "trouble", key: "tb", fate: "refused", why: "", unsent }]);
    log.add(entry(2), "live");
    expect(keys(log.items)).toEqual(["m1", "m2", "tb", "wa"]);
    log.setOutbox([]);
    expect(keys(log.items)).toEqual(["m1", "m2", "tb"]);
  });

  test("a change of a message is in its place, and an erasure leaves no text", () => {
    const log = logOf([1, 2]);
    log.apply({ seq: 3, ref: 1, from: "alice", at: 3, text: "changed" });
    log.apply({ seq: 4, ref: 2, from: "alice", at: 4, erase: true, by: "operator" });
    log.apply({ seq: 5, ref: 9, from: "alice", at: 5, text: "of one that is not here" });
    expect(log.items).toMatchObject([
      { key: "m1", entry: { text: "changed", patches: 1 } },
      { key: "m2", entry: { text: "", erased: true, by: "operator" } },
    ]);
    expect(log.tally).toEqual({ duplicates: 0, outOfOrder: 0 });
  });

  test("a message that arrives again as erased is erased here too", () => {
    const log = logOf([1]);
    log.add({ ...entry(1), text: "", erased: true, patched: 2 }, "history");
    expect(log.items).toMatchObject([{ entry: { text: "", erased: true } }]);
  });

  test("quiet entries are no items, and a reaction is part of its message", () => {
    const log = logOf([1]);
    const mark = { text: "", ref: 1, quiet: true, data: { mark: "👍" } } as const;
    log.add(entry(2, { from: "bob", ...mark }), "live");
    log.add(entry(3, { from: "bob", text: "a note", quiet: true }), "live");
    expect(keys(log.items)).toEqual(["m1"]);
    expect(log.items).toMatchObject([{ reactions: [{ mark: "👍", from: ["bob"] }] }]);
  });

  test("a reply has its original, as that is now, once it is here", () => {
    const log = new Log();
    log.add(entry(5, { ref: 2 }), "live");
    expect(log.items).toMatchObject([{ original: undefined }]);
    log.add(entry(2), "history");
    log.apply({ seq: 6, ref: 2, from: "alice", at: 6, text: "changed" });
    expect(log.items[1]).toMatchObject({ key: "m5", original: { seq: 2, text: "changed" } });
  });

  test("an item is the same object until something of it changes", () => {
    const log = logOf([1, 2]);
    const before = log.items;
    log.add(entry(3, { text: "", ref: 2, quiet: true, data: { mark: "👍" } }), "live");
    log.setOutbox([]);
    const after = log.items;
    expect([after[0] === before[0], after[1] === before[1]]).toEqual([true, false]);
  });

  describe("what waits to change a message", () => {
    const edit = { type: "patch", id: "e", ref: 1, text: "changed" } as const;
    const mark: OutboxItem = {
      type: "message",
      id: "k",
      text: "",
      ref: 1,
      quiet: true,
      data: { mark: "👍" },
    };

    test("is at that message, if it is here", () => {
      const log = logOf([1, 2]);
      log.setOutbox([edit, mark]);
      expect(log.items).toMatchObject([{ key: "m1", unsent: [edit, mark] }, { unsent: [] }]);
      const [item] = log.items;
      log.setOutbox([{ ...edit }, { ...mark }]);
      expect(log.items[0]).toBe(item);
      log.setOutbox([mark]);
      expect(log.items[0]).toMatchObject({ unsent: [mark] });
    });

    test("is at the end, until that message is here", () => {
      const log = logOf([2]);
      log.setOutbox([edit, mark]);
      expect(keys(log.items)).toEqual(["m2", "we", "wk"]);
      log.add(entry(1), "history");
      expect(keys(log.items)).toEqual(["m1", "m2"]);
    });

    test("leaves the newest own message that can be edited", () => {
      const log = logOf([1, 2]);
      log.add(entry(3, { from: "bob" }), "live");
      expect(log.lastOf("alice", 0)?.seq).toBe(2);
      log.setOutbox([{ type: "patch", id: "x", ref: 2, erase: true }]);
      expect(log.lastOf("alice", 0)?.seq).toBe(1);
      log.apply({ seq: 4, ref: 1, from: "alice", at: 4, erase: true });
      expect(log.lastOf("alice", 0)).toBeUndefined();
    });

    test("leaves out a message that is too old, or was changed as often as may be", () => {
      const log = new Log();
      log.add(entry(1, { at: 100 }), "live");
      log.add(entry(2, { at: 200, patched: 40, patches: 32 }), "live");
      log.add(entry(3, { at: 300, from: "bob" }), "live");
      expect(log.newestAt).toBe(300);
      expect(log.lastOf("alice", 99)?.seq).toBe(1);
      expect(log.lastOf("alice", 100)).toBeUndefined();
    });
  });

  test("a gap is at its end, and older history is loaded from below its beginning", () => {
    const log = new Log();
    log.addGap(3, 8);
    log.add(entry(9), "replay");
    expect(keys(log.items)).toEqual(["g8", "m9"]);
    expect(log.oldest).toBe(3);
    expect(log.tally.outOfOrder).toBe(0);
  });

  test("the oldest of too many entries are dropped, and can be loaded again", () => {
    const log = logOf(Array.from({ length: KEPT_MAX + 1 }, (_, i) => i + 1));
    log.isComplete = true;
    log.trim();
    expect(log.items.length).toBeLessThanOrEqual(KEPT_MAX);
    expect(log.isComplete).toBe(false);
    expect(log.add(entry(1), "history")).toBe(true);
  });
});

describe("the rows", () => {
  const days = calendar(EVENING + 60 * MINUTE, "en-GB", "UTC");
  const itemsOf = (...entries: readonly Entry[]): readonly LogItem[] => {
    const log = new Log();
    for (const one of entries) log.add(one, "live");
    return log.items;
  };
  const all = { start: 0, end: 1_000 };
  const rows = (items: readonly LogItem[], lines: readonly [number, Line][] = []): string[] =>
    rowsOf(items, all, new Map(lines), days).map(shown);
  const shown = (row: Row): string => {
    if (row.kind === "day" || row.kind === "line") return row.text;
    if (row.kind === "message") return row.isHead ? `${row.time} ${row.key}` : row.key;
    return row.key;
  };

  test("a day has a line with its name, once", () => {
    const day = 24 * 60 * MINUTE;
    const items = itemsOf(
      entry(1, { at: EVENING - 3 * day }),
      entry(2, { at: EVENING - day }),
      entry(3, { at: EVENING }),
      entry(4, { at: EVENING + MINUTE }),
    );
    expect(rows(items)).toEqual([
      // Some versions of the Unicode data have a comma here.
      expect.stringMatching(/^Friday,? 20 November 2026$/),
      "21:00 m1",
      "Yesterday",
      "21:00 m2",
      "Today",
      "21:00 m3",
      "m4",
    ]);
  });

  test("the day is that of the reader's time zone", () => {
    const tokyo = calendar(EVENING, "en-GB", "Asia/Tokyo");
    const made = rowsOf(
      itemsOf(entry(1, { at: EVENING - 7 * 60 * MINUTE })),
      all,
      new Map(),
      tokyo,
    );
    expect(made.map(shown)).toEqual(["Yesterday", "23:00 m1"]);
  });

  test.each<[string, Parameters<typeof entry>[1], boolean]>([
    ["the same person, soon after", {}, false],
    ["another person", { from: "carol" }, true],
    ["the same person, to somebody", { to: ["bob"] }, true],
    ["the same person, after a while", { at: EVENING + 6 * MINUTE }, true],
  ])("a message has a header only if it needs one: %s", (_case, more, isHead) => {
    const [, , second] = rowsOf(itemsOf(entry(1), entry(2, more)), all, new Map(), days);
    expect(second).toMatchObject({ kind: "message", isHead });
  });

  test("a line is above its message, which then has a header", () => {
    const items = itemsOf(entry(1), entry(2), entry(3));
    const line = { reason: "unread", text: "New" } as const;
    expect(rows(items, [[3, line]])).toEqual(["Today", "21:00 m1", "m2", "New", "21:00 m3"]);
  });
});

describe("the window", () => {
  const listOf = (length: number): string[] => Array.from({ length }, (_, i) => `m${i}`);

  test("follows the end, and never exceeds its number of rows", () => {
    for (const length of [0, 1, ROWS, ROWS + 1, 5_000]) {
      const window = updated(EMPTY, undefined, listOf(length));
      expect(window).toEqual({ start: Math.max(0, length - ROWS), end: length, follows: true });
    }
  });

  test("keeps its first row when rows arrive below and above", () => {
    const window = up(atEnd(1_000), 1_000);
    const first = `m${window.start}`;
    const below = updated(window, first, listOf(1_050));
    expect(below).toEqual(window);
    const above = updated(window, first, ["g1", "g2", ...listOf(1_000)]);
    expect(above).toMatchObject({ start: window.start + 2, follows: false });
  });

  test("goes up to the first and down to the last, a step at a time", () => {
    const length = 2 * ROWS + 7;
    let window = atEnd(length);
    for (let steps = 0; window.start > 0; steps++) {
      const before = window;
      window = up(window, length);
      expect(before.start - window.start).toBeLessThanOrEqual(STEP);
      expect(window.end - window.start).toBe(ROWS);
      expect(steps).toBeLessThan(length);
    }
    while (window.end < length) {
      const before = window;
      window = down(window, length);
      expect(window.start).toBeGreaterThan(before.start);
      expect(window.end - window.start).toBe(ROWS);
    }
    expect(window.end).toBe(length);
  });

  test.each([
    ["the first", 0, 0],
    ["one in the middle", 500, 500 - ROWS / 2],
    ["the last", 999, 1_000 - ROWS],
  ])("has %s in it, and is full", (_which, at, start) => {
    expect(around(at, 1_000)).toEqual({ start, end: start + ROWS, follows: false });
  });

  test("survives the loss of its first row", () => {
    const window = up(atEnd(1_000), 1_000);
    const { start, end } = updated(window, "gone", listOf(10));
    expect([start, end]).toEqual([9, 10]);
  });
});
