/** Rows of the log as read from the disk: whole ones, damaged ones, and what stays of them in memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { encodeEntry, joinFrames } from "../../../src/core/entry.ts";
import { MIB } from "../../../src/core/limits.ts";
import { DECODE_CHUNK_BYTES, Segment } from "../../../src/store/segment.ts";
import { ROW_BYTES, Sql } from "../../../src/store/sql.ts";
import { SqliteLog } from "../../../src/store/sqlite-log.ts";
import { peer, seq } from "../../support/arbitraries.ts";

const [alice, bob, carol] = [peer("alice"), peer("bob"), peer("carol")];
const frameOf = (number: number, text: string, to = bob): string =>
  encodeEntry({ type: "message", seq: seq(number), from: alice, to: [to], text, at: 7 }).frame;

const utf8 = (body: string): ArrayBuffer => new TextEncoder().encode(body).buffer;

const FIRST = frameOf(1, "x".repeat(DECODE_CHUNK_BYTES));
const SECOND = frameOf(2, "hi");

describe.each([
  ["as text", (body: string) => body],
  ["in UTF-8", utf8],
])("a row that is to hold two entries, %s,", (_form, made) => {
  const read = (body: SqlStorageValue): number[] => {
    const segment = new Segment({ first: 1, last: 2, bytes: 1_000, body });
    return Array.from(segment.above(seq(0), bob), (entry) => entry.seq);
  };

  test("gives both", () => expect(read(made(`[${FIRST},\n${SECOND}]`))).toEqual([1, 2]));

  test.each([
    ["nothing", made("")],
    ["half a list", made("[")],
    ["an empty list", made("[]")],
    ["only one of them", made(`[${FIRST}]`)],
    ["no end", made(`[${FIRST},\n`)],
    ["a comma too many", made(`[${FIRST},\n${SECOND},\n]`)],
    ["one more", made(`[${FIRST},\n${SECOND},\n${SECOND}]`)],
    ["another letter between them", made(`[${FIRST};\n${SECOND}]`)],
    ["the two in one line", made(`[${FIRST},${SECOND}]`)],
    ["invalid UTF-8", new Uint8Array(1_000).fill(0xff).buffer],
    ["a hole", null],
    ["a number", 7],
  ])("is damaged if there is: %s", (_what, body) =>
    expect(() => read(body)).toThrow("cannot be read"),
  );
});

/** A database in which every row has the maximum length, and only its first entry concerns bob. */
function largeRows(): Sql {
  const texts = Array.from({ length: 200 }, () => "x".repeat(ROW_BYTES / 200 - 100));
  const frames = texts.map((text, index) => frameOf(index + 1, text, index === 0 ? bob : carol));
  const body = utf8(joinFrames(frames));
  const extent = { first: 1, last: 200, at: 7, bytes: ROW_BYTES, total: ROW_BYTES };
  const exec = (query: string): object => {
    const isExtent = query.includes("total");
    const row = isExtent ? extent : { ...extent, end: 200, body: body.slice(0) };
    return Object.assign([row].values(), { rowsRead: 1, rowsWritten: 0 });
  };
  return new Sql({ exec } as unknown as SqlStorage);
}

test("rows that were read are freed without a major GC", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: { type: "minor" | "major" }) => void;
  const scans = (count: number): void => {
    for (let scan = 0; scan < count; scan++) {
      // A new log each time, since a log that caches the row does not read it again.
      const { entries } = new SqliteLog(largeRows()).after(seq(0), bob);
      expect(Array.from(entries, (entry) => entry.seq)).toEqual([1]);
    }
  };
  scans(10);
  collect({ type: "major" });
  const before = process.memoryUsage().heapUsed;
  for (let round = 0; round < 10; round++) {
    scans(10);
    // Twice: objects that are alive in the first collection are old after the second.
    collect({ type: "minor" });
    collect({ type: "minor" });
  }
  expect((process.memoryUsage().heapUsed - before) / MIB).toBeLessThan(10);
});
