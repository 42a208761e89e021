/** Keys that expire while their connection is open: 4104, before anything is accepted or delivered. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/core/limits.ts";
import { GRACE_MS } from "../../../src/core/peers/presence.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";

describe("a key that expires", () => {
  const opened = (ms: number) => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice", { expiresAt: stage.now + ms });
    const bob = stage.joins("bob");
    stage.passes(1_000);
    return { stage, alice, bob };
  };

  test("ends its connection before its message is accepted", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.passes(3_999);
    alice.says("in time");
    stage.passes(1);
    alice.says("too late");
    expect(alice.closed).toMatchObject({ code: 4104 });
    expect(bob.texts).toEqual(["in time"]);
  });

  test("ends its connection before anything is delivered, and the message waits for its return", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
    const renewed = stage.joins("alice", { expiresAt: stage.now + 5_000 });
    expect(renewed.texts).toEqual(["for alice"]);
  });

  test("discards the replies that the connection was owed", () => {
    const stage = new RoomHarness({ window: 10_000, windowBytes: 8 * MIB, burst: 1_000 });
    const alice = stage.joins("alice", { expiresAt: stage.now + 1 });
    const bob = stage.joins("bob");
    const text = "x".repeat(8_000);
    stage.together(() => {
      for (let i = 0; i < 600; i++) bob.says(text, ["alice"]);
    });
    // The budget is spent: this answer waits.
    alice.says("hi", ["nobody"]);
    stage.now += 1;
    bob.says("hi");
    expect([alice.closed?.code, alice.errors]).toEqual([4104, []]);
  });

  test("is kept through hibernation, in the socket's attachment", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.hibernates();
    stage.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
  });

  test("is no goodbye: a quick return with a fresh key is no news", () => {
    const { stage, bob } = opened(5_000);
    stage.passes(5_000);
    bob.forgetsWhatItHeard();
    bob.says("hi", ["alice"]);
    stage.joins("alice");
    stage.passes(GRACE_MS + 1_000);
    expect(bob.all("presence")).toEqual([]);
  });

  test("rejects a join that comes too late, after the owner check", () => {
    const { stage, alice } = opened(60_000);
    expect(stage.joins("alice", { expiresAt: stage.now }).closed).toMatchObject({ code: 4104 });
    const stranger = { owner: "stranger", expiresAt: stage.now };
    expect(stage.joins("alice", stranger).closed).toMatchObject({ code: 4003 });
    expect(alice.closed).toBeUndefined();
  });

  test("R9: sets no timer, whichever peer expires later", () => {
    const { stage, alice, bob } = opened(5_000);
    const carol = stage.joins("carol", { expiresAt: stage.now + 20_000 });
    stage.passes(1_000);
    for (const peer of [alice, bob, carol]) peer.acks();
    expect(stage.broker.due(stage.now)).toBeUndefined();
    stage.passes(10_000);
    bob.says("one");
    expect([alice.closed?.code, carol.closed?.code]).toEqual([4104, undefined]);
    stage.passes(10_000);
    bob.says("two");
    expect([carol.closed?.code, carol.texts]).toEqual([4104, ["one"]]);
  });
});
