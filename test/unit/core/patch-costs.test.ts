/** R8: what a patch costs its author: items of the allowance for the rows that it touches, and quota for what it adds. */
import { describe, expect, test } from "vitest";
import { PATCH_ROW_BYTES } from "../../../src/core/commands/patch.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const edits = (client: Client, ref: number, text: string): void =>
  client.does({ type: "Patch", id: `e${ref}`, ref: ref as Seq, text });

/** Both bounds end the connection with 4103. */
const reasonOf = ({ closed }: Client): string => `${closed?.code}: ${closed?.reason}`;
const TOO_FAST = /^4103: too fast/;
const QUOTA_USED = /^4103: this name has filled its share/;

/** Alice says four things in one turn; the row that holds them is a little longer than `bytes`. */
function withLongRow(room: RoomHarness, bytes: number): Client {
  const alice = room.joins("alice");
  room.together(() => {
    alice.says("x".repeat(bytes));
    for (const text of ["a", "b", "c"]) alice.says(text);
  });
  alice.acks();
  // The allowance is full again.
  room.passes(60_000);
  return alice;
}

describe("the allowance", () => {
  test("R8: a patch takes one item, and one more for each 64 KiB of the row that it changes", () => {
    const room = new RoomHarness({ burst: 10, rate: 1 });
    const alice = withLongRow(room, 2 * PATCH_ROW_BYTES);
    for (const ref of [2, 3, 4]) edits(alice, ref, "changed");
    alice.says("the tenth item");
    expect(alice.closed).toBeUndefined();
    alice.says("one too many");
    expect(reasonOf(alice)).toMatch(TOO_FAST);
    expect(room.storage.log.head).toBe(8);
  });

  test("R8: the row of the patch whose place it takes counts, too", () => {
    const room = new RoomHarness({ burst: 10, rate: 1 });
    const alice = room.joins("alice");
    alice.says("short");
    // One row that is as long as the allowance for one more item.
    edits(alice, 1, "x".repeat(PATCH_ROW_BYTES / 2));
    alice.acks();
    room.passes(60_000);
    edits(alice, 1, "short again");
    for (let i = 3; i <= 10; i++) alice.says(`item ${i}`);
    expect(alice.closed).toBeUndefined();
    alice.says("one too many");
    expect(reasonOf(alice)).toMatch(TOO_FAST);
  });

  test("R8: a patch of the longest row takes all of it, and no more", () => {
    const room = new RoomHarness({ burst: 5, rate: 1 });
    const alice = withLongRow(room, 100 * PATCH_ROW_BYTES);
    edits(alice, 2, "changed");
    expect([alice.closed, alice.errors]).toEqual([undefined, []]);
    expect(room.storage.log.find(2 as Seq)?.entry.text).toBe("changed");
    alice.says("one too many");
    expect(reasonOf(alice)).toMatch(TOO_FAST);
  });

  test("R8: a patch over the allowance changes nothing", () => {
    const room = new RoomHarness({ burst: 5, rate: 1 });
    const alice = withLongRow(room, 4 * PATCH_ROW_BYTES);
    alice.says("one item");
    edits(alice, 2, "changed");
    expect(reasonOf(alice)).toMatch(TOO_FAST);
    expect(room.storage.log.find(2 as Seq)?.entry.text).toBe("a");
  });
});

describe("the quota", () => {
  /** Returns the bytes of the quota that a name has used. */
  const spent = (room: RoomHarness, name: string): number => {
    const { spent: slots = [] } = room.storage.directory.find(name as PeerName) ?? {};
    return slots.reduce((sum, { bytes }) => sum + bytes, 0);
  };

  test("R8: counts the patch and what its message grows by; one that shrinks gives nothing back", () => {
    const room = new RoomHarness({ share: 100 });
    const alice = room.joins("alice");
    alice.says("short", ["alice"]);
    const bytesOf = (seq: number): number => room.storage.log.find(seq as Seq)?.entry.bytes ?? 0;
    const short = bytesOf(1);
    edits(alice, 1, "x".repeat(1_000));
    const long = bytesOf(1);
    const added = short + bytesOf(2) + (long - short);
    edits(alice, 1, "short");
    expect(bytesOf(1)).toBeLessThan(long);
    const total = added + bytesOf(3);
    alice.leaves();
    expect(spent(room, "alice")).toBe(total);
  });

  test("R8: a patch over it ends the connection with 4103, and changes nothing; others go on", () => {
    const room = new RoomHarness({ logMebibytes: 1, share: 1 });
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.says("short");
    // Half of the quota of 10 KiB in the patch, half in the message.
    edits(alice, 1, "x".repeat(5_000));
    expect(alice.closed).toBeUndefined();
    edits(alice, 1, "y".repeat(400));
    expect(reasonOf(alice)).toMatch(QUOTA_USED);
    expect(room.storage.log.find(1 as Seq)?.entry.text).toBe("x".repeat(5_000));
    expect(room.storage.log.head).toBe(2);
    bob.says("still here");
    expect(bob.texts.at(-1)).toBe("still here");
  });
});
