/**
 * The contract of every storage: one suite, run against the storage in memory and against SQLite in workerd.
 */
import { describe, expect, test } from "vitest";
import { concerns, encodeEntry, type Entry, redact } from "../../../src/core/entry.ts";
import { SCAN_BYTES } from "../../../src/core/limits.ts";
import { ROW_BYTES } from "../../../src/store/sql.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { Retention, Storage } from "../../../src/core/ports.ts";

export const named = (name: string): PeerName => name as PeerName;
export const at = (seq: number): Seq => seq as Seq;

const [alice, bob, carol] = [named("alice"), named("bob"), named("carol")];
const GENEROUS: Retention = { entries: 1e9, ageMs: 1e12, bytes: 1e12 };

/**
 * Makes entries from routes: `alice>bob` from alice to bob; `alice>*` to everyone. Seqs continue from `head`.
 */
export function entries(head: number, texts: readonly string[], now = 1_000): Entry[] {
  return texts.map((route, index) => {
    const [from = "", to = ""] = route.split(">");
    return encodeEntry({
      seq: at(head + index + 1),
      from: named(from),
      ...(to !== "*" && { to: to.split(",").map(named) }),
      text: `${route} "quoted", \n[{,\n}]`,
      at: now + index,
    });
  });
}

/** A storage that can be reopened on the same data, as after a crash. */
export interface Opened {
  readonly storage: Storage;
  reopen(): Storage;
}

export function storageContract(
  run: (work: (opened: Opened) => void) => void | Promise<void>,
): void {
  const appended = (storage: Storage, ...batches: string[][]): void => {
    for (const batch of batches) {
      storage.transaction(() => storage.log.append(entries(storage.log.head, batch)));
    }
  };
  const seqs = (some: Iterable<Entry>): number[] => Array.from(some, ({ seq }) => seq);
  const concerning = (storage: Storage, name: PeerName, since: number): number[] =>
    seqs(
      Array.from(storage.log.after(at(since), name).entries).filter((entry) =>
        concerns(entry, name),
      ),
    );

  describe("the log", () => {
    test("is empty at first", () =>
      run(({ storage: { log } }) => {
        expect([log.head, log.first, log.headAt]).toEqual([0, 1, 0]);
        expect(seqs(log.after(at(0)).entries)).toEqual([]);
        expect(log.after(at(0)).end).toBe(0);
        expect(seqs(log.before(at(1), alice).entries)).toEqual([]);
      }));

    test("gives back what was appended, to the letter, after a crash too", () =>
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

    test("gives each peer all that concerns it above a position, in order", () =>
      run(({ storage }) => {
        appended(storage, ["alice>bob", "bob>carol"], ["carol>carol"], ["alice>*", "alice>alice"]);
        expect(concerning(storage, bob, 0)).toEqual([1, 2, 4]);
        expect(concerning(storage, bob, 1)).toEqual([2, 4]);
        expect(concerning(storage, carol, 2)).toEqual([3, 4]);
        expect(concerning(storage, alice, 4)).toEqual([5]);
        expect(concerning(storage, alice, 5)).toEqual([]);
        expect(storage.log.after(at(0), bob).end).toBe(5);
      }));

    test("tells names apart that contain each other", () =>
      run(({ storage }) => {
        appended(storage, ["al>al"], ["alice>alice"], ["lice>lice"], ["al.ice>al.ice"]);
        for (const [index, name] of ["al", "alice", "lice", "al.ice"].entries()) {
          expect(concerning(storage, named(name), 0)).toEqual([index + 1]);
        }
      }));

    test("reads backward, what is for everyone included", () =>
      run(({ storage }) => {
        appended(storage, ["alice>bob", "alice>*"], ["carol>carol"], ["bob>bob"]);
        const scan = storage.log.before(at(5), bob);
        const wanted = Array.from(scan.entries).filter((entry) => concerns(entry, bob));
        expect(seqs(wanted)).toEqual([4, 2, 1]);
        expect(scan.end).toBe(1);
        const lower = Array.from(storage.log.before(at(2), bob).entries);
        expect(seqs(lower.filter((entry) => concerns(entry, bob)))).toEqual([1]);
      }));

    test("reads a long log in stretches that join without a hole", () =>
      run(({ storage }) => {
        const batch = Array.from({ length: 700 }, (_, index) => (index % 7 ? "al>al" : "al>bob"));
        for (let round = 0; round < 20; round++) appended(storage, batch);
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

    test("R8: a stretch in which much is to be read ends early, and the next goes on without a hole", () =>
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

    test("R8: what comes from the database counts as read, though it came for somebody else before", () =>
      run((opened) => {
        appended(opened.storage, ["al>bob"], ["al>bob"], ["al>bob"]);
        const reads = (): number => {
          const scan = opened.storage.log.after(at(0), bob);
          expect(Array.from(scan.entries, ({ seq }) => seq)).toEqual([1, 2, 3]);
          return scan.bytes;
        };
        const first = reads();
        expect(reads() > 0).toBe(first > 0);
      }));

    test("knows whom the entries above a position concern, and the last that concerns each", () =>
      run((opened) => {
        appended(opened.storage, ["alice>bob"], ["alice>*", "bob>bob"], ["bob>carol"]);
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

    test("erases the text of one entry: it alone, in every reading, after a crash too", () =>
      run((opened) => {
        const { storage } = opened;
        const batches = [
          ["alice>bob", "bob>carol", "alice>*"],
          ["bob>bob", "carol>alice"],
        ];
        appended(storage, ...batches);
        // A first read, so that the entries are cached.
        const before = Array.from(storage.log.after(at(0)).entries);
        const entry = storage.log.find(at(2));
        if (entry === undefined) throw new Error("there is no entry 2");
        storage.transaction(() => storage.log.replace(redact(entry)));
        for (const { log } of [storage, opened.reopen()]) {
          const after = Array.from(log.after(at(0)).entries);
          expect(after.map(({ frame }) => JSON.parse(frame) as unknown)).toEqual(
            before.map(({ frame, seq }) =>
              seq === 2 ? JSON.parse(redact(entry).frame) : (JSON.parse(frame) as unknown),
            ),
          );
          expect(after[1]).toMatchObject(redact(entry));
          expect(after[1]?.frame).not.toContain("quoted");
          expect(log.find(at(2))).toMatchObject({ text: "", redacted: true, from: "bob" });
          const back = Array.from(log.before(at(6), carol).entries);
          expect(back.find(({ seq }) => seq === 2)?.text).toBe("");
        }
        expect(concerning(storage, carol, 0)).toEqual([2, 3, 5]);
        // Everything else continues as before.
        appended(storage, ["alice>bob"]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 3 }, 2_000));
        for (const { log } of [storage, opened.reopen()])
          expect([log.first, log.head]).toEqual([4, 6]);
      }));

    test("finds what is kept, and nothing else", () =>
      run(({ storage }) => {
        expect(storage.log.find(at(0))).toBeUndefined();
        expect(storage.log.find(at(1))).toBeUndefined();
        appended(storage, ["alice>bob"], ["bob>alice", "alice>*"]);
        const found = [0, 1, 2, 3, 4].map((seq) => storage.log.find(at(seq))?.seq);
        expect(found).toEqual([undefined, 1, 2, 3, undefined]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 2 }, 2_000));
        expect([1, 2].map((seq) => storage.log.find(at(seq))?.seq)).toEqual([undefined, 2]);
      }));

    test("says how much it holds, and since when", () =>
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
        appended(opened.storage, ["alice>bob"]);
        const work = (): void => {
          opened.storage.log.append(entries(1, ["alice>*"]));
          throw new Error("no");
        };
        expect(() => opened.storage.transaction(work)).toThrow("no");
        expect(opened.reopen().log.head).toBe(1);
      }));
  });

  describe("the directory", () => {
    const known = (cursor: number, seen = 5) => ({
      owner: "",
      birth: at(0),
      cursor: at(cursor),
      seen,
      spent: [],
    });
    const stands = (cursor: number) => ({ cursor: at(cursor), spent: [] });

    test("remembers names with the next commit, and shows them at once", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, { ...known(0), owner: "hash" });
        expect(storage.directory.find(alice)?.owner).toBe("hash");
        expect(storage.directory.count()).toBe(1);
        expect(opened.reopen().directory.find(alice)).toBeUndefined();
        storage.transaction(() => {});
        expect(opened.reopen().directory.find(alice)).toEqual({ ...known(0), owner: "hash" });
        storage.directory.save(alice, { ...stands(7), seen: 9 });
        storage.directory.save(bob, { ...stands(7), seen: 9 });
        expect(storage.directory.find(alice)).toMatchObject({ cursor: 7, seen: 9, owner: "hash" });
        expect(storage.directory.find(bob)).toBeUndefined();
        storage.directory.forget(alice);
        storage.transaction(() => {});
        const { directory } = opened.reopen();
        expect([directory.find(alice), directory.count()]).toEqual([undefined, 0]);
      }));

    test("lists names by their UTF-8 bytes, in pages", () =>
      run(({ storage }) => {
        for (const name of ["b", "𝒜", "B", "é", "｡", "a"])
          storage.directory.claim(named(name), known(0));
        storage.transaction(() => {});
        expect(storage.directory.page("", 4)).toEqual(["B", "a", "b", "é"]);
        expect(storage.directory.page("é", 4)).toEqual(["｡", "𝒜"]);
      }));

    test("of a name's row and the checkpoint the one written later counts, not the higher", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, known(9));
        storage.directory.claim(bob, known(9));
        appended(storage, ["alice>bob"]);
        storage.transaction(() => {
          storage.log.append(entries(1, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, stands(3)]]));
        });
        const cursors = (from: Storage) =>
          [alice, bob].map((name) => from.directory.find(name)?.cursor);
        expect(cursors(storage)).toEqual([3, 9]);
        expect(cursors(opened.reopen())).toEqual([3, 9]);
        storage.directory.save(alice, { ...stands(1), seen: 6 });
        storage.transaction(() => {});
        expect(cursors(storage)).toEqual([1, 9]);
        expect(cursors(opened.reopen())).toEqual([1, 9]);
      }));

    test("a checkpoint counts over what was saved in its own commit", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, known(0));
        storage.directory.save(alice, { ...stands(8), seen: 6 });
        storage.transaction(() => {
          storage.log.append(entries(0, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, stands(2)]]));
        });
        expect(storage.directory.find(alice)?.cursor).toBe(2);
        expect(opened.reopen().directory.find(alice)?.cursor).toBe(2);
      }));

    test("a checkpoint keeps what the last one said of those who are not back", () =>
      run((opened) => {
        const names = ["alice", "bob", "carol"].map(named);
        const claim = opened.storage;
        for (const name of names) claim.directory.claim(name, known(0));
        const checkpoint = (storage: Storage, cursors: [PeerName, number][]): void =>
          storage.transaction(() => {
            storage.log.append(entries(storage.log.head, ["alice>bob", "alice>bob"]));
            const online = cursors.map(([name, cursor]) => [name, stands(cursor)] as const);
            storage.directory.checkpoint(new Map(online));
          });
        checkpoint(claim, [
          [alice, 1],
          [bob, 2],
          [carol, 2],
        ]);
        // After a crash, alice returns; carol returned and left.
        const second = opened.reopen();
        second.directory.save(carol, { ...stands(1), seen: 9 });
        checkpoint(second, [[alice, 3]]);
        for (const { directory } of [second, opened.reopen()]) {
          expect(names.map((name) => directory.find(name)?.cursor)).toEqual([3, 2, 1]);
        }
        expect(opened.reopen().directory.find(bob)?.seen).toBe(1_001);
      }));

    test("keeps what a name has added to the log of late, from the row or the checkpoint that is later", () =>
      run((opened) => {
        const { storage } = opened;
        const [some, more] = [1, 2].map((count) => [{ at: 7, entries: count, bytes: 50 }]);
        const spentBy = (from: Storage) => from.directory.find(alice)?.spent;
        storage.directory.claim(alice, known(0));
        storage.directory.save(alice, { ...stands(0), seen: 6, spent: more ?? [] });
        storage.transaction(() => {});
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([more, more]);
        storage.transaction(() => {
          storage.log.append(entries(0, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, { ...stands(1), spent: some ?? [] }]]));
        });
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([some, some]);
        storage.directory.save(alice, { ...stands(1), seen: 9 });
        storage.transaction(() => {});
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([[], []]);
      }));

    test("says for how many who are away something waits", () =>
      run((opened) => {
        const { storage } = opened;
        for (const [name, cursor] of [
          ["alice", 2],
          ["bob", 0],
          ["carol", 0],
        ] as const) {
          storage.directory.claim(named(name), known(cursor));
        }
        appended(storage, ["alice>bob", "carol>alice"]);
        const waiting = (from: Storage, online: PeerName[] = []) =>
          from.directory.waiting(new Set(online));
        expect([waiting(storage), waiting(storage, [bob])]).toEqual([2, 1]);
        expect(waiting(opened.reopen())).toBe(2);
        appended(storage, ["alice>*"]);
        expect(waiting(storage)).toBe(3);
      }));

    test("says who may be forgotten: gap only, nothing waiting, long away; longest away first", () =>
      run((opened) => {
        const { storage } = opened;
        const cursors: [string, number, number][] = [
          ["waits", 2, 900],
          ["waits-long", 2, 10],
          ["done-late", 5, 800],
          ["done-early", 5, 700],
          ["gap-late", 1, 600],
          ["gap-early", 0, 500],
        ];
        for (const [name, cursor, seen] of cursors) {
          storage.directory.claim(named(name), known(cursor, seen));
        }
        appended(
          storage,
          ["al>gap-late", "al>gap-early"],
          ["al>waits", "al>waits-long,al", "al>al"],
        );
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 3 }, 1_000));
        const wanted = ["gap-early", "gap-late", "done-early", "done-late", "waits-long"];
        const forgettable = (from: Storage) =>
          from.directory.forgettable(100).map(({ name }) => name);
        expect(forgettable(storage)).toEqual(wanted);
        expect(forgettable(opened.reopen())).toEqual(wanted);
        // An entry for everyone is pending for everyone.
        appended(storage, ["al>*"]);
        expect(forgettable(storage)).toEqual(["waits-long"]);
      }));
  });

  describe("erased", () => {
    test("everything is gone at once, for good, and what is opened then is another database", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, {
          owner: "hash",
          birth: at(0),
          cursor: at(0),
          seen: 5,
          spent: [],
        });
        appended(storage, ["alice>alice"], ["alice>*"]);
        // An unfinished scan does not prevent it.
        for (const entry of storage.log.after(at(0)).entries) if (entry.seq === 1) break;
        storage.erase();
        const next = opened.reopen();
        expect([next.log.head, next.log.first]).toEqual([0, 1]);
        expect([next.directory.count(), next.directory.find(alice)]).toEqual([0, undefined]);
        expect(next.id).not.toBe(storage.id);
        appended(next, ["alice>alice"]);
        expect(opened.reopen().log.head).toBe(1);
      }));
  });
}
