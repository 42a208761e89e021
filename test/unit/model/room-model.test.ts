/** The folded view, by what a user interface asks of it. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Entry, Patch } from "../../../src/client/index.ts";
import { RoomModel } from "../../../src/model/index.ts";

let model = new RoomModel();
beforeEach(() => void (model = new RoomModel()));

const message = (seq: number, from = "ann", fields: Partial<Entry> = {}): Entry => ({
  seq,
  from,
  text: `text ${seq}`,
  at: seq,
  ...fields,
});
const edit = (seq: number, ref: number, text: string, fields: Partial<Patch> = {}): Patch => ({
  seq,
  ref,
  from: "ann",
  at: seq,
  text,
  ...fields,
});
const erasure = (seq: number, ref: number, fields: Partial<Patch> = {}): Patch => ({
  seq,
  ref,
  from: "ann",
  at: seq,
  erase: true,
  ...fields,
});
const mark = (seq: number, from: string, ref: number, sign = "👍", on?: false): Entry =>
  message(seq, from, {
    text: "",
    ref,
    quiet: true,
    data: on === false ? { mark: sign, on } : { mark: sign },
  });
const seqs = (): number[] => model.entries.map(({ seq }) => seq);

describe("messages", () => {
  test("are in the room's order, each once", () => {
    for (const seq of [3, 1, 2, 3]) model.add(message(seq));
    expect(seqs()).toEqual([1, 2, 3]);
  });

  test("are new once", () => {
    expect([model.add(message(1)), model.add(message(1))]).toEqual([true, false]);
  });

  test("are the same objects until they change", () => {
    const first = message(1);
    model.add(first);
    model.add(message(2));
    const { entries } = model;
    model.add(message(1));
    expect(model.entries).toBe(entries);
    model.apply(edit(3, 2, "changed"));
    expect(model.entries).not.toBe(entries);
    expect(model.get(1)).toBe(first);
    expect(entries[1]).toEqual(message(2));
  });

  test("leave with all that was derived from them", () => {
    for (const entry of [message(1), message(2), mark(3, "bob", 2), mark(4, "eve", 2)]) {
      model.add(entry);
    }
    model.addGap({ from: 1, to: 2 });
    expect(model.reactions(2)).toEqual([{ mark: "👍", from: ["bob", "eve"] }]);
    model.forget(4);
    expect([seqs(), model.gaps, model.reactions(2)]).toEqual([
      [4],
      [],
      [{ mark: "👍", from: ["eve"] }],
    ]);
    model.add(mark(3, "bob", 2));
    expect(model.reactions(2)).toEqual([{ mark: "👍", from: ["bob", "eve"] }]);
    model.clear();
    expect([seqs(), model.reactions(2)]).toEqual([[], []]);
  });
});

describe("patches", () => {
  test("change the text, or the data, or erase both", () => {
    model.add(message(1, "ann", { data: { poll: 1 } }));
    expect(model.apply(edit(2, 1, "changed"))).toBe(true);
    const changed = { patched: 2, patches: 1, text: "changed", data: { poll: 1 } };
    expect(model.get(1)).toEqual(message(1, "ann", changed));
    model.apply({ seq: 3, ref: 1, from: "ann", at: 3, data: { poll: 2 } });
    expect(model.get(1)).toMatchObject({ text: "changed", data: { poll: 2 }, patches: 2 });
    model.apply(erasure(4, 1, { by: "operator" }));
    const erased = { patched: 4, patches: 2, text: "", erased: true, by: "operator" } as const;
    expect(model.get(1)).toStrictEqual(message(1, "ann", erased));
  });

  test.each([
    ["twice", [edit(2, 1, "b"), edit(2, 1, "b")], "b", 1],
    ["backwards", [edit(3, 1, "c"), edit(2, 1, "b")], "c", 2],
    ["superseded", [edit(2, 1, "", { patched: 3 }), edit(3, 1, "c")], "c", 2],
    ["superseded alone", [edit(2, 1, "", { patched: 3 })], "text 1", undefined],
  ])("that come %s leave what the log has", (_how, patches, text, count) => {
    model.add(message(1));
    for (const patch of patches) model.apply(patch);
    expect([model.get(1)?.text, model.get(1)?.patches]).toEqual([text, count]);
  });

  test("that come before their message wait for it", () => {
    expect(model.apply(edit(2, 1, "changed"))).toBe(false);
    expect(seqs()).toEqual([]);
    model.add(message(1));
    expect(model.get(1)).toMatchObject({ text: "changed", patches: 1 });
  });

  test("that wait are bounded, and a page of history has what was dropped", () => {
    for (let ref = 1; ref <= 1_001; ref++) model.apply(edit(5_000 + ref, ref, "changed"));
    for (const seq of [1, 2, 1_001]) model.add(message(seq));
    expect([1, 2, 1_001].map((seq) => model.get(seq)?.text)).toEqual([
      "text 1",
      "changed",
      "changed",
    ]);
    model.add(message(1, "ann", { text: "changed", patched: 5_001, patches: 1 }));
    expect(model.get(1)?.text).toBe("changed");
  });

  test("are in the message of a page already, and change nothing then", () => {
    const folded = message(1, "ann", { text: "c", patched: 3, patches: 2 });
    model.add(folded);
    for (const patch of [edit(2, 1, "b"), edit(3, 1, "c")]) model.apply(patch);
    expect(model.get(1)).toBe(folded);
  });

  test("outlast an older page", () => {
    model.add(message(1));
    model.apply(edit(2, 1, "b"));
    const changed = model.get(1);
    model.add(message(1));
    expect(model.get(1)).toBe(changed);
  });

  test("that a gap hides are in a later page", () => {
    model.add(message(5));
    model.addGap({ from: 6, to: 9 });
    model.add(message(5, "ann", { text: "c", patched: 8, patches: 2 }));
    model.apply(edit(10, 5, "d"));
    expect(model.get(5)).toMatchObject({ text: "d", patches: 3 });
  });
});

describe("references", () => {
  beforeEach(() => void model.add(message(1)));

  test("of a person and a mark: the last counts", () => {
    const marks = [
      mark(2, "bob", 1),
      mark(3, "eve", 1),
      mark(4, "bob", 1, "👍", false),
      mark(5, "bob", 1, "🎉"),
      mark(6, "bob", 1, "🎉"),
    ];
    for (const entry of marks.toReversed()) model.add(entry);
    expect(model.reactions(1)).toEqual([
      { mark: "👍", from: ["eve"] },
      { mark: "🎉", from: ["bob"] },
    ]);
  });

  test("a reaction that is erased counts nothing", () => {
    for (const entry of [mark(2, "bob", 1), mark(3, "bob", 1, "👍", false)]) model.add(entry);
    model.apply(erasure(4, 3));
    expect(model.reactions(1)).toEqual([{ mark: "👍", from: ["bob"] }]);
    model.apply(erasure(5, 2));
    expect([model.reactions(1), model.replies(1)]).toEqual([[], []]);
  });

  test.each([
    ["an empty mark", { mark: "" }],
    ["a long mark", { mark: "x".repeat(65) }],
    ["a mark of another type", { mark: 1 }],
    ["no mark", {}],
  ])("%s is no reaction", (_what, data) => {
    model.add(message(2, "bob", { text: "", ref: 1, quiet: true, data }));
    expect(model.reactions(1)).toEqual([]);
  });

  test("`on` of another type counts as absent", () => {
    model.add(message(2, "bob", { text: "", ref: 1, data: { mark: "👍", on: 0 } }));
    expect(model.reactions(1)).toEqual([{ mark: "👍", from: ["bob"] }]);
  });

  test("replies say something; quiet ones and reactions are none", () => {
    const reply = message(3, "bob", { ref: 1 });
    for (const entry of [message(4, "bob", { ref: 1, quiet: true }), mark(2, "bob", 1), reply]) {
      model.add(entry);
    }
    expect(model.replies(1)).toEqual([reply]);
  });

  test("lists are the same objects until they change", () => {
    for (const entry of [mark(2, "bob", 1), message(3, "bob", { ref: 1 })]) model.add(entry);
    const [reactions, replies] = [model.reactions(1), model.replies(1)];
    model.add(mark(4, "bob", 1));
    model.add(message(5));
    expect([model.reactions(1) === reactions, model.replies(1) === replies]).toEqual([true, true]);
    model.add(mark(6, "eve", 1));
    expect([model.reactions(1) === reactions, model.replies(1) === replies]).toEqual([false, true]);
  });
});

describe("unread", () => {
  test("are messages above the marker, from others, neither quiet nor patches", () => {
    const entries = [message(1), message(2), message(3, "me"), mark(4, "bob", 1), message(6)];
    for (const entry of entries) model.add(entry);
    model.apply(edit(5, 1, "changed"));
    expect(model.unread(1, "me")).toEqual({ count: 2, first: 2 });
    expect(model.unread(6, "me")).toEqual({ count: 0 });
  });
});

describe("gaps", () => {
  test("are in order, and those that touch are one", () => {
    for (const [from, to] of [
      [8, 9],
      [1, 2],
      [4, 5],
      [3, 3],
      [8, 9],
    ] as const) {
      model.addGap({ from, to });
    }
    expect(model.gaps).toEqual([
      { from: 1, to: 5 },
      { from: 8, to: 9 },
    ]);
  });
});
