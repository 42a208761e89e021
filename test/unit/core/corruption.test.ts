/** An entry that cannot be read ends the peers that need it, and no others; it is never skipped. */
import { describe, expect, test } from "vitest";
import { concerns, type Entry } from "../../../src/core/entry.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { Scan } from "../../../src/core/ports.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";

/** Makes the entry at `seq` unreadable. @returns a function that repairs it */
function damage({ storage: { log } }: RoomHarness, seq: number): () => void {
  const { after, before, find } = log;
  function* read(entries: Iterable<Entry>, name?: PeerName): Generator<Entry, void> {
    for (const entry of entries) {
      const isNeeded = name === undefined || concerns(entry, name);
      if (entry.seq === seq && isNeeded) throw new Error("it is damaged");
      yield entry;
    }
  }
  const reading =
    (verb: typeof after) =>
    (from: Seq, name?: PeerName): Scan => {
      const scan = verb.call(log, from);
      return { ...scan, entries: read(scan.entries, name) };
    };
  Object.assign(log, { after: reading(after), before: reading(before) });
  log.find = (one) => {
    const found = find.call(log, one);
    return found && [...read([found.entry])].map((entry) => ({ ...found, entry }))[0];
  };
  return () => void Object.assign(log, { after, before, find });
}

/** Alice and bob are online, and carol is away: 1 and 3 are for her, 2 can be damaged. */
function setUp(dialect: "chat.v1" | "chat.line" = "chat.v1") {
  const harness = new RoomHarness();
  const alice = harness.joins("alice");
  const bob = harness.joins("bob");
  harness.joins("carol", { dialect }).leaves();
  for (const text of ["1", "2", "3"]) {
    alice.says(text, ["carol"]);
    alice.acks();
  }
  return { harness, alice, bob };
}

describe.each(["chat.v1", "chat.line"] as const)("a %s peer that returns", (dialect) => {
  test("R7: ends alone with 4102; peers with an event in its turn are served", () => {
    const { harness, alice, bob } = setUp(dialect);
    damage(harness, 2);
    let carol = bob;
    harness.together(() => {
      alice.says("hi", ["bob"]);
      carol = harness.joins("carol", { dialect });
    });
    expect(carol.closed?.code).toBe(4102);
    expect(bob.texts).toEqual(["hi"]);
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
    expect(harness.broker.auditEvents()).toContainEqual({
      event: "storage-trouble",
      error: "Error: it is damaged",
    });
  });

  test("R5: gets everything once and in order after the repair", () => {
    const { harness } = setUp(dialect);
    const repair = damage(harness, 2);
    const first = harness.joins("carol", { dialect });
    expect(first.texts).toEqual(["1"]);
    repair();
    const back = harness.joins("carol", { dialect });
    // Without an ack the first is repeated, and `chat.v1` clients drop it by its seq.
    expect(back.texts).toEqual(dialect === "chat.v1" ? ["1", "2", "3"] : ["2", "3"]);
  });

  test("R5: gets everything after the repair, though its socket took nothing any more", () => {
    const { harness, alice } = setUp(dialect);
    const repair = damage(harness, 2);
    harness.together(() => {
      alice.says("hi");
      harness.joins("carol", { dialect }).isDying = true;
    });
    repair();
    expect(harness.joins("carol", { dialect }).texts).toEqual(["1", "2", "3", "hi"]);
  });
});

test("R7: history over the entry ends the peer that asked, and no other peer of that turn", () => {
  const { harness, alice, bob } = setUp();
  damage(harness, 2);
  harness.together(() => {
    bob.says("hi");
    alice.asksHistory();
  });
  expect(alice.closed?.code).toBe(4102);
  expect(bob.closed).toBeUndefined();
  expect(bob.texts).toEqual(["hi"]);
  // None of it concerned bob.
  bob.asksHistory();
  expect(bob.all("history")).toHaveLength(1);
});

test("R7: an admin request that needs it is answered `trouble`, and no peer of that turn is affected", () => {
  const { harness, alice, bob } = setUp();
  damage(harness, 2);
  for (const request of [
    { type: "EraseEntry", seq: 2 as Seq },
    { type: "Messages", since: 0 as Seq, limit: 10, bytes: 1_000 },
    { type: "Names", after: "", limit: 10 },
    {
      type: "Publish",
      from: "alice" as PeerName,
      text: "again",
      id: "x",
      since: 0 as Seq,
    },
  ] as const) {
    harness.together(() => {
      alice.says("hi", ["bob"]);
      harness.requests(request);
    });
    expect([...harness.outcomes.values()].at(-1)).toEqual({ type: "trouble" });
  }
  expect(bob.texts).toEqual(["hi", "hi", "hi", "hi"]);
  expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
  // Requests that do not need it are answered.
  expect(harness.requests({ type: "Stats" })?.type).toBe("stats");
  expect(
    harness.requests({ type: "Messages", since: 2 as Seq, limit: 1, bytes: 1_000 }),
  ).toMatchObject({
    type: "messages",
    end: 3,
  });
});

test("a patch that could not be read when its message was erased can be erased after the repair", () => {
  const harness = new RoomHarness();
  const alice = harness.joins("alice");
  alice.says("Lunch?", undefined, "a1");
  alice.does({ type: "Patch", id: "a2", ref: 1 as Seq, text: "secret" });
  const repair = damage(harness, 2);
  alice.does({ type: "Patch", id: "a3", ref: 1 as Seq, erase: true });
  repair();
  const stored = (): string =>
    [...harness.storage.log.after(0 as Seq).entries].map(({ frame }) => frame).join();
  const erases = (seq: number) => harness.requests({ type: "EraseEntry", seq: seq as Seq });
  // The message itself is erased, and stays so.
  expect(erases(1)).toEqual({ type: "done" });
  expect([harness.storage.log.head, stored().includes("secret")]).toEqual([3, true]);
  expect(erases(2)).toEqual({ type: "done" });
  expect([harness.storage.log.head, stored().includes("secret")]).toEqual([4, false]);
  expect(erases(2)).toEqual({ type: "done" });
  expect(harness.storage.log.head).toBe(4);
});
