/**
 * The room's clock is set, by an hour and both ways: no deadline is postponed by more than its own duration, and no
 * connection ends for time that did not pass.
 */
import { describe, expect, test } from "vitest";
import { MINUTE, SECOND, STALL_MS } from "../../../src/core/limits.ts";
import { GRACE_MS } from "../../../src/core/peers/presence.ts";
import { PING_AGE_MS } from "../../../src/core/membership/timeouts.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const HOUR = 60 * MINUTE;
const LARGE = "x".repeat(8_000);

/** Sets the room's clock, from one moment to the next. */
const isSet = (harness: RoomHarness, by: number): void => {
  harness.now += by;
};
const both = [
  ["back", -HOUR],
  ["forward", HOUR],
] as const;

/** Alice and bob, who both ping; their joins are announced. */
const opened = (limits = {}): { harness: RoomHarness; alice: Client; bob: Client } => {
  const harness = new RoomHarness(limits);
  const [alice, bob] = [harness.joins("alice"), harness.joins("bob")];
  harness.passes(SECOND);
  return { harness, alice, bob };
};

describe.each(both)("an hour %s", (_way, hour) => {
  test("a peer that acknowledges nothing is ended after 90 s, restarted at most", () => {
    const { harness, alice, bob } = opened();
    bob.says("hi", ["alice"]);
    harness.passes(60 * SECOND);
    isSet(harness, hour);
    bob.says("again", ["alice"]);
    expect(alice.closed).toBeUndefined();
    harness.passes(STALL_MS);
    expect(alice.closed).toMatchObject({ code: 4201 });
  });

  test("a peer that acknowledges is not ended", () => {
    const { harness, alice, bob } = opened();
    bob.says("hi", ["alice"]);
    harness.passes(30 * SECOND);
    isSet(harness, hour);
    bob.says("meanwhile", ["bob"]);
    harness.passes(SECOND);
    alice.acks();
    bob.acks();
    harness.passes(2 * STALL_MS);
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
  });

  test("a peer that left without a goodbye counts as online for 15 s, restarted at most", () => {
    const { harness, alice, bob } = opened();
    bob.forgetsWhatItHeard();
    alice.vanishes();
    harness.passes(10 * SECOND);
    isSet(harness, hour);
    bob.says("where are you?", ["bob"]);
    bob.acks();
    harness.passes(GRACE_MS + SECOND);
    expect(bob.all("presence")).toMatchObject([{ left: ["alice"], online: 1 }]);
  });

  test("a quick return is still no news", () => {
    const { harness, alice, bob } = opened();
    bob.forgetsWhatItHeard();
    alice.vanishes();
    isSet(harness, hour);
    harness.joins("alice");
    harness.passes(GRACE_MS + SECOND);
    expect(bob.all("presence")).toEqual([]);
  });

  test("presence is announced within a second", () => {
    const { harness, bob } = opened();
    bob.forgetsWhatItHeard();
    harness.together(() => harness.joins("carol"));
    isSet(harness, hour);
    harness.passes(SECOND);
    harness.turn([{ type: "Tick" }]);
    harness.passes(SECOND);
    expect(bob.all("presence")).toMatchObject([{ joined: ["carol"] }]);
  });

  test("R11: a peer that waits for the budget continues once it has refilled", () => {
    const { harness, alice, bob } = opened({
      window: 10_000,
      windowBytes: 8 * 1024 * 1024,
      burst: 2_000,
    });
    harness.together(() => {
      for (let i = 0; i < 600; i++) bob.says(LARGE, ["alice"]);
    });
    const had = alice.entries.length;
    expect(had).toBeLessThan(600);
    isSet(harness, hour);
    bob.says("hi", ["bob"]);
    harness.passes(3 * SECOND);
    expect(alice.entries).toHaveLength(600);
  });

  test("a peer within its rate limit is not ended", () => {
    const { harness, bob } = opened({ rate: 1, burst: 10 });
    for (let i = 0; i < 9; i++) bob.says(`${i}`, ["bob"]);
    harness.passes(500);
    isSet(harness, hour);
    harness.passes(4 * SECOND);
    for (let i = 0; i < 4; i++) bob.says(`${i}`, ["bob"]);
    expect(bob.closed).toBeUndefined();
  });

  test("a connection that pinged a moment ago is not taken for dead at the next join", () => {
    const { harness, alice, bob } = opened();
    harness.passes(3 * MINUTE);
    alice.pinged = harness.now;
    bob.pinged = harness.now;
    harness.joins("carol");
    isSet(harness, hour);
    harness.joins("dave");
    harness.joins("erin");
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
  });

  test("a dead connection is found at a join 150 s later, restarted at most", () => {
    const { harness, alice, bob } = opened();
    harness.passes(3 * MINUTE);
    alice.pinged = harness.now;
    bob.pinged = harness.now;
    harness.joins("carol");
    isSet(harness, hour);
    harness.joins("dave");
    harness.passes(PING_AGE_MS + SECOND);
    bob.pinged = harness.now;
    harness.joins("erin");
    expect([alice.closed?.code, bob.closed]).toEqual([4201, undefined]);
  });

  test("a key expires by the date, not by elapsed time", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice", { expiresAt: harness.now + 10 * MINUTE });
    const bob = harness.joins("bob");
    harness.passes(SECOND);
    isSet(harness, hour);
    bob.says("hi");
    expect(alice.closed?.code).toBe(hour > 0 ? 4104 : undefined);
  });

  test("positions rise, and so do the dates shown", () => {
    const { harness, bob } = opened();
    bob.says("one", ["bob"]);
    isSet(harness, hour);
    bob.says("two", ["bob"]);
    isSet(harness, -hour);
    bob.says("three", ["bob"]);
    const dates = bob.entries.map(({ at }) => at);
    expect(bob.texts).toEqual(["one", "two", "three"]);
    expect(dates).toEqual(dates.toSorted((a, b) => a - b));
  });
});

test("back and forth, repeatedly: every deadline is met within its own duration of the last step", () => {
  const { harness, alice, bob } = opened();
  bob.says("hi", ["alice"]);
  for (let i = 0; i < 20; i++) {
    isSet(harness, i % 2 === 0 ? HOUR : -HOUR);
    harness.turn([{ type: "Tick" }]);
  }
  expect(alice.closed).toBeUndefined();
  harness.passes(STALL_MS);
  expect(alice.closed).toMatchObject({ code: 4201 });
});

test("a process that stood still for an hour ends no peer whose frame waits in its buffers", () => {
  const { harness, alice, bob } = opened();
  bob.says("hi", ["alice"]);
  isSet(harness, HOUR);
  harness.turn([{ type: "Tick" }]);
  alice.acks();
  harness.passes(STALL_MS);
  expect(alice.closed).toBeUndefined();
});
