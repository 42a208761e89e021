/** When a turn waits for more to commit with it, and when it must not. */
import { expect, test } from "vitest";
import { Pace } from "../../src/core/pace.ts";

const SEND = '{"type":"send","id":"1","text":"hi"}';
const ACK = '{"type":"ack","seq":7}';
const nobody = (): boolean => false;

/** A pace of 500 ms, 100 ms after entries were stored. */
function paced(): { pace: Pace; now: number } {
  const pace = new Pace(500);
  pace.stored(10_000);
  return { pace, now: 10_100 };
}

test.each<[string, readonly string[], number]>([
  ["a message waits for the rest of the interval", [SEND], 400],
  ["a line of chat.line waits", ["bob: hi"], 400],
  ["acks do not wait", [ACK, ' { "type" : "ack", "seq": 8 }'], 0],
  ["acks wait with a message, which keeps the order of arrival", [ACK, SEND], 400],
  ["an ack in an array may have a message behind it", [`[${ACK},${SEND}]`], 400],
  ["joins, leaves and ticks do not wait", [], 0],
])("%s", (_case, frames, wait) => {
  const { pace, now } = paced();
  expect(pace.waitMs(frames, nobody, now)).toBe(wait);
});

test("the first message of all, and the first after quiet, does not wait", () => {
  expect(new Pace(500).waitMs([SEND], nobody, 10_000)).toBe(0);
  const { pace } = paced();
  expect(pace.waitMs([SEND], nobody, 10_499)).toBe(1);
  expect(pace.waitMs([SEND], nobody, 10_500)).toBe(0);
});

test("R11: nothing waits while somebody is behind", () => {
  const { pace, now } = paced();
  expect(pace.waitMs([SEND], () => true, now)).toBe(0);
});

test("without an interval nothing ever waits, wherever the clock goes", () => {
  const pace = new Pace(0);
  pace.stored(10_000);
  for (const now of [9_000, 10_000, 10_001]) expect(pace.waitMs([SEND], nobody, now)).toBe(0);
});

test("a clock that is put back does not lengthen the wait", () => {
  const { pace } = paced();
  expect(pace.waitMs([SEND], nobody, 5_000)).toBe(500);
});
