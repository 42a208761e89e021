/** The contract of a log, as in storage-contract.ts. */
import { describe, expect, test } from "vitest";
import { concerns, encodeEntry, type Entry, type Message } from "../../../src/core/entry.ts";
import { SCAN_BYTES } from "../../../src/core/limits.ts";
import { ROW_BYTES } from "../../../src/store/sql.ts";
import type { PeerName } from "../../../src/protocol/ids.ts";
import type { Storage } from "../../../src/core/ports.ts";
import { alice, append, at, bob, carol, entries, GENEROUS, named, type Run } from "./opened.ts";

const seqs = (some: Iterable<Entry>): number[] => Array.from(some, ({ seq }) => seq);
const concerning = (storage: Storage, name: PeerName, since: number): number[] =>
  seqs(
    Array.from(storage.log.after(at(since), name).entries).filter((entry) => concerns(entry, name)),
  );

const erased = ({ seq, from, to, id, at: when }: Message): Message =>
  encodeEntry({ type: "message", seq, from, to, text: "", id, at: when, erased: true });

export function logContract(run: Run): void {
  describe("the log", () => {
    test("is empty at first", () =>
      run(({ storage: { log } }) => {
        expect([log.head, log.first, log.headAt]).toEqual([0, 1, 0]);
        expect(seqs(log.after(at(0)).entries)).toEqual([]);
        expect(log.after(at(0)).end).toBe(0);
        expect(seqs(log.before(at(1), alice).entries)).toEqual([]);
      }));

    test("returns append entries unchanged, also after a crash", () =>
      run((opened) => {
        const written = entries(0, ["alice>bob", "bob>*", "carol>alice,bob"]);
        opened.storage.transaction(() => opened.storage.log.append(written));
        const { log } = opened.reopen();
        expect([log.head, log.first, log.headAt]).toEqual([3, 1, 1_002]);
        const read = Array.from(log.after(at(0)).entries);
        expect(read.map(({ frame, bytes }) => ({ frame, bytes }))).toEqual(
          written.map(({ frame, bytes }) => ({ frame, bytes })),
        );
        expect(read.map(({ from, to, text }) => ({ from, to, text }))).toEqual(
          written.map(({ from, to, text }) => ({ from, to, text })),
        );
      }));

    test("returns all entries that concern a peer above a position, in order", () =>
      run(({ storage }) => {
        append(storage, ["alice>bob", "bob>carol"], ["carol>carol"], ["alice>*", "alice>alice"]);
        expect(concerning(storage, bob, 0)).toEqual([1, 2, 4]);
        expect(concerning(storage, bob, 1)).toEqual([2, 4]);
        expect(concerning(storage, carol, 2)).toEqual([3, 4]);
        expect(concerning(storage, alice, 4)).toEqual([5]);
        expect(concerning(storage, alice, 5)).toEqual([]);
        expect(storage.log.after(at(0), bob).end).toBe(5);
      }));

    test("distinguishes names that contain each other", () =>
      run(({ storage }) => {
        append(storage, ["al>al"], ["alice>alice"], ["lice>lice"], ["al.ice>al.ice"]);
        for (const [index, name] of ["al", "alice", "lice", "al.ice"].entries()) {
          expect(concerning(storage, named(name), 0)).toEqual([index + 1]);
        }
      }));

    test("reads backward, including entries for everyone", () =>
      run(({ storage }) => {
        append(storage, ["alice>bob", "alice>*"], ["carol>carol"], ["bob>bob"]);
        const scan = storage.log.before(at(5), bob);
        const wanted = Array.from(scan.entries).filter((entry) => concerns(entry, bob));
        expect(seqs(wanted)).toEqual([4, 2, 1]);
        expect(scan.end).toBe(1);
        const lower = Array.from(storage.log.before(at(2), bob).entries);
        expect(seqs(lower.filter((entry) => concerns(entry, bob)))).toEqual([1]);
      }));

    test("reads a long log in stretches without a hole between them", () =>
      run(({ storage }) => {
        const batch = Array.from({ length: 700 }, (_, index) => (index % 7 ? "al>al" : "al>bob"));
        for (let round = 0; round < 20; round++) append(storage, batch);
        const read: number[] = [];
        let position = at(0);
        let stretches = 0;
        while (position < storage.log.head) {
          const scan = storage.log.after(position, bob);
          for (const entry of scan.entries) if (concerns(entry, bob)) read.push(entry.seq);
          expect(scan.end).toBeGreaterThan(position);
          position = scan.end;
          stretches++;
        }
        expect(stretches).toBeGreaterThan(1);
        expect(read).toEqual(Array.from({ length: 2_000 }, (_, index) => index * 7 + 1));

        const back: number[] = [];
        let top = at(storage.log.head + 1);
        while (top > storage.log.first) {
          const scan = storage.log.before(top, bob);
          for (const entry of scan.entries) if (concerns(entry, bob)) back.push(entry.seq);
          expect(scan.end).toBeLessThan(top);
          top = scan.end;
        }
        expect(back).toEqual(read.toReversed());
      }));

    test("R8: a stretch with many bytes ends early, and the next continues without a hole", () =>
      run(({ storage }) => {
        const text = "x".repeat(8_000);
        for (let row = 0; row < 20; row++) {
          const written = entries(storage.log.head, ["al>bob", ...Array<string>(59).fill("al>al")]);
          const long = written.map((entry) => encodeEntry({ ...entry, text }));
          storage.transaction(() => storage.log.append(long));
        }
        const wanted = Array.from({ length: 20 }, (_, row) => row * 60 + 1);
        const read: number[] = [];
        for (let position = at(0); position < storage.log.head;) {
          const scan = storage.log.after(position, bob);
          for (const entry of scan.entries) if (concerns(entry, bob)) read.push(entry.seq);
          expect(scan.bytes).toBeLessThan(SCAN_BYTES + ROW_BYTES);
          position = scan.end;
        }
        expect(read).toEqual(wanted);
        const back: number[] = [];
        for (let top = at(storage.log.head + 1); top > storage.log.first;) {
          const scan = storage.log.before(top, bob);
          for (const entry of scan.entries) if (concerns(entry, bob)) back.push(entry.seq);
          expect(scan.bytes).toBeLessThan(SCAN_BYTES + ROW_BYTES);
          top = scan.end;
        }
        expect(back).toEqual(wanted.toReversed());
      }));

    test("R8: an entry from the database counts as read, even if another peer read it before", () =>
      run((opened) => {
        append(opened.storage, ["al>bob"], ["al>bob"], ["al>bob"]);
        const reads = (): number => {
          const scan = opened.storage.log.after(at(0), bob);
          expect(Array.from(scan.entries, ({ seq }) => seq)).toEqual([1, 2, 3]);
          return scan.bytes;
        };
        const first = reads();
        expect(reads() > 0).toBe(first > 0);
      }));

    test("returns the audience of the entries above a position, with the last entry for each", () =>
      run((opened) => {
        append(opened.storage, ["alice>bob"], ["alice>*", "bob>bob"], ["bob>carol"]);
        for (const { log } of [opened.storage, opened.reopen()]) {
          expect(log.audienceAbove(at(0)).everyone).toBe(2);
          expect(Object.fromEntries(log.audienceAbove(at(0)).personal)).toEqual({
            alice: 1,
            bob: 4,
            carol: 4,
          });
          expect(log.audienceAbove(at(3)).everyone).toBe(0);
          expect(Object.fromEntries(log.audienceAbove(at(3)).personal)).toEqual({
            bob: 4,
            carol: 4,
          });
          expect(log.audienceAbove(at(4)).personal.size).toBe(0);
        }
      }));

    test.each([
      ["count", { ...GENEROUS, entries: 4 }, 2_000, 4],
      ["age", { ...GENEROUS, ageMs: 500 }, 2_000, 5],
      ["size", { ...GENEROUS, bytes: 500 }, 2_000, 4],
      ["nothing", GENEROUS, 2_000, 1],
      ["everything but the newest", { ...GENEROUS, entries: 1, ageMs: 0, bytes: 0 }, 9e9, 6],
    ])("trims whole segments by %s", (_case, retention, now, first) =>
      run((opened) => {
        const { storage } = opened;
        const batches: [string[], number][] = [
          [["alice>bob", "bob>alice", "alice>*"], 1_000],
          [["alice>bob"], 1_400],
          [["bob>bob"], 1_600],
          [["bob>bob", "bob>alice"], 2_000],
        ];
        storage.transaction(() => {
          for (const [routes, when] of batches) {
            storage.log.append(entries(storage.log.head, routes, when));
          }
          storage.log.trim(retention, now);
        });
        for (const { log } of [storage, opened.reopen()]) {
          expect([log.first, log.head]).toEqual([first, 7]);
          expect(seqs(log.after(at(0)).entries)).toEqual(
            Array.from({ length: 8 - first }, (_, index) => first + index),
          );
        }
      }),
    );

    test("changes one entry: no other, in every read, also after a crash", () =>
      run((opened) => {
        const { storage } = opened;
        const batches = [
          ["alice>bob", "bob>carol", "alice>*"],
          ["bob>bob", "carol>alice"],
        ];
        append(storage, ...batches);
        // A first read, so that the entries are cached.
        const before = Array.from(storage.log.after(at(0)).entries);
        const entry = storage.log.find(at(2))?.entry;
        if (entry?.type !== "message") throw new Error("there is no entry 2");
        storage.transaction(() => storage.log.append([], [erased(entry)]));
        for (const { log } of [storage, opened.reopen()]) {
          const after = Array.from(log.after(at(0)).entries);
          expect(after.map(({ frame }) => JSON.parse(frame) as unknown)).toEqual(
            before.map(({ frame, seq }) =>
              seq === 2 ? JSON.parse(erased(entry).frame) : (JSON.parse(frame) as unknown),
            ),
          );
          expect(after[1]).toMatchObject(erased(entry));
          expect(after[1]?.frame).not.toContain("quoted");
          expect(log.find(at(2))).toMatchObject({
            entry: { text: "", erased: true, from: "bob" },
          });
          const back = Array.from(log.before(at(6), carol).entries);
          expect(back.find(({ seq }) => seq === 2)?.text).toBe("");
        }
        expect(concerning(storage, carol, 0)).toEqual([2, 3, 5]);
        // Everything else continues as before.
        append(storage, ["alice>bob"]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 3 }, 2_000));
        for (const { log } of [storage, opened.reopen()])
          expect([log.first, log.head]).toEqual([4, 6]);
      }));

    test("finds stored entries only", () =>
      run(({ storage }) => {
        expect(storage.log.find(at(0))).toBeUndefined();
        expect(storage.log.find(at(1))).toBeUndefined();
        append(storage, ["alice>bob"], ["bob>alice", "alice>*"]);
        const found = [0, 1, 2, 3, 4].map((seq) => storage.log.find(at(seq))?.entry.seq);
        expect(found).toEqual([undefined, 1, 2, 3, undefined]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 2 }, 2_000));
        expect([1, 2].map((seq) => storage.log.find(at(seq))?.entry.seq)).toEqual([undefined, 2]);
      }));

    test("reports its size and its oldest entry", () =>
      run((opened) => {
        const { storage } = opened;
        expect(storage.log.extent).toEqual({ bytes: 0, oldestAt: undefined });
        const size = (some: readonly Entry[]): number =>
          some.reduce((sum, { bytes }) => sum + bytes + 2, 0);
        const [first, second] = [
          entries(0, ["alice>bob", "alice>*"]),
          entries(2, ["bob>bob"], 5_000),
        ];
        for (const some of [first, second]) storage.transaction(() => storage.log.append(some));
        const whole = { bytes: size(first) + size(second), oldestAt: 1_001 };
        expect([storage.log.extent, opened.reopen().log.extent]).toEqual([whole, whole]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 1 }, 5_000));
        const rest = { bytes: size(second), oldestAt: 5_000 };
        expect([storage.log.extent, opened.reopen().log.extent]).toEqual([rest, rest]);
      }));

    test("forgets an append whose commit failed", () =>
      run((opened) => {
        append(opened.storage, ["alice>bob"]);
        const work = (): void => {
          opened.storage.log.append(entries(1, ["alice>*"]));
          throw new Error("no");
        };
        expect(() => opened.storage.transaction(work)).toThrow("no");
        expect(opened.reopen().log.head).toBe(1);
      }));
  });
}
