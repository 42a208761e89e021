/** Rows of the log whose entries change: what is on the disk, also of rows that an older release wrote. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { type Entry, isOperatorPatch } from "../../src/core/entry.ts";
import type { Seq } from "../../src/protocol/ids.ts";
import { migrate, MIGRATIONS } from "../../src/store/schema.ts";
import { ROW_BYTES, Sql } from "../../src/store/sql.ts";
import { SPLIT_BYTES } from "../../src/store/segment-writer.ts";
import { SqliteStorage } from "../../src/store/sqlite-storage.ts";
import { change, edited, growsLong, LONG, TINY } from "../support/storage/changes-contract.ts";
import { append, at, bob, carol, GENEROUS } from "../support/storage/opened.ts";

let rooms = 0;
const onDisk = (work: (disk: DurableObjectStorage) => void): Promise<void> =>
  runInDurableObject(env.CHAT_ROOM.getByName(`rows-${rooms++}`), (_room, { storage }) =>
    work(storage),
  );
const open = (disk: DurableObjectStorage): SqliteStorage => new SqliteStorage(disk, () => "id");

interface StoredRow extends Record<string, SqlStorageValue> {
  text: string;
  audience: string;
}

/** The rows of the log, each checked: its place, its size, and its index. @returns the first and last of each */
function rowsOf(disk: DurableObjectStorage): [first: number, last: number][] {
  const rows = disk.sql
    .exec<StoredRow>("SELECT *, CAST(body AS TEXT) AS text FROM segments ORDER BY last")
    .toArray();
  let [next, total] = [Number(rows[0]?.["first"]), Number.NaN];
  return rows.map((row) => {
    const { text, audience } = row;
    const entries = JSON.parse(text) as Entry[];
    const last = next + entries.length - 1;
    const bytes = new TextEncoder().encode(text).length;
    const personal = new Map<string, number>();
    for (const entry of entries) {
      if (entry.to === undefined) continue;
      const names = isOperatorPatch(entry) ? entry.to : [entry.from, ...entry.to];
      for (const name of names) personal.set(name, entry.seq);
    }
    const listed = audience.trim().split(" ").filter(Boolean).sort();
    expect(listed).toEqual(Array.from(personal, ([name, seq]) => `${name}:${seq}`).sort());
    expect(row).toMatchObject({
      first: next,
      last,
      everyone: entries.findLast(({ to }) => to === undefined)?.seq ?? 0,
    });
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => next + index));
    expect(row["size"] ?? row["bytes"]).toBe(bytes);
    expect(bytes).toBeLessThanOrEqual(SPLIT_BYTES);
    if (!Number.isNaN(total)) expect(row["total"]).toBe(total + Number(row["bytes"]));
    total = Number(row["total"]);
    next = last + 1;
    return [Number(row["first"]), last];
  });
}

describe("a row of tiny entries that all grow long", () => {
  test.each([
    ["the oldest", [], 50],
    ["between others", [["bob>*"], ["carol>alice"]], 50],
    ["the newest", [["bob>*"]], TINY.length],
  ])("R8: is split, so that no row exceeds 1 MiB: %s", (_which, before, count) =>
    onDisk((disk) => {
      const storage = open(disk);
      append(storage, ...before, [...TINY]);
      const first = storage.log.head - TINY.length + 1;
      const untouched = before.length;
      growsLong(storage, first, count);
      const rows = rowsOf(disk);
      const parts = rows.filter(([start]) => start >= first && start < first + TINY.length);
      expect(parts.length).toBeGreaterThan(2);
      expect(rows).toHaveLength(untouched + parts.length + TINY.length / count);
      expect(disk.sql.exec("SELECT sum(length(body)) AS n FROM segments").one()["n"]).toBeLessThan(
        4 * ROW_BYTES,
      );
    }),
  );

  test("is trimmed part by part, and its growth counts until its patches are trimmed", () =>
    onDisk((disk) => {
      const storage = open(disk);
      append(storage, [...TINY]);
      const tiny = storage.log.extent.bytes;
      growsLong(storage, 1);
      const { bytes } = storage.log.extent;
      expect(bytes).toBeGreaterThan(TINY.length * LONG.length * 2);
      storage.transaction(() => storage.log.trim({ ...GENEROUS, entries: 150 }, 2_000));
      const [[first] = [0]] = rowsOf(disk);
      expect(first).toBeGreaterThan(1);
      expect(first).toBeLessThanOrEqual(TINY.length);
      expect([storage.log.first, open(disk).log.first]).toEqual([first, first]);
      // The commits of its patches are all there.
      expect(storage.log.extent.bytes).toBeGreaterThan(bytes - tiny - 1);
      storage.transaction(() => storage.log.trim({ ...GENEROUS, bytes: tiny }, 2_000));
      expect(storage.log.first).toBe(storage.log.head);
      expect(open(disk).log.extent).toEqual(storage.log.extent);
    }));
});

/** Frames as release 1 wrote them, in one row. */
const OLD_FRAMES = [
  `{"type":"message","seq":1,"from":"alice","to":["bob"],"text":"one","id":"m1","at":7}`,
  `{"type":"message","seq":2,"from":"alice","to":["bob"],"text":"","id":"m2","at":7,"redacted":true}`,
  `{"type":"message","seq":3,"from":"bob","text":"three","at":7}`,
];

test.each([1, 2])("R3: a row of schema %i is read, changed and counted as a new one", (version) =>
  onDisk((disk) => {
    expect(migrate(disk, new Sql(disk.sql), () => "old", MIGRATIONS.slice(0, version))).toBe("old");
    const body = `[${OLD_FRAMES.join(",\n")}]`;
    disk.sql.exec(
      `INSERT INTO segments (last, first, at, everyone, bytes, total, audience, body)
       VALUES (3, 1, 7, 3, ${body.length}, ${body.length}, ' alice:2 bob:2 ', ?)`,
      body,
    );
    const storage = open(disk);
    expect([storage.id, storage.log.first, storage.log.head]).toEqual(["old", 1, 3]);
    expect(storage.log.extent.bytes).toBe(body.length);
    const read = Array.from(storage.log.after(at(0), bob).entries);
    expect(read.map(({ frame }) => JSON.parse(frame) as unknown)).toMatchObject([
      { text: "one" },
      { seq: 2, from: "alice", to: ["bob"], text: "", id: "m2", erased: true, by: "operator" },
      { text: "three" },
    ]);
    expect(read[1]?.frame).not.toContain("redacted");
    change(storage, new Map([[1, LONG]]));
    rowsOf(disk);
    const grown = new TextEncoder().encode(LONG).length - "one".length;
    const [own] = disk.sql.exec("SELECT bytes, size FROM segments WHERE last = 4");
    expect(own).toMatchObject({ bytes: Number(own?.["size"]) + grown });
    const again = Array.from(open(disk).log.after(at(0), bob).entries, ({ text }) => text);
    expect(again.slice(0, 3)).toEqual([LONG, "", "three"]);
  }),
);

test("R7: a damaged entry of a row is its readers' trouble only, though others of the row change and it is split", () =>
  onDisk((disk) => {
    const storage = open(disk);
    append(storage, [...TINY, "carol>carol"]);
    const damaged = TINY.length + 1;
    disk.sql.exec(
      `UPDATE segments SET body = replace(body, '"from":"carol","to":["carol"]', '"from":"carol","to":["carol"')`,
    );
    const log = open(disk);
    growsLong(log, 1);
    expect(() => log.log.find(at(damaged))).toThrow("cannot be read");
    expect(log.log.find(at(damaged - 1))?.entry.text).toContain(LONG);
    const reads = (name: typeof bob): number[] => {
      const seqs: number[] = [];
      for (let since = 0 as Seq; since < log.log.head;) {
        const scan = log.log.after(since, name);
        for (const { seq } of scan.entries) seqs.push(seq);
        since = scan.end;
      }
      return seqs;
    };
    expect(reads(bob)).toContain(1);
    expect(reads(bob)).not.toContain(damaged);
    expect(() => reads(carol)).toThrow("cannot be read");
    // It is still there, as it is, for whoever repairs it.
    const row = 'SELECT count(*) AS n FROM segments WHERE instr(body, \'"to":["carol",\')';
    expect(disk.sql.exec(row).one()["n"]).toBe(1);
    expect(edited(log, 1, "x").text).toBe("x");
  }));
