/** R8: how much of the log one name may fill in a day, whatever it does in between. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DAY, MIB } from "../../../src/core/limits.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { CHECKPOINT_ENTRIES } from "../../../src/core/broker.ts";
import {
  consume,
  decodeUsage,
  encodeUsage,
  quotaOf,
  SHARE_SLOT_MS,
} from "../../../src/core/peers/log-quota.ts";
import { type QuotaUsage } from "../../../src/core/ports.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";
import { fuzz } from "../../support/arbitraries.ts";

const HOUR = DAY / 24;

test.each([
  ["a quarter of the log, by default", {}, { entries: 25_000, bytes: 64 * MIB }],
  ["a part of a small log is at least one entry", { logEntries: 3 }, { entries: 1 }],
  ["all of it", { share: 100 }, { entries: 100_000, bytes: 256 * MIB }],
  ["0 means no bound", { share: 0 }, undefined],
])("a quota: %s", (_case, limits, expected) => {
  const share = quotaOf({ ...defaultLimits(), ...limits });
  if (expected === undefined) expect(share).toBeUndefined();
  else expect(share).toMatchObject(expected);
});

describe("the quota used", () => {
  const share = { entries: 10, bytes: 1_000 };
  const requested = fc.record({
    later: fc.integer({ min: 0, max: 3 * HOUR }),
    bytes: fc.integer({ min: 1, max: 300 }),
  });

  test("R8: no 24 hours take more than the quota, and a day of silence restores all of it", () => {
    fc.assert(
      fc.property(fc.array(requested, { maxLength: 200, size: "max" }), (requests) => {
        let usage: QuotaUsage = [];
        let now = 1_000_000;
        const added: { readonly at: number; readonly bytes: number }[] = [];
        for (const { later, bytes } of requests) {
          now += later;
          const next = consume(usage, share, bytes, now);
          if (next === undefined) continue;
          usage = decodeUsage(encodeUsage(next));
          expect(usage).toEqual(next);
          added.push({ at: now, bytes });
          const day = added.filter(({ at }) => at > now - DAY);
          expect(day.length).toBeLessThanOrEqual(share.entries);
          expect(day.reduce((sum, one) => sum + one.bytes, 0)).toBeLessThanOrEqual(share.bytes);
          expect(usage.length).toBeLessThanOrEqual(DAY / SHARE_SLOT_MS + 1);
        }
        const rested = now + DAY + SHARE_SLOT_MS;
        expect(consume(usage, share, share.bytes, rested)).toEqual([
          { at: rested, entries: 1, bytes: share.bytes },
        ]);
      }),
      fuzz(200),
    );
  });

  test("one message is always allowed, however large", () => {
    const large = consume([], share, 5_000, 0);
    expect(large).toBeDefined();
    expect(consume(large ?? [], share, 1, 1)).toBeUndefined();
  });
});

describe("in the room", () => {
  const tight = { logEntries: 20, share: 25 };

  test("a clock that was a year ahead, and is set right: the quota comes back after 28 hours all the same", () => {
    const harness = new RoomHarness(tight);
    harness.now += 365 * DAY;
    const mallory = harness.joins("mallory");
    for (let i = 0; i < 6; i++) mallory.says(`${i}`, ["mallory"]);
    expect(mallory.closed).toMatchObject({ code: 4103 });
    harness.now -= 365 * DAY;
    const again = harness.joins("mallory");
    again.says("too soon", ["mallory"]);
    expect(again.closed).toMatchObject({ code: 4103 });
    harness.passes(DAY + SHARE_SLOT_MS);
    const late = harness.joins("mallory");
    late.says("a day later", ["mallory"]);
    expect([late.closed, late.texts.at(-1)]).toEqual([undefined, "a day later"]);
  });

  test("R8: the first message over a name's quota ends its connection with 4103, and is not stored; others go on", () => {
    const harness = new RoomHarness(tight);
    const [alice, bob] = [harness.joins("alice"), harness.joins("bob")];
    for (const text of ["1", "2", "3", "4", "5"]) alice.says(text, ["bob"]);
    expect(alice.closed).toBeUndefined();
    alice.says("6", ["bob"]);
    expect(alice.closed).toMatchObject({ code: 4103 });
    bob.says("still here");
    expect(bob.texts).toEqual(["1", "2", "3", "4", "5", "still here"]);
  });

  test.each([
    ["by a reconnect", (harness: RoomHarness) => harness.joins("alice")],
    [
      "by a goodbye and a crash",
      (harness: RoomHarness) => {
        harness.joins("alice").leaves();
        harness.crashes();
        return harness.joins("alice");
      },
    ],
    [
      "by hibernation, in either dialect",
      (harness: RoomHarness) => {
        const line = harness.joins("alice", { dialect: "chat.line" });
        line.says("5", ["bob"]);
        harness.hibernates();
        expect(line.closed).toBeUndefined();
        return line;
      },
    ],
  ])("R8: a quota is not refilled %s", (_how, comesBack) => {
    const harness = new RoomHarness(tight);
    harness.joins("bob");
    const alice = harness.joins("alice");
    for (const text of ["1", "2", "3", "4"]) alice.says(text, ["bob"]);
    const again = comesBack(harness);
    again.says("the last, or one too many", ["bob"]);
    if (again.closed === undefined) again.says("one too many", ["bob"]);
    expect(again.closed).toMatchObject({ code: 4103 });
    expect(harness.storage.log.head).toBe(5);
  });

  test("R8: a crash restores the usage since the last checkpoint, and no more", () => {
    const entries = 2 * CHECKPOINT_ENTRIES;
    const freely = { burst: 1_000_000, logEntries: 10_000, share: (entries * 100) / 10_000 };
    const harness = new RoomHarness(freely);
    const { entries: most = 0 } = quotaOf(harness.limits) ?? {};
    const before = harness.joins("alice");
    for (let i = 0; i < most; i++) before.says("spam", ["alice"]);
    expect(before.closed).toBeUndefined();
    harness.crashes();
    const after = harness.joins("alice");
    let more = 0;
    for (; after.closed === undefined; more++) after.says("spam", ["alice"]);
    expect(more - 1).toBeLessThan(CHECKPOINT_ENTRIES);
  });
});
