/** Signals as a covert flood: no signal is stored, so the bytes that they make the room send are bounded. */
import { describe, expect, test } from "vitest";
import { BUDGET_BYTES, SECOND } from "../../../src/core/limits.ts";
import { SIGNAL_BYTES } from "../../../src/protocol/limits.ts";
import { ROOM_SIGNAL_BYTES } from "../../../src/core/delivery/flow-control.ts";
import { writeFrame } from "../../../src/codec/json.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const DATA = JSON.stringify("x".repeat(SIGNAL_BYTES - 2));

/** The bytes of the signals that a client was sent. */
const signalBytes = (harness: RoomHarness, client: Client): number =>
  client.all("signal").reduce((sum, out) => sum + writeFrame([out], harness.limits).bytes, 0);

const crowdOf = (harness: RoomHarness, count: number): Client[] =>
  Array.from({ length: count }, (_, index) => harness.joins(`peer${index}`));

describe("a flood of signals", () => {
  test("R8: a burst of signals to a crowd made the room send 50 MiB in one turn", () => {
    const harness = new RoomHarness();
    const mallory = harness.joins("mallory");
    const crowd = crowdOf(harness, 100);
    harness.passes(SECOND);
    // All that one name may send at once, in ten frames, in one turn.
    harness.together(() => {
      for (let i = 0; i < harness.limits.burst; i++) mallory.does({ type: "Signal", data: DATA });
    });
    const sent = crowd.reduce((sum, peer) => sum + signalBytes(harness, peer), 0);
    // One signal may overdraw the bound, so that it goes to all or to none.
    const one = crowd.length * (SIGNAL_BYTES + 128);
    expect(sent).toBeLessThanOrEqual(ROOM_SIGNAL_BYTES + one);
    // Every peer got the same signals.
    const each = new Set(crowd.map((peer) => peer.all("signal").length));
    expect([...each]).toHaveLength(1);
    expect([...each][0]).toBeGreaterThan(100);
  });

  test("R8: the bound refills in a second, and entries do not wait for it", () => {
    const harness = new RoomHarness();
    const mallory = harness.joins("mallory");
    const crowd = crowdOf(harness, 100);
    const [bob] = crowd;
    harness.together(() => {
      for (let i = 0; i < harness.limits.burst - 1; i++)
        mallory.does({ type: "Signal", data: DATA });
      mallory.says("an entry", ["peer0"]);
    });
    expect(bob?.texts).toEqual(["an entry"]);
    const before = bob?.all("signal").length ?? 0;
    harness.passes(2 * SECOND);
    mallory.does({ type: "Signal", data: "1" });
    expect(bob?.all("signal").length).toBe(before + 1);
  });

  test("R8: one connection is sent no more signals than its own budget, whoever sent them", () => {
    const harness = new RoomHarness({ rate: 100_000, burst: 1_000_000 });
    const victim = harness.joins("victim");
    const crowd = crowdOf(harness, 50);
    harness.passes(SECOND);
    for (let second = 0; second < 2; second++) {
      harness.together(() => {
        for (let i = 0; i < 4_500; i++) {
          crowd[i % 50]?.does({ type: "Signal", data: DATA, to: [victim.link.name] });
        }
      });
      harness.passes(SECOND);
    }
    expect(signalBytes(harness, victim)).toBeLessThan(3 * BUDGET_BYTES);
  });
});
