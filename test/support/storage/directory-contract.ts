/** The contract of a directory, as in storage-contract.ts. */
import { describe, expect, test } from "vitest";
import type { PeerName } from "../../../src/protocol/ids.ts";
import type { Storage } from "../../../src/core/ports.ts";
import { alice, append, at, bob, carol, entries, GENEROUS, named, type Run } from "./opened.ts";

export function directoryContract(run: Run): void {
  describe("the directory", () => {
    const record = (cursor: number, seen = 5) => ({
      owner: "",
      birth: at(0),
      cursor: at(cursor),
      seen,
      spent: [],
    });
    const progress = (cursor: number) => ({ cursor: at(cursor), spent: [] });

    test("stores names with the next commit, and returns them at once", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, { ...record(0), owner: "hash" });
        expect(storage.directory.find(alice)?.owner).toBe("hash");
        expect(storage.directory.count()).toBe(1);
        expect(opened.reopen().directory.find(alice)).toBeUndefined();
        storage.transaction(() => {});
        expect(opened.reopen().directory.find(alice)).toEqual({ ...record(0), owner: "hash" });
        storage.directory.save(alice, { ...progress(7), seen: 9 });
        storage.directory.save(bob, { ...progress(7), seen: 9 });
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
          storage.directory.claim(named(name), record(0));
        storage.transaction(() => {});
        expect(storage.directory.page("", 4)).toEqual(["B", "a", "b", "é"]);
        expect(storage.directory.page("é", 4)).toEqual(["｡", "𝒜"]);
      }));

    test("of a name's row and the checkpoint, the later one counts, not the higher", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, record(9));
        storage.directory.claim(bob, record(9));
        append(storage, ["alice>bob"]);
        storage.transaction(() => {
          storage.log.append(entries(1, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, progress(3)]]));
        });
        const cursors = (from: Storage) =>
          [alice, bob].map((name) => from.directory.find(name)?.cursor);
        expect(cursors(storage)).toEqual([3, 9]);
        expect(cursors(opened.reopen())).toEqual([3, 9]);
        storage.directory.save(alice, { ...progress(1), seen: 6 });
        storage.transaction(() => {});
        expect(cursors(storage)).toEqual([1, 9]);
        expect(cursors(opened.reopen())).toEqual([1, 9]);
      }));

    test("a checkpoint overrides rows saved in its own commit", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, record(0));
        storage.directory.save(alice, { ...progress(8), seen: 6 });
        storage.transaction(() => {
          storage.log.append(entries(0, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, progress(2)]]));
        });
        expect(storage.directory.find(alice)?.cursor).toBe(2);
        expect(opened.reopen().directory.find(alice)?.cursor).toBe(2);
      }));

    test("a checkpoint keeps the cursors of peers that have not returned", () =>
      run((opened) => {
        const names = ["alice", "bob", "carol"].map(named);
        const claim = opened.storage;
        for (const name of names) claim.directory.claim(name, record(0));
        const checkpoint = (storage: Storage, cursors: [PeerName, number][]): void =>
          storage.transaction(() => {
            storage.log.append(entries(storage.log.head, ["alice>bob", "alice>bob"]));
            const online = cursors.map(([name, cursor]) => [name, progress(cursor)] as const);
            storage.directory.checkpoint(new Map(online));
          });
        checkpoint(claim, [
          [alice, 1],
          [bob, 2],
          [carol, 2],
        ]);
        // After a crash, alice returns; carol returned and left.
        const second = opened.reopen();
        second.directory.save(carol, { ...progress(1), seen: 9 });
        checkpoint(second, [[alice, 3]]);
        for (const { directory } of [second, opened.reopen()]) {
          expect(names.map((name) => directory.find(name)?.cursor)).toEqual([3, 2, 1]);
        }
        expect(opened.reopen().directory.find(bob)?.seen).toBe(1_001);
      }));

    test("keeps a name's recent quota usage, from the row or the checkpoint that is later", () =>
      run((opened) => {
        const { storage } = opened;
        const [some, more] = [1, 2].map((count) => [{ at: 7, entries: count, bytes: 50 }]);
        const spentBy = (from: Storage) => from.directory.find(alice)?.spent;
        storage.directory.claim(alice, record(0));
        storage.directory.save(alice, { ...progress(0), seen: 6, spent: more ?? [] });
        storage.transaction(() => {});
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([more, more]);
        storage.transaction(() => {
          storage.log.append(entries(0, ["alice>bob"]));
          storage.directory.checkpoint(new Map([[alice, { ...progress(1), spent: some ?? [] }]]));
        });
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([some, some]);
        storage.directory.save(alice, { ...progress(1), seen: 9 });
        storage.transaction(() => {});
        expect([spentBy(storage), spentBy(opened.reopen())]).toEqual([[], []]);
      }));

    test("counts the absent names with pending entries", () =>
      run((opened) => {
        const { storage } = opened;
        for (const [name, cursor] of [
          ["alice", 2],
          ["bob", 0],
          ["carol", 0],
        ] as const) {
          storage.directory.claim(named(name), record(cursor));
        }
        append(storage, ["alice>bob", "carol>alice"]);
        const waiting = (from: Storage, online: PeerName[] = []) =>
          from.directory.waiting(new Set(online));
        expect([waiting(storage), waiting(storage, [bob])]).toEqual([2, 1]);
        expect(waiting(opened.reopen())).toBe(2);
        append(storage, ["alice>*"]);
        expect(waiting(storage)).toBe(3);
      }));

    test("lists the names to evict: gap only, nothing pending, long absent; longest absent first", () =>
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
          storage.directory.claim(named(name), record(cursor, seen));
        }
        append(storage, ["al>gap-late", "al>gap-early"], ["al>waits", "al>waits-long,al", "al>al"]);
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 3 }, 1_000));
        const wanted = ["gap-early", "gap-late", "done-early", "done-late", "waits-long"];
        const forgettable = (from: Storage) =>
          from.directory.forgettable(100).map(({ name }) => name);
        expect(forgettable(storage)).toEqual(wanted);
        expect(forgettable(opened.reopen())).toEqual(wanted);
        // An entry for everyone is pending for everyone.
        append(storage, ["al>*"]);
        expect(forgettable(storage)).toEqual(["waits-long"]);
      }));
  });
}
