/** Keys that expire while their connection is open: 4104, before anything is taken or handed over. */
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

  test("ends its connection before what it says is taken", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.passes(3_999);
    alice.says("in time");
    stage.passes(1);
    alice.says("too late");
    expect(alice.closed).toMatchObject({ code: 4104 });
    expect(bob.texts).toEqual(["in time"]);
  });

  test("ends its connection before anything is handed to it, and the message waits for its return", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
    const renewed = stage.joins("alice", { expiresAt: stage.now + 5_000 });
    expect(renewed.texts).toEqual(["for alice"]);
  });

  test("takes along what the connection was still owed", () => {
    const stage = new RoomHarness({ window: 10_000, windowBytes: 8 * MIB, burst: 1_000 });
    const alice = stage.joins("alice", { expiresAt: stage.now + 1 });
    const bob = stage.joins("bob");
    const text = "x".repeat(8_000);
    stage.together(() => {
      for (let i = 0; i < 600; i++) bob.says(text, ["alice"]);
    });
    // The budget is spent: the answer to this waits.
    alice.says("hi", ["nobody"]);
    stage.now += 1;
    bob.says("hi");
    expect([alice.closed?.code, alice.errors]).toEqual([4104, []]);
  });

  test("counts through sleep, from what the socket remembers", () => {
    const { stage, alice, bob } = opened(5_000);
    stage.hibernates();
    stage.passes(5_000);
    bob.says("for alice", ["alice"]);
    expect([alice.texts, alice.closed?.code]).toEqual([[], 4104]);
  });

  test("is no goodbye: a quick return with a fresh one is no news", () => {
    const { stage, bob } = opened(5_000);
    stage.passes(5_000);
    bob.forgetsWhatItHeard();
    bob.says("hi", ["alice"]);
    stage.joins("alice");
    stage.passes(GRACE_MS + 1_000);
    expect(bob.all("presence")).toEqual([]);
  });

  test("turns away who comes too late, after the owner was asked for", () => {
    const { stage, alice } = opened(60_000);
    expect(stage.joins("alice", { expiresAt: stage.now }).closed).toMatchObject({ code: 4104 });
    const stranger = { owner: "stranger", expiresAt: stage.now };
    expect(stage.joins("alice", stranger).closed).toMatchObject({ code: 4003 });
    expect(alice.closed).toBeUndefined();
  });

  test("R9: nothing waits for it, whoever else expires later", () => {
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
