/** Rate limits: what a name may do at once, and how fast time refills it. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateLimiter, type Bucket, refill } from "../../../src/core/peers/token-bucket.ts";
import { fuzz } from "../../support/arbitraries.ts";

const RATE = { capacity: 10, perSecond: 2 };

test.each([
  ["no time, nothing", 4, 0, 4],
  ["half a second, one", 4, 500, 5],
  ["a millisecond, its part", 4, 1, 4.002],
  ["never above the burst", 4, 60_000, 10],
  ["from below nothing", -3, 1_000, -1],
  ["a clock that steps back, nothing", 4, -60_000, 4],
])("refills: %s", (_what, level, elapsed, expected) => {
  const bucket = { level, at: 100_000 };
  expect(refill(bucket, RATE, 100_000 + elapsed)).toBeCloseTo(expected, 9);
  expect(bucket.at).toBe(100_000 + elapsed);
});

test("a clock that stepped back goes on from where it is", () => {
  const bucket = { level: 0, at: 100_000 };
  refill(bucket, RATE, 40_000);
  expect(refill(bucket, RATE, 41_000)).toBe(2);
});

test("many small steps refill what one large step does", () => {
  const [small, large] = [
    { level: 0, at: 0 },
    { level: 0, at: 0 },
  ];
  for (let now = 1; now <= 3_000; now++) refill(small, RATE, now);
  expect(small.level).toBeCloseTo(refill(large, RATE, 3_000), 6);
});

const rated = (): { buckets: Map<string, Bucket>; limiter: RateLimiter } => {
  const buckets = new Map<string, Bucket>();
  return { buckets, limiter: new RateLimiter(RATE, buckets) };
};

describe("the rate limits of names", () => {
  test("a burst, and then no more", () => {
    const { limiter } = rated();
    const taken = Array.from({ length: 12 }, () => limiter.take("alice", 1, 0));
    expect(taken).toEqual([...Array.from({ length: 10 }, () => true), false, false]);
  });

  test("a refused item costs nothing", () => {
    const { limiter } = rated();
    expect(limiter.take("alice", 6, 0)).toBe(true);
    for (let tries = 0; tries < 100; tries++) expect(limiter.take("alice", 6, 0)).toBe(false);
    expect(limiter.take("alice", 4, 0)).toBe(true);
  });

  test("time refills, at the rate", () => {
    const { limiter } = rated();
    limiter.take("alice", 10, 0);
    expect(limiter.take("alice", 1, 499)).toBe(false);
    expect(limiter.take("alice", 1, 500)).toBe(true);
    expect(limiter.take("alice", 1, 500)).toBe(false);
  });

  test("an item without cost is always allowed", () => {
    const { limiter } = rated();
    limiter.take("alice", 10, 0);
    expect(limiter.take("alice", 0, 0)).toBe(true);
  });

  test("one name's items cost another nothing", () => {
    const { limiter } = rated();
    limiter.take("alice", 10, 0);
    expect(limiter.take("bob", 10, 0)).toBe(true);
  });

  test("R8 names that were quiet long enough cost no memory", () => {
    const { buckets, limiter } = rated();
    for (let index = 0; index < 1_000; index++) limiter.take(`old${index}`, 1, 0);
    for (let index = 0; index < 1_000; index++) limiter.take(`new${index}`, 1, 60_000);
    expect([...buckets.keys()].filter((name) => name.startsWith("old"))).toEqual([]);
    expect(buckets.size).toBeLessThanOrEqual(1_000);
  });

  test("R8 however many names come and go, only those that sent just now are kept", () => {
    const { buckets, limiter } = rated();
    let most = 0;
    // Each is full again after half a second, so no two are kept at a time.
    for (let index = 0; index < 5_000; index++) {
      limiter.take(`name${index}`, 1, index * 250);
      most = Math.max(most, buckets.size);
    }
    expect(most).toBeLessThanOrEqual(4);
  });

  test("R8 dropping a bucket grants nothing: a name has as much as if none were dropped", () => {
    const step = fc.tuple(
      fc.constantFrom("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"),
      fc.integer({ min: 0, max: 10 }),
      fc.nat(4_000),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { limiter } = rated();
        const exact = new Map<string, Bucket>();
        let now = 0;
        for (const [name, cost, elapsed] of steps) {
          // Whole halves of a second: a whole number of items, without rounding.
          now += elapsed - (elapsed % 500);
          const bucket = exact.get(name) ?? { level: RATE.capacity, at: now };
          exact.set(name, bucket);
          const has = refill(bucket, RATE, now) >= cost;
          if (has) bucket.level -= cost;
          expect(limiter.take(name, cost, now)).toBe(has);
        }
      }),
      fuzz(500),
    );
  });

  test("no span of time allows more than a burst and its refill", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(2_000)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(steps, (steps) => {
        const { limiter } = rated();
        let [now, taken] = [0, 0];
        for (const [cost, elapsed] of steps) {
          now += elapsed;
          if (limiter.take("alice", cost, now)) taken += cost;
          expect(taken).toBeLessThanOrEqual(10 + (now * 2) / 1_000 + 1e-6);
        }
      }),
      fuzz(500),
    );
  });
});
