/** The contract of every storage: one suite, run against the storage in memory and against SQLite in workerd. */
import { describe, expect, test } from "vitest";
import { changesContract } from "./changes-contract.ts";
import { directoryContract } from "./directory-contract.ts";
import { logContract } from "./log-contract.ts";
import { alice, append, at, type Run } from "./opened.ts";

export function storageContract(run: Run): void {
  logContract(run);
  changesContract(run);
  directoryContract(run);

  describe("erased", () => {
    test("everything is gone at once and permanently, and reopening gives another database", () =>
      run((opened) => {
        const { storage } = opened;
        storage.directory.claim(alice, {
          owner: "hash",
          birth: at(0),
          cursor: at(0),
          seen: 5,
          spent: [],
        });
        append(storage, ["alice>alice"], ["alice>*"]);
        // An unfinished scan does not prevent it.
        for (const entry of storage.log.after(at(0)).entries) if (entry.seq === 1) break;
        storage.erase();
        const next = opened.reopen();
        expect([next.log.head, next.log.first]).toEqual([0, 1]);
        expect([next.directory.count(), next.directory.find(alice)]).toEqual([0, undefined]);
        expect(next.id).not.toBe(storage.id);
        append(next, ["alice>alice"]);
        expect(opened.reopen().log.head).toBe(1);
      }));
  });
}
