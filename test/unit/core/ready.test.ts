/**
 * `ready` at long silences: a peer that no entry concerns gets it in time, and not all peers of a large room at once.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { READY_ENTRIES, SWEEP_ENTRIES } from "../../../src/core/delivery/ready-reports.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";
import { fuzz } from "../../support/arbitraries.ts";

const freely = { burst: 1_000_000, rate: 100_000, names: 1_000_000 };

/** The last position that a client was sent. */
const reportedSeq = (client: Client): number =>
  client.all("ready").at(-1)?.seq ?? client.all("welcome")[0]?.head ?? 0;

/** Alice sends so many messages to herself, in one turn. */
const saysToHerself = (harness: RoomHarness, alice: Client, count: number): void =>
  harness.together(() => {
    for (let item = 0; item < count; item++) alice.says("x", ["alice"]);
  });

test("R11: it comes before 1,000 entries have passed, whatever the joins and leaves, and however much a turn brings", () => {
  const steps = fc.array(
    fc.record({
      says: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 2 * SWEEP_ENTRIES }) },
        { weight: 1, arbitrary: fc.integer({ min: 500, max: 1_500 }) },
      ),
      joins: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) },
      ),
      leaves: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) },
      ),
    }),
    { minLength: 100, maxLength: 150 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const harness = new RoomHarness(freely);
      const alice = harness.joins("alice", { dialect: "chat.line" });
      const quiet: Client[] = [];
      let head = 0;
      let joined = 0;
      for (const { says, joins, leaves } of all) {
        for (let i = 0; i < joins; i++) quiet.push(harness.joins(`quiet${joined++}`));
        // From the front and from the end, so that the peers that stay change places.
        for (const one of quiet.splice(leaves % 2 === 0 ? 0 : -leaves, leaves)) one.leaves();
        saysToHerself(harness, alice, says);
        head += says;
        for (const one of quiet) expect(head - reportedSeq(one)).toBeLessThan(READY_ENTRIES);
      }
    }),
    // A hundred turns suffice; shrinking them takes minutes.
    { ...fuzz(20), endOnFailure: true },
  );
}, 60_000);

test("R8: of 640 silent peers, a message notifies 20, so that no turn waits for all of them", () => {
  const harness = new RoomHarness(freely);
  const alice = harness.joins("alice", { dialect: "chat.line" });
  const quiet: Client[] = [];
  harness.together(() => {
    for (let i = 1; i < 640; i++) quiet.push(harness.joins(`quiet${i}`));
  });
  harness.passes(1_000);
  for (const one of quiet) one.forgetsWhatItHeard();
  const readies: number[] = [];
  for (let i = 0; i < READY_ENTRIES; i++) {
    saysToHerself(harness, alice, 1);
    readies.push(quiet.reduce((sum, one) => sum + one.all("ready").length, 0));
    for (const one of quiet) one.forgetsWhatItHeard();
  }
  expect(readies.reduce((sum, count) => sum + count, 0)).toBe(639);
  expect(Math.max(...readies)).toBe(640 / SWEEP_ENTRIES);
}, 60_000);
