/** Many names in one hand: what a crowd of strangers can do to peers that obey the rules. Names cost nothing. */
import { describe, expect, test } from "vitest";
import { KIB, SECOND } from "../../../src/core/limits.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const freely = { burst: 1_000_000, rate: 100_000 };

const strangers = (harness: RoomHarness, count: number): Client[] =>
  Array.from({ length: count }, (_, index) => harness.joins(`stranger${index}`));

describe("a crowd of strangers", () => {
  test("R11: peers that acknowledge nothing slow the others down, and take nothing from them", () => {
    const harness = new RoomHarness({ ...freely, window: 10_000, windowBytes: 8_192 * KIB });
    const crowd = strangers(harness, 10);
    const bob = harness.joins("bob");
    const mallory = harness.joins("mallory", { dialect: "chat.line" });
    const text = "x".repeat(8_000);
    for (let round = 0; round < 8; round++) {
      harness.together(() => {
        for (let i = 0; i < 100; i++) mallory.says(text);
      });
      for (let i = 0; i < 1_000 && bob.texts.length < (round + 1) * 100; i++) {
        bob.acks();
        harness.passes(50);
      }
    }
    expect(bob.texts).toHaveLength(800);
    expect(crowd.some(({ texts }) => texts.length < 800)).toBe(true);
  });

  test("R8: a name with waiting mail is not evicted for new ones, with a key or without", () => {
    const harness = new RoomHarness({ ...freely, names: 5 });
    const alice = harness.joins("alice");
    for (const [name, owner] of [
      ["bob", "his"],
      ["carol", ""],
    ] as const) {
      harness.joins(name, { owner }).leaves();
      alice.says(`for ${name}`, [name]);
      alice.acks();
    }
    for (let i = 0; i < 50; i++) {
      harness.joins(`stranger${i}`).leaves();
      harness.passes(70 * SECOND);
    }
    expect(harness.joins("bob").closed?.code).toBe(4003);
    expect(harness.joins("bob", { owner: "his" }).texts).toEqual(["for bob"]);
    expect(harness.joins("carol").texts).toEqual(["for carol"]);
  });

  test("by design: a name with a key, away and with nothing waiting, can be evicted and taken, but not its past", () => {
    const harness = new RoomHarness({ ...freely, names: 3 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob", { owner: "his" });
    alice.says("for bob", ["bob"]);
    bob.acks();
    bob.leaves();
    for (let i = 0; i < 3; i++) {
      harness.passes(70 * SECOND);
      harness.joins(`stranger${i}`).leaves();
    }
    const mallory = harness.joins("bob", { owner: "hers", since: 0, epoch: harness.epoch });
    mallory.asksHistory();
    expect(mallory.closed).toBeUndefined();
    expect(mallory.texts).toEqual([]);
    expect(mallory.all("history")[0]?.entries).toEqual([]);
    expect(harness.joins("bob", { owner: "his" }).closed?.code).toBe(4003);
  });

  test("by design: a room full of names with waiting mail rejects new names, and admits all it knows", () => {
    const harness = new RoomHarness({ ...freely, names: 10 });
    const mallory = harness.joins("mallory");
    for (const stranger of strangers(harness, 9)) stranger.leaves();
    mallory.says("to everyone");
    harness.passes(70 * SECOND);
    expect(harness.joins("newcomer").closed?.code).toBe(4100);
    expect(harness.joins("stranger3").closed).toBeUndefined();
  });

  test("by design: a quota bounds a name, so several names together can trim old mail; a gap reports it", () => {
    const harness = new RoomHarness({ ...freely, logEntries: 40, share: 25 });
    const alice = harness.joins("alice");
    harness.joins("bob").leaves();
    alice.says("for bob", ["bob"]);
    const crowd = strangers(harness, 5);
    for (let i = 0; i < 11; i++) {
      for (const stranger of crowd) {
        if (!stranger.closed) stranger.says(`${i}`, [stranger.link.name]);
        stranger.acks();
      }
    }
    expect(crowd.map(({ closed }) => closed?.code)).toEqual(crowd.map(() => 4103));
    const bob = harness.joins("bob");
    expect(bob.texts).toEqual([]);
    expect(bob.all("gap")).toHaveLength(1);
  });
});

describe("close reasons", () => {
  test("every reason fits its frame, with the longest names and the highest limits", () => {
    const name = "𝒳".repeat(32);
    const highest = { rate: 100_000, online: 32_000, names: 1_000_000 };
    const harness = new RoomHarness({ ...highest, burst: 10 });
    const reasons: string[] = [];
    const ends = (client: Client): void => {
      reasons.push(client.closed?.reason ?? "not closed");
    };
    const owner = harness.joins(name, { owner: "a", session: { token: "s", attempt: 2 } });
    ends(harness.joins(name, { owner: "b" }));
    ends(harness.joins(name, { owner: "a", session: { token: "s", attempt: 1 } }));
    ends(harness.joins(`${name}a`.slice(2), { owner: "a", expiresAt: 1 }));
    harness.joins(name, { owner: "a" });
    ends(owner);
    const fast = harness.joins("fast");
    harness.together(() => {
      for (let i = 0; i < 11; i++) fast.does({ type: "Empty" });
    });
    ends(fast);
    const full = new RoomHarness({ ...highest, names: 1 });
    full.joins("alice");
    ends(full.joins("bob"));
    const crowded = new RoomHarness({ online: 1 });
    crowded.joins("alice");
    ends(crowded.joins("bob"));
    for (const reason of reasons) {
      expect(reason).not.toBe("not closed");
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    }
  });
});
