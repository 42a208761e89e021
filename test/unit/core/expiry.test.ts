/** Keys that expire while their connection is open: 4104, before anything is accepted or delivered. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/core/limits.ts";
import { GRACE_MS } from "../../../src/core/peers/presence.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";

describe("a key that expires", () => {
  const opened = (ms: number) => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice", { expiresAt: harness.now + ms });
    const bob = harness.joins("bob");
    harness.passes(1_000);
    return { harness, alice, bob };
  };

  test("ends its connection before its message is accepted", () => {
    const { harness, alice, bob } = opened(5_000);
    harness.passes(3_999);
    alice.says("in time");
    harness.passes(1);
    alice.says("too late");
    expect(alice.closed).toMatchObject({ code: 4104 });
    expect(bob.texts).toEqual(["in time"]);
  });

  test("ends its connection before anything is delivered, and the message waits for its return", () => {
    const { harness, alice, bob } = opened(5_000);
    harness.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
    const renewed = harness.joins("alice", { expiresAt: harness.now + 5_000 });
    expect(renewed.texts).toEqual(["for alice"]);
  });

  test("discards the replies that the connection was owed", () => {
    const harness = new RoomHarness({ window: 10_000, windowBytes: 8 * MIB, burst: 1_000 });
    const alice = harness.joins("alice", { expiresAt: harness.now + 1 });
    const bob = harness.joins("bob");
    const text = "x".repeat(8_000);
    harness.together(() => {
      for (let i = 0; i < 600; i++) bob.says(text, ["alice"]);
    });
    // The budget is spent: this answer waits.
    alice.says("hi", ["nobody"]);
    harness.now += 1;
    bob.says("hi");
    expect([alice.closed?.code, alice.errors]).toEqual([4104, []]);
  });

  test("is kept through hibernation, in the socket's attachment", () => {
    const { harness, alice, bob } = opened(5_000);
    harness.hibernates();
    harness.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
  });

  test("is no goodbye: a quick return with a fresh key is no news", () => {
    const { harness, bob } = opened(5_000);
    harness.passes(5_000);
    bob.forgetsWhatItHeard();
    bob.says("hi", ["alice"]);
    harness.joins("alice");
    harness.passes(GRACE_MS + 1_000);
    expect(bob.all("presence")).toEqual([]);
  });

  test("rejects a join that comes too late, after the owner check", () => {
    const { harness, alice } = opened(60_000);
    expect(harness.joins("alice", { expiresAt: harness.now }).closed).toMatchObject({ code: 4104 });
    const stranger = { owner: "stranger", expiresAt: harness.now };
    expect(harness.joins("alice", stranger).closed).toMatchObject({ code: 4003 });
    expect(alice.closed).toBeUndefined();
  });

  test("R9: sets no timer, whichever peer expires later", () => {
    const { harness, alice, bob } = opened(5_000);
    const carol = harness.joins("carol", { expiresAt: harness.now + 20_000 });
    harness.passes(1_000);
    for (const peer of [alice, bob, carol]) peer.acks();
    expect(harness.broker.due(harness.now)).toBeUndefined();
    harness.passes(10_000);
    bob.says("one");
    expect([alice.closed?.code, carol.closed?.code]).toEqual([4104, undefined]);
    harness.passes(10_000);
    bob.says("two");
    expect([carol.closed?.code, carol.texts]).toEqual([4104, ["one"]]);
  });
});
