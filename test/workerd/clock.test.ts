/** The clock of the host is set while the room is awake, on the real object with its real timers. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TestRoom } from "../support/harness/workerd.ts";

const HOUR = 3_600_000;
let set = 0;

beforeEach(() => {
  const now = Date.now.bind(Date);
  set = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now() + set);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([
  ["back", -HOUR],
  ["forward", HOUR],
])("an hour %s", (_way, hour) => {
  test("presence is announced as soon as ever", async () => {
    const room = new TestRoom();
    const bob = await room.joins("bob");
    await bob.isReady();
    await bob.hearsText('"joined":["bob"]');
    await room.joins("carol");
    set = hour;
    await bob.hearsText('"joined":["carol"]');
  });

  test("a peer with entries in flight stays, and the conversation goes on", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    await bob.isReady();
    alice.says("1", ["bob"]);
    await bob.hears("1");
    set = hour;
    alice.says("2", ["bob"]);
    await bob.hears("1", "2");
    bob.acks(2);
    alice.acks(2);
    await room.settles();
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
  });
});
