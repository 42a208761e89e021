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

const flying = (...sizes: readonly (readonly [seq: number, bytes: number])[]): InFlight => {
  const flight = initialInFlight();
  for (const [position, bytes] of sizes) push(flight, seq(position), bytes);
  return flight;
};

test.each([
  ["nothing, from nothing", flying(), 9, 0, 0, 0],
  ["below the first", flying([5, 10], [6, 20]), 4, 0, 2, 30],
  ["the first", flying([5, 10], [6, 20]), 5, 10, 1, 20],
  ["between two", flying([5, 10], [9, 20]), 8, 10, 1, 20],
  ["all", flying([5, 10], [6, 20]), 6, 30, 0, 0],
  ["beyond all", flying([5, 10], [6, 20]), 99, 30, 0, 0],
  ["an item without bytes", flying([5, 0], [6, 20]), 5, 0, 1, 20],
])("an ack acknowledges %s", (_what, flight, upTo, freed, count, bytes) => {
  expect(ackUpTo(flight, seq(upTo))).toBe(freed);
  expect([countInFlight(flight), flight.bytes]).toEqual([count, bytes]);
});

test("a repeated or lower ack acknowledges nothing", () => {
  const flight = flying([1, 10], [2, 20], [3, 30]);
  expect(ackUpTo(flight, seq(2))).toBe(30);
  expect(ackUpTo(flight, seq(2))).toBe(0);
  expect(ackUpTo(flight, seq(1))).toBe(0);
  expect([countInFlight(flight), flight.bytes]).toEqual([1, 30]);
});

test("one empty list is independent of another", () => {
  push(initialInFlight(), seq(1), 1);
  expect(countInFlight(initialInFlight())).toBe(0);
});

test("R8 acknowledged items are released, however long the window stays full", () => {
  const flight = initialInFlight();
  let most = 0;
  for (let position = 1; position <= 50_000; position++) {
    push(flight, seq(position), 10);
    if (position > 256) ackUpTo(flight, seq(position - 256));
    most = Math.max(most, flight.seqs.length, flight.sizes.length);
  }
  expect(countInFlight(flight)).toBe(256);
  expect(flight.bytes).toBe(2_560);
  expect(most).toBeLessThan(2_000);
});

test("behaves like a plain list", () => {
  const launched = fc.record({
    do: fc.constant("launch" as const),
    by: fc.nat(3),
    bytes: fc.nat(99),
  });
  const landed = fc.record({ do: fc.constant("land" as const), at: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(fc.oneof(launched, landed), { maxLength: 300 }), (steps) => {
      const flight = initialInFlight();
      let plain: { seq: number; bytes: number }[] = [];
      let head = 0;
      for (const step of steps) {
        if (step.do === "launch") {
          head += 1 + step.by;
          plain.push({ seq: head, bytes: step.bytes });
          push(flight, seq(head), step.bytes);
        } else {
          const freed = ackUpTo(flight, seq(step.at));
          const gone = plain.filter((one) => one.seq <= step.at);
          plain = plain.filter((one) => one.seq > step.at);
          expect(freed).toBe(sum(gone));
        }
        expect(countInFlight(flight)).toBe(plain.length);
        expect(flight.bytes).toBe(sum(plain));
      }
    }),
    fuzz(500),
  );
});

const sum = (list: readonly { readonly bytes: number }[]): number =>
  list.reduce((bytes, one) => bytes + one.bytes, 0);
