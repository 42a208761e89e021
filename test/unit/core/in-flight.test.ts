/** The entries in flight to one peer: pushed in order, acknowledged up to a position. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  initialInFlight,
  type InFlight,
  countInFlight,
  ackUpTo,
  push,
} from "../../../src/core/peers/in-flight.ts";
import { fuzz, seq } from "../../support/arbitraries.ts";

const pushed = (...sizes: readonly (readonly [seq: number, bytes: number])[]): InFlight => {
  const inFlight = initialInFlight();
  for (const [position, bytes] of sizes) push(inFlight, seq(position), bytes);
  return inFlight;
};

test.each([
  ["nothing, from nothing", pushed(), 9, 0, 0, 0],
  ["below the first", pushed([5, 10], [6, 20]), 4, 0, 2, 30],
  ["the first", pushed([5, 10], [6, 20]), 5, 10, 1, 20],
  ["between two", pushed([5, 10], [9, 20]), 8, 10, 1, 20],
  ["all", pushed([5, 10], [6, 20]), 6, 30, 0, 0],
  ["beyond all", pushed([5, 10], [6, 20]), 99, 30, 0, 0],
  ["an item without bytes", pushed([5, 0], [6, 20]), 5, 0, 1, 20],
])("an ack acknowledges %s", (_what, inFlight, upTo, freed, count, bytes) => {
  expect(ackUpTo(inFlight, seq(upTo))).toBe(freed);
  expect([countInFlight(inFlight), inFlight.bytes]).toEqual([count, bytes]);
});

test("a repeated or lower ack acknowledges nothing", () => {
  const inFlight = pushed([1, 10], [2, 20], [3, 30]);
  expect(ackUpTo(inFlight, seq(2))).toBe(30);
  expect(ackUpTo(inFlight, seq(2))).toBe(0);
  expect(ackUpTo(inFlight, seq(1))).toBe(0);
  expect([countInFlight(inFlight), inFlight.bytes]).toEqual([1, 30]);
});

test("one empty list is independent of another", () => {
  push(initialInFlight(), seq(1), 1);
  expect(countInFlight(initialInFlight())).toBe(0);
});

test("R8 acknowledged items are released, however long the window stays full", () => {
  const inFlight = initialInFlight();
  let most = 0;
  for (let position = 1; position <= 50_000; position++) {
    push(inFlight, seq(position), 10);
    if (position > 256) ackUpTo(inFlight, seq(position - 256));
    most = Math.max(most, inFlight.seqs.length, inFlight.sizes.length);
  }
  expect(countInFlight(inFlight)).toBe(256);
  expect(inFlight.bytes).toBe(2_560);
  expect(most).toBeLessThan(2_000);
});

test("behaves like a plain list", () => {
  const pushes = fc.record({
    do: fc.constant("launch" as const),
    by: fc.nat(3),
    bytes: fc.nat(99),
  });
  const acks = fc.record({ do: fc.constant("land" as const), at: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(fc.oneof(pushes, acks), { maxLength: 300 }), (steps) => {
      const inFlight = initialInFlight();
      let plain: { seq: number; bytes: number }[] = [];
      let head = 0;
      for (const step of steps) {
        if (step.do === "launch") {
          head += 1 + step.by;
          plain.push({ seq: head, bytes: step.bytes });
          push(inFlight, seq(head), step.bytes);
        } else {
          const freed = ackUpTo(inFlight, seq(step.at));
          const acked = plain.filter((one) => one.seq <= step.at);
          plain = plain.filter((one) => one.seq > step.at);
          expect(freed).toBe(sum(acked));
        }
        expect(countInFlight(inFlight)).toBe(plain.length);
        expect(inFlight.bytes).toBe(sum(plain));
      }
    }),
    fuzz(500),
  );
});

const sum = (list: readonly { readonly bytes: number }[]): number =>
  list.reduce((bytes, one) => bytes + one.bytes, 0);
