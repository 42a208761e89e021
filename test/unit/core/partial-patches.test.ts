/** Patches that change a part of an entry each: the text, or the data. */
import { expect, test } from "vitest";
import type { Seq } from "../../../src/protocol/ids.ts";
import type { Change } from "../../../src/core/patch.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const patches = (client: Client, ref: number, id: string, change: Change): void =>
  client.does({ type: "Patch", id, ref: ref as Seq, ...change });

/** Returns the contents of the patches that a client received. */
const contentsOf = ({ entries }: Client): unknown[] =>
  entries
    .filter(({ type }) => type === "patch")
    .map(({ text, data, patched }) => ({ text, data, patched }));

test("R5 the last of several partial patches has what the earlier ones changed, for whoever was away", () => {
  const room = new RoomHarness();
  const alice = room.joins("alice");
  const bob = room.joins("bob");
  alice.says("Lunch?", undefined, "a1");
  const { last } = bob;
  bob.acks();
  bob.vanishes();
  patches(alice, last, "a2", { data: { poll: ["12", "13"] } });
  patches(alice, last, "a3", { text: "Lunch at 12?" });
  const back = room.joins("bob", { since: last, epoch: room.epoch });
  expect(contentsOf(back)).toEqual([
    { text: undefined, data: undefined, patched: last + 2 },
    { text: "Lunch at 12?", data: { poll: ["12", "13"] }, patched: undefined },
  ]);
});

test("an erasure carries nothing of the patch whose place it takes", () => {
  const room = new RoomHarness();
  const alice = room.joins("alice");
  alice.says("Lunch?", undefined, "a1");
  const { last } = alice;
  patches(alice, last, "a2", { text: "Lunch at 12?", data: { secret: 1 } });
  patches(alice, last, "a3", { erase: true });
  alice.forgetsWhatItHeard();
  alice.vanishes();
  const back = room.joins("alice", { since: last, epoch: room.epoch });
  expect(contentsOf(back)).toEqual([
    { text: undefined, data: undefined, patched: last + 2 },
    { text: undefined, data: undefined, patched: undefined },
  ]);
});
