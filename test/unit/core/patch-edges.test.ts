/** Patches at the edges of what is allowed, and of what is kept. */
import { expect, test } from "vitest";
import { HOUR } from "../../../src/core/limits.ts";
import type { Seq } from "../../../src/protocol/ids.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const edits = (client: Client, ref: number, id: string): void =>
  client.does({ type: "Patch", id, ref: ref as Seq, text: "changed" });

test("with PATCH_HOURS 0 nobody edits, not even in the turn of the message", () => {
  const room = new RoomHarness({ patchHours: 0 });
  const alice = room.joins("alice");
  room.together(() => {
    alice.says("hi", undefined, "a1");
    edits(alice, 1, "a2");
  });
  const message = "ref: 1 stays as it is: messages of this room can be erased, but not changed";
  expect(alice.all("error")).toMatchObject([{ refusal: { code: "forbidden", id: "a2", message } }]);
  alice.does({ type: "Patch", id: "a3", ref: 1 as Seq, erase: true });
  expect(alice.entries.at(-1)).toMatchObject({ type: "patch", ref: 1, id: "a3", erase: true });
});

test("a message is edited until PATCH_HOURS have passed", () => {
  const room = new RoomHarness({ patchHours: 2 });
  const alice = room.joins("alice");
  alice.says("hi", undefined, "a1");
  alice.acks();
  room.passes(2 * HOUR - 1);
  edits(alice, 1, "a2");
  expect(alice.entries.at(-1)).toMatchObject({ type: "patch", id: "a2", text: "changed" });
  alice.acks();
  room.passes(1);
  edits(alice, 1, "a3");
  expect(alice.all("error")).toMatchObject([{ refusal: { code: "forbidden", id: "a3" } }]);
});

test("the erasure of a quiet message disturbs nobody, also where only a patch of it is kept", () => {
  const room = new RoomHarness({ logEntries: 1 });
  const alice = room.joins("alice");
  alice.does({ type: "Message", id: "a1", text: "ping", quiet: true });
  edits(alice, 1, "a2");
  expect(room.storage.log.first).toBe(2);
  expect(room.requests({ type: "EraseEntry", seq: 2 as Seq })).toEqual({ type: "done" });
  expect(alice.entries.at(-1)).toMatchObject({ type: "patch", ref: 1, erase: true, quiet: true });
});
