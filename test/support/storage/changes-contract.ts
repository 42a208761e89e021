/** The contract of a log whose older entries change, as in storage-contract.ts. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  concerns,
  encodeEntry,
  type Entry,
  type Message,
  namesOf,
} from "../../../src/core/entry.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { Log, Storage } from "../../../src/core/ports.ts";
import { fuzz } from "../arbitraries.ts";
import {
  alice,
  append,
  at,
  bob,
  carol,
  entries,
  GENEROUS,
  type Opened,
  type Run,
} from "./opened.ts";

const NAMES = [alice, bob, carol] as const;

/** Returns the message at `seq` with another text. */
export function edited({ log }: Storage, seq: number, text: string): Message {
  const entry = log.find(at(seq))?.entry;
  if (entry?.type !== "message") throw new Error(`there is no message ${seq}`);
  return encodeEntry({ ...entry, text });
}

/** Commits one new entry together with changes of older ones, by their seqs. */
export function change(
  storage: Storage,
  texts: ReadonlyMap<number, string>,
  route = "al>al",
): void {
  const changed = [...texts].map(([seq, text]) => edited(storage, seq, text));
  storage.transaction(() => storage.log.append(entries(storage.log.head, [route]), changed));
}

/** All entries that `read` gives from one end of the log to the other, stretch by stretch. */
function forward(log: Log, since: Seq, name?: PeerName): Entry[] {
  const read: Entry[] = [];
  for (let position = since; position < log.head;) {
    const scan = log.after(position, name);
    read.push(...scan.entries);
    position = scan.end;
  }
  return read;
}

function backward(log: Log, below: Seq, name: PeerName): Entry[] {
  const read: Entry[] = [];
  for (let top = below; top > log.first;) {
    const scan = log.before(top, name);
    read.push(...scan.entries);
    top = scan.end;
  }
  return read;
}

const textsOf = (some: readonly Entry[]): string[] =>
  some.map(({ seq, text = "" }) => `${seq}: ${text}`);
const sizeOf = (some: readonly Entry[]): number =>
  some.reduce((sum, { bytes }) => sum + bytes + 2, 0);

/** Compares every read of the log with the entries that it is to hold. */
export function expectLog(opened: Opened, wanted: readonly Entry[]): void {
  const { storage } = opened;
  for (const { log } of [storage, opened.reopen()]) {
    const first = wanted[0]?.seq ?? 1;
    expect([log.first, log.head]).toEqual([first, wanted.at(-1)?.seq ?? 0]);
    expect(textsOf(forward(log, at(first - 1)))).toEqual(textsOf(wanted));
    for (const name of NAMES) {
      const own = wanted.filter((entry) => concerns(entry, name));
      const middle = at(Math.floor((first + log.head) / 2));
      for (const since of [at(first - 1), middle]) {
        const read = forward(log, since, name).filter((entry) => concerns(entry, name));
        expect(textsOf(read)).toEqual(textsOf(own.filter(({ seq }) => seq > since)));
        expectAudience(log, since, name, wanted);
      }
      for (const below of [at(log.head + 1), middle]) {
        const read = backward(log, below, name).filter((entry) => concerns(entry, name));
        const upwards = own.filter(({ seq }) => seq < below);
        expect(textsOf(read)).toEqual(textsOf(upwards.toReversed()));
      }
    }
  }
}

/** The index may tell of entries below `since`, and must tell of the last one above. */
function expectAudience(log: Log, since: Seq, name: PeerName, wanted: readonly Entry[]): void {
  const { everyone, personal } = log.audienceAbove(since);
  const above = wanted.filter(({ seq }) => seq > since);
  const lastForAll = above.findLast(({ to }) => to === undefined)?.seq;
  if (lastForAll === undefined) expect(everyone).toBeLessThanOrEqual(since);
  else expect(everyone).toBe(lastForAll);
  const last = above.findLast((entry) => entry.to !== undefined && namesOf(entry).includes(name));
  if (last === undefined) expect(personal.get(name) ?? 0).toBeLessThanOrEqual(since);
  else expect(personal.get(name)).toBe(last.seq);
}

const ROUTES = ["alice>bob", "bob>carol", "alice>*", "carol>alice,bob", "bob>bob"] as const;

/** Routes of a row of tiny entries, which fills 2 MB when each is changed to `LONG`. */
export const TINY: readonly string[] = Array.from(
  { length: 250 },
  (_, index) => ROUTES[index % ROUTES.length] ?? "",
);
export const LONG = "é".repeat(4_000);

/** Changes every entry of a row of `TINY` that begins at `first`, so many in a commit. */
export function growsLong(storage: Storage, first: number, count = 50): void {
  for (let start = 0; start < TINY.length; start += count) {
    const seqs = Array.from({ length: count }, (_, index) => first + start + index);
    change(storage, new Map(seqs.map((seq) => [seq, `${seq} ${LONG}`])));
  }
}

export function changesContract(run: Run): void {
  describe("the log, changed", () => {
    test.each([
      ["of one row", 1],
      ["of more rows than a log keeps in memory", 40],
    ])("replaces several entries %s in the commit of their patches", (_where, rows) =>
      run((opened) => {
        const { storage } = opened;
        const row = ["alice>bob", "bob>carol", "alice>*"];
        append(storage, ...Array.from({ length: rows }, () => row));
        const texts = new Map<number, string>();
        for (let i = 0; i < rows; i++) texts.set(i * 3 + 1, `longer ${LONG}`).set(i * 3 + 3, "x");
        const wanted = forward(storage.log, at(0)).map((entry) =>
          texts.has(entry.seq) ? edited(storage, entry.seq, texts.get(entry.seq) ?? "") : entry,
        );
        change(storage, texts, "bob>*");
        expectLog(opened, [...wanted, ...entries(rows * 3, ["bob>*"])]);
      }),
    );

    test("changes one entry again and again, and ignores one that is no longer kept", () =>
      run((opened) => {
        const { storage } = opened;
        append(storage, ["alice>bob", "bob>bob"], ["alice>*"]);
        const gone = edited(storage, 1, "gone");
        for (const text of ["one", "two", "three"]) change(storage, new Map([[3, text]]));
        storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 4 }, 2_000));
        storage.transaction(() => storage.log.append(entries(6, ["bob>*"]), [gone]));
        expect(textsOf(forward(storage.log, at(2)))[0]).toBe("3: three");
        expect(storage.log.find(at(1))).toBeUndefined();
        expect([opened.reopen().log.first, opened.reopen().log.head]).toEqual([3, 7]);
      }));

    test("counts growth towards its size", () =>
      run((opened) => {
        const { storage } = opened;
        append(storage, ["alice>bob"], ["alice>*", "bob>bob"]);
        change(storage, new Map([1, 3].map((seq) => [seq, LONG])));
        const bytes = sizeOf(forward(storage.log, at(0)));
        expect(bytes).toBeGreaterThan(16_000);
        expect(storage.log.extent.bytes).toBe(bytes);
        expect(opened.reopen().log.extent.bytes).toBe(bytes);
        // With it, the log exceeds its bound, and its oldest row goes.
        storage.transaction(() => storage.log.trim({ ...GENEROUS, bytes: bytes - 1 }, 2_000));
        expect(storage.log.first).toBe(2);
      }));

    test.each([
      ["the oldest row", [], ["alice>bob"], 50],
      ["a row between others", [["bob>*"], ["carol>alice"]], ["alice>bob", "bob>*"], 50],
      ["the only row", [], [], TINY.length],
      ["the newest row", [["bob>*", "alice>carol"]], [], TINY.length],
    ])(
      "a row of tiny entries that all grow long, %s, is read as before by everyone",
      (_which, before, after, count) =>
        run((opened) => {
          const { storage } = opened;
          append(storage, ...before, [...TINY]);
          const first = storage.log.head - TINY.length + 1;
          if (after.length > 0) append(storage, after);
          growsLong(storage, first, count);
          const wanted = forward(storage.log, at(0));
          expect(wanted.map(({ seq }) => seq)).toEqual(wanted.map((_, index) => index + 1));
          expect(wanted[first - 1]?.text).toBe(`${first} ${LONG}`);
          expectLog(opened, wanted);
          append(storage, ["alice>*"]);
          expect(storage.log.head).toBe(wanted.length + 1);
          storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 1 }, 2_000));
          const { log } = opened.reopen();
          expect([storage.log.first, log.first]).toEqual([log.head, log.head]);
        }),
    );

    test("any changes leave every read as it is without them, but for the texts", () => {
      const route = fc.constantFrom(...ROUTES);
      const step = fc.record({
        rows: fc.array(fc.array(route, { minLength: 1, maxLength: 90 }), { maxLength: 2 }),
        /** Which entries change, as parts of the log, and to how many times a long text. */
        changes: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(60)), {
          maxLength: 12,
        }),
      });
      return fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          await run((opened) => {
            const { storage } = opened;
            const wanted: Entry[] = [];
            for (const { rows, changes } of steps) {
              for (const row of rows) {
                wanted.push(...entries(storage.log.head, row));
                append(storage, row);
              }
              if (wanted.length === 0) continue;
              const texts = new Map<number, string>();
              for (const [where, times] of changes) {
                texts.set(Math.floor(where * wanted.length) + 1, LONG.repeat(times));
              }
              for (const [seq, text] of texts) wanted[seq - 1] = edited(storage, seq, text);
              wanted.push(...entries(storage.log.head, ["bob>*"]));
              change(storage, texts, "bob>*");
            }
            if (wanted.length > 0) expectLog(opened, wanted);
          });
        }),
        fuzz(25),
      );
    });
  });
}
