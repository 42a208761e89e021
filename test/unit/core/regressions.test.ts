/** Bugs that were found and fixed, each under the name of the fault. */
import { describe, expect, test } from "vitest";
import { DAY, SECOND } from "../../../src/core/limits.ts";
import { EVICT_AWAY_MS } from "../../../src/core/membership/name-eviction.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";

const freely = { burst: 1_000_000, rate: 100_000 };

describe("fixed", () => {
  test("R11: a flood of signals starved the entries and answers of its recipient", () => {
    const harness = new RoomHarness();
    const victim = harness.joins("victim");
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const crowd = Array.from({ length: 120 }, (_, i) => harness.joins(`peer${i}`));
    const data = JSON.stringify("x".repeat(1_000));
    let shown: string | undefined;
    // 50 signals a second from each of 120: 6 MB/s, and one message in between.
    for (let turn = 0; turn < 2_000; turn++) {
      harness.now += 5;
      harness.together(() => {
        for (let i = 0; i < 30; i++) {
          crowd[(turn * 30 + i) % 120]?.does({ type: "Signal", data, to: [victim.link.name] });
        }
        if (turn === 1_000) alice.says("through?", ["victim"]);
        if (turn === 1_000) victim.does({ type: "Who", id: "w" });
      });
      // The client reads: each mark is shown as it comes.
      if (victim.all("mark").at(-1)?.k !== shown) victim.acks();
      shown = victim.all("mark").at(-1)?.k;
    }
    expect(victim.texts).toEqual(["through?"]);
    expect(victim.all("who")).toHaveLength(1);
    expect(victim.all("signal").length).toBeGreaterThan(1_000);
  });

  test("R8: one message to everyone made the next join search the log once per name", () => {
    const harness = new RoomHarness({ ...freely, names: 300 });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    for (let i = 0; i < 299; i++) harness.joins(`peer${i}`).leaves();
    harness.passes(SECOND);
    expect(harness.joins("new1").closed).toBeUndefined();
    let reads = 0;
    const { log } = harness.storage;
    const after = log.after.bind(log);
    log.after = (seq) => {
      reads++;
      return after(seq);
    };
    alice.says("to everyone");
    reads = 0;
    expect(harness.joins("new2").closed?.code).toBe(4100);
    expect(reads).toBeLessThan(3);
  });

  test("R8: a peer that left in the turn of a search was judged by its former position", () => {
    const harness = new RoomHarness({ ...freely, names: 2 });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob");
    alice.says("for bob", ["bob"]);
    bob.acks();
    bob.leaves();
    harness.passes(SECOND);
    const again = harness.joins("bob", { since: 0, epoch: harness.epoch });
    harness.passes(SECOND);
    harness.together(() => {
      again.leaves();
      harness.joins("new");
    });
    expect(harness.joins("bob").texts).toEqual(["for bob"]);
  });

  test("R5: the first checkpoint after a crash dropped the cursors of peers that were not back yet", () => {
    const harness = new RoomHarness(freely);
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob", { dialect: "chat.line" });
    for (let i = 1; i <= 1_000; i++) alice.says(`${i}`, ["bob"]);
    expect(bob.texts).toHaveLength(1_000);
    harness.crashes();
    const again = harness.joins("alice", { dialect: "chat.line" });
    for (let i = 1_001; i <= 1_300; i++) again.says(`${i}`, ["bob"]);
    const back = harness.joins("bob", { dialect: "chat.line" });
    expect(back.texts.at(-1)).toBe("1300");
    expect(back.texts.length).toBeLessThanOrEqual(300 + 256);
  });

  test("R8: a peer that was online for a month and lost its connection in a crash was evicted as long away", () => {
    const harness = new RoomHarness({ names: 3, logDays: 3_000 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    harness.passes(EVICT_AWAY_MS + DAY);
    bob.acks(0);
    harness.crashes();
    harness.joins("bob");
    harness.crashes();
    harness.joins("alice").says("for bob", ["bob"]);
    expect(alice.isCut).toBe(true);
    harness.joins("carol");
    harness.joins("dave");
    expect(harness.joins("bob").texts).toEqual(["for bob"]);
  });

  test("R5: bytes that a line peer's dying socket did not take counted as delivered", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob", { dialect: "chat.line" });
    alice.says("1", ["bob"]);
    bob.isDying = true;
    alice.says("2", ["bob"]);
    alice.says("3", ["bob"]);
    bob.leaves(1006);
    const back = harness.joins("bob", { dialect: "chat.line" });
    expect([...bob.texts, ...back.texts]).toEqual(["1", "2", "3"]);
  });

  test("R6: a query before /quit in the same turn was not answered", () => {
    const harness = new RoomHarness();
    harness.joins("bob").leaves();
    const alice = harness.joins("alice", { dialect: "chat.line" });
    harness.together(() => {
      alice.says("hi", ["bob"]);
      alice.does({ type: "Who" });
      alice.does({ type: "Quit" });
    });
    expect(alice.heard.map(({ type }) => type)).toEqual(["welcome", "away", "who"]);
    expect(alice.closed?.code).toBe(1000);
  });

  test("R1: a stranger took the place of a name in grace", () => {
    const harness = new RoomHarness({ online: 2 });
    harness.joins("alice");
    harness.joins("bob").vanishes();
    expect(harness.joins("carol").closed?.code).toBe(4100);
    expect(harness.joins("bob").closed).toBeUndefined();
  });
});
