/** When a turn waits for more items to commit with it, and when it must not. */
import { describe, expect, test } from "vitest";
import { BATCH_ITEMS, BATCH_MS, BatchTimer } from "../../../src/durable-object/batch-timer.ts";

const SEND = '{"type":"send","id":"1","text":"hi"}';
const ACK = '{"type":"ack","seq":7}';
const nobodyBehind = (): boolean => false;

/** A timer of 500 ms, 100 ms after entries were committed. */
function committed(): { timer: BatchTimer; now: number } {
  const timer = new BatchTimer(500);
  timer.committed(10_000);
  return { timer, now: 10_100 };
}

test.each<[string, readonly string[], number]>([
  ["a message waits for the rest of the interval", [SEND], 400],
  ["a line of chat.line waits", ["bob: hi"], 400],
  ["acks do not wait", [ACK, ' { "type" : "ack", "seq": 8 }'], 0],
  ["acks wait with a message, which keeps the order of arrival", [ACK, SEND], 400],
  ["an ack in an array may have a message behind it", [`[${ACK},${SEND}]`], 400],
  ["joins, leaves and ticks do not wait", [], 0],
])("%s", (_case, frames, wait) => {
  const { timer, now } = committed();
  expect(timer.waitMs(frames, nobodyBehind, now)).toBe(wait);
});

test("the first message of all, and the first after quiet, do not wait", () => {
  expect(new BatchTimer(500).waitMs([SEND], nobodyBehind, 10_000)).toBe(0);
  const { timer } = committed();
  expect(timer.waitMs([SEND], nobodyBehind, 10_499)).toBe(1);
  expect(timer.waitMs([SEND], nobodyBehind, 10_500)).toBe(0);
});

test("R11: nothing waits while a peer is behind", () => {
  const { timer, now } = committed();
  expect(timer.waitMs([SEND], () => true, now)).toBe(0);
});

test("without an interval nothing ever waits, whatever the clock does", () => {
  const timer = new BatchTimer(0);
  timer.committed(10_000);
  for (const now of [9_000, 10_000, 10_001])
    expect(timer.waitMs([SEND], nobodyBehind, now)).toBe(0);
});

test("a clock that is put back does not lengthen the wait", () => {
  const { timer } = committed();
  expect(timer.waitMs([SEND], nobodyBehind, 5_000)).toBe(500);
});

describe("batching", () => {
  /** A turn whose first item came at 10,000 ms. */
  const started = (): BatchTimer => {
    const timer = new BatchTimer(0);
    timer.start(10_000);
    return timer;
  };

  test("a single message is committed at the first check", () => {
    expect(started().shouldKeepBatching(1, 10_000)).toBe(false);
  });

  test("as long as many items come between checks, the turn goes on batching", () => {
    const timer = started();
    const checks = [9, 40, 48, 55, 80].map((items) => timer.shouldKeepBatching(items, 10_001));
    expect(checks).toEqual([true, true, true, false, true]);
  });

  test("a steady trickle is not waited for", () => {
    expect(started().shouldKeepBatching(BATCH_ITEMS, 10_001)).toBe(false);
  });

  test("R7: a flood that never ends is cut after 20 ms", () => {
    const timer = started();
    expect(timer.shouldKeepBatching(100, 10_000 + BATCH_MS - 1)).toBe(true);
    expect(timer.shouldKeepBatching(200, 10_000 + BATCH_MS)).toBe(false);
  });

  test("a clock that is put back ends it", () => {
    expect(started().shouldKeepBatching(100, 9_999)).toBe(false);
  });

  test("the counts of the previous turn do not apply to the next", () => {
    const timer = started();
    timer.shouldKeepBatching(100, 10_001);
    timer.start(10_002);
    expect(timer.shouldKeepBatching(1 + BATCH_ITEMS, 10_002)).toBe(true);
  });
});
