/** The protocol's small print, so that a client need not guess (docs/protocol.md, section 2). */
import { describe, expect, test } from "vitest";
import { TestRoom } from "../support/harness/workerd.ts";

describe("the protocol's small print", () => {
  test("a `send` whose id cannot be read is rejected without one, in its place", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    alice.tells([
      { type: "send", id: "a", text: "first" },
      { type: "send", id: 7, text: "second" },
      { type: "send", id: "c", text: "third" },
    ]);
    await alice.until(() => alice.texts.length === 2, "two of three");
    expect(alice.texts).toEqual(["first", "third"]);
    expect(alice.all("error")).toEqual([
      { type: "error", code: "bad-frame", message: expect.stringMatching(/^id: /) },
    ]);
  });

  test("`send`, `history` and `who` share the ids that an `error` names", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    alice.tells([
      { type: "send", id: "x", text: "hi", to: ["nobody"] },
      { type: "history", id: "x", limit: 0 },
    ]);
    await alice.until(() => alice.all("error").length === 2, "two refusals");
    expect(alice.all("error").map(({ id }) => id)).toEqual(["x", "x"]);
  });

  test("`ready.seq` may be acknowledged, and need not be; a `ping` costs nothing", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    const bob = await room.joins("bob");
    await bob.isReady();
    for (let count = 0; count < 1_000; count++) bob.tells("ping");
    bob.acks(bob.all("ready")[0]?.seq ?? 0);
    bob.says("still here");
    await bob.until(() => bob.texts.includes("still here"), "the confirmation");
    expect([bob.all("error"), bob.closed, alice.closed]).toEqual([[], undefined, undefined]);
  });
});
