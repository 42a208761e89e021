/** The operator's requests, as conversations: they are events like all others, in arrival order, one commit a turn. */
import { describe, expect, test } from "vitest";
import type { Entry, Patch } from "../../../src/core/entry.ts";
import { MIB, SCAN_ENTRIES, SECOND } from "../../../src/core/limits.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { AdminResult } from "../../../src/protocol/admin.ts";
import { Peers } from "../../../src/core/peers/peers.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const named = (name: string): PeerName => name as PeerName;
const at = (seq: number): Seq => seq as Seq;

const erases = (harness: RoomHarness, seq: number): AdminResult | undefined =>
  harness.requests({ type: "EraseEntry", seq: at(seq) });
const expels = (harness: RoomHarness, name: string): AdminResult | undefined =>
  harness.requests({ type: "Expel", name: named(name) });
const closes = (harness: RoomHarness): AdminResult | undefined =>
  harness.requests({ type: "Erase" });
const publishes = (
  harness: RoomHarness,
  from: string,
  text: string,
  { to, id, since }: { to?: string[]; id?: string; since?: number } = {},
): AdminResult | undefined =>
  harness.requests({
    type: "Publish",
    from: named(from),
    text,
    ...(to && { to: to.map(named) }),
    ...(id !== undefined && { id }),
    ...(since !== undefined && { since: at(since) }),
  });

/** The frames of `message`, parsed. */
const frames = (client: Client): unknown[] =>
  client.entries.map(({ frame }) => JSON.parse(frame) as unknown);

const messages = (harness: RoomHarness, since = 0, limit = 100, bytes = MIB): unknown[] => {
  const outcome = harness.requests({ type: "Messages", since: at(since), limit, bytes });
  if (outcome?.type !== "messages") throw new Error("no messages");
  return outcome.frames.map((frame) => JSON.parse(frame) as unknown);
};

const patches = (client: { readonly entries: readonly Entry[] }): Patch[] =>
  client.entries.filter((entry) => entry.type === "patch");

describe("an entry is erased", () => {
  test("R6: peers that may have it are notified; replays, history and the operator's view show it erased", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    const carol = harness.joins("carol");
    alice.says("a secret", ["bob"], "id1");
    alice.says("more", ["bob"], "id2");
    harness.passes(SECOND);
    expect(erases(harness, 1)).toEqual({ type: "done" });
    const patch = {
      seq: 3,
      ref: 1,
      from: "alice",
      to: ["alice", "bob"],
      by: "operator",
      erase: true,
    };
    for (const client of [alice, bob]) expect(patches(client)).toMatchObject([patch]);
    expect(carol.entries).toEqual([]);

    const erased = {
      type: "message",
      seq: 1,
      from: "alice",
      to: ["bob"],
      text: "",
      id: "id1",
      at: harness.now - SECOND,
      patched: 3,
      erased: true,
      by: "operator",
    };
    bob.asksHistory();
    expect(bob.all("history")[0]?.entries.map(({ text }) => text)).toEqual(["", "more"]);
    expect(messages(harness)[0]).toEqual(erased);
    bob.vanishes();
    const back = harness.joins("bob", { since: 0, epoch: harness.epoch });
    expect(frames(back)[0]).toEqual(erased);
    harness.crashes();
    expect(frames(harness.joins("bob", { since: 0, epoch: harness.epoch }))[0]).toEqual(erased);
    expect(JSON.stringify(harness.disk.segments)).not.toContain("a secret");
  });

  test("the turn that stored it may erase it: nobody sees the text, and its sender gets the confirmation", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    harness.together(() => {
      alice.says("too much", ["bob"], "id1");
      erases(harness, 1);
    });
    for (const client of [alice, bob]) {
      expect(frames(client)).toMatchObject([
        { seq: 1, text: "", erased: true, id: "id1" },
        { ref: 1, erase: true },
      ]);
      expect(JSON.stringify(client.heard)).not.toContain("too much");
    }
  });

  test("a repeated erasure costs nothing; a missing or trimmed entry is reported as such", () => {
    const harness = new RoomHarness({ logEntries: 3 });
    const alice = harness.joins("alice");
    for (const text of ["one", "two", "three"]) alice.says(text, ["alice"]);
    expect(erases(harness, 3)).toEqual({ type: "done" });
    const { commits } = harness.storage;
    expect(erases(harness, 3)).toEqual({ type: "done" });
    expect([erases(harness, 0), erases(harness, 1), erases(harness, 5)]).toEqual(
      Array.from({ length: 3 }, () => ({ type: "no-entry" })),
    );
    expect(harness.storage.commits).toBe(commits);
    alice.says("four", ["alice"]);
    harness.together(() => {
      erases(harness, 5);
      erases(harness, 5);
    });
    expect(harness.storage.commits).toBe(commits + 2);
    expect(patches(alice).map(({ ref }) => ref)).toEqual([3, 5]);
  });

  test("R3: if the erasure cannot be stored, nobody is notified", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    alice.says("a secret");
    harness.storage.failures = 1;
    expect(() => erases(harness, 1)).toThrow("full");
    expect(patches(alice)).toEqual([]);
    expect(JSON.stringify(harness.disk.segments)).toContain("a secret");
  });

  test("a peer that is behind gets it erased; a name claimed after the entry is not notified", () => {
    const harness = new RoomHarness({ window: 1 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    const sayToBoth = (text: string): void => {
      alice.says(text, ["bob", "alice"]);
      alice.acks();
    };
    for (const text of ["one", "two", "three"]) sayToBoth(text);
    expect(bob.texts).toEqual(["one"]);
    erases(harness, 3);
    bob.acks(1);
    bob.acks(2);
    expect(bob.texts).toEqual(["one", "two", ""]);
    expels(harness, "bob");
    const another = harness.joins("bob");
    erases(harness, 2);
    expect(another.entries).toEqual([]);
  });
});

describe("a message is published", () => {
  test("under a known name, online or not: the message takes its place in the one order", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    bob.leaves();
    alice.says("before", ["bob"], "a1");
    expect(publishes(harness, "bob", "from outside", { id: "op1" })).toMatchObject({
      type: "published",
      isNew: true,
    });
    alice.says("after", ["bob"], "a2");
    expect(frames(alice)).toMatchObject([
      { seq: 1, text: "before" },
      { seq: 2, from: "bob", text: "from outside", id: "op1" },
      { seq: 3, text: "after" },
    ]);
    expect(harness.joins("bob").texts).toEqual(["before", "from outside", "after"]);
  });

  test("R6: unknown names are reported, sender and recipients; nothing is stored", () => {
    const harness = new RoomHarness();
    harness.joins("alice");
    expect(publishes(harness, "nobody", "hi", { to: ["alice", "noone"] })).toEqual({
      type: "unknown",
      names: ["nobody", "noone"],
    });
    expect(harness.storage.log.head).toBe(0);
  });

  test("once, with an id and a since: the message is found in the log or in the same turn, erased or not; another sender's or an earlier one is not", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    harness.joins("bob");
    alice.says("by bob's id", undefined, "one");
    const again = (since: number, from = "bob"): unknown => {
      const outcome = publishes(harness, from, "hi", { id: "one", since });
      if (outcome?.type !== "published") return outcome;
      return [(JSON.parse(outcome.frame) as { seq: number }).seq, outcome.isNew];
    };
    expect(again(0)).toEqual([2, true]);
    expect(again(0)).toEqual([2, false]);
    erases(harness, 2);
    expect(again(1)).toEqual([2, false]);
    expect(again(2)).toEqual([4, true]);
    const seqs: unknown[] = [];
    harness.together(() => {
      publishes(harness, "bob", "twice", { id: "two", since: 4 });
      publishes(harness, "bob", "twice", { id: "two", since: 4 });
    });
    for (const outcome of harness.outcomes.values()) {
      if (outcome.type === "published") seqs.push([outcome.isNew, JSON.parse(outcome.frame).seq]);
    }
    expect(seqs.slice(-2)).toEqual([
      [true, 5],
      [false, 5],
    ]);
  });

  test("R8: a search continues where a turn ended; trimmed entries and another history are not searched", () => {
    const harness = new RoomHarness({ logEntries: SCAN_ENTRIES * 2, burst: 1e6, rate: 1e5 });
    const alice = harness.joins("alice");
    const says = (count: number): void =>
      harness.together(() => {
        for (let i = 0; i < count; i++) alice.says(`${i}`, ["alice"]);
      });
    for (let round = 0; round < 10; round++) says(700);
    const tries = { id: "op", since: 0 };
    expect(publishes(harness, "alice", "hi", tries)).toEqual({ type: "further", since: 5_600 });
    expect(harness.storage.log.head).toBe(7_000);
    expect(publishes(harness, "alice", "hi", { ...tries, since: 5_600 })).toMatchObject({
      isNew: true,
    });
    expect(publishes(harness, "alice", "hi", { ...tries, since: 9_999 })).toEqual({
      type: "void-since",
      first: 1,
      head: 7_001,
    });
    for (let round = 0; round < 10; round++) says(700);
    expect(publishes(harness, "alice", "hi", tries)).toMatchObject({ type: "void-since" });
  });
});

describe("a name is expelled", () => {
  test("R2: the peer is removed once, with 4004, and its name forgotten; its leave is announced at once", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob", { owner: "key" });
    harness.passes(SECOND);
    alice.forgetsWhatItHeard();
    alice.says("unread", ["bob"]);
    expect(expels(harness, "bob")).toEqual({ type: "done" });
    expect(bob.closed?.code).toBe(4004);
    // Both failure signals of the socket match no peer.
    bob.leaves(4004);
    bob.leaves(1006);
    harness.passes(SECOND);
    expect(alice.all("presence")).toMatchObject([{ joined: [], left: ["bob"], online: 1 }]);
    alice.says("gone?", ["bob"]);
    expect(alice.errors).toEqual(["unknown-peer"]);
    expect(expels(harness, "bob")).toEqual({ type: "unknown", names: ["bob"] });
    // Anyone may claim the name, and gets nothing of the past.
    const other = harness.joins("bob", { owner: "another key" });
    expect([other.closed, other.texts]).toEqual([undefined, []]);
    // A return with the old cursor gets a gap.
    const back = harness.joins("bob", { owner: "another key", since: 0, epoch: harness.epoch });
    expect(back.all("gap")).toEqual([{ type: "gap", from: 1, to: 1 }]);
  });

  test("an absent name is forgotten; a name in grace stops counting as online at once", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    for (const name of ["bob", "carol"]) harness.joins(name);
    const [, bob, carol] = [...harness.clients.values()];
    harness.passes(SECOND);
    bob?.leaves();
    carol?.vanishes();
    harness.passes(SECOND);
    alice.forgetsWhatItHeard();
    expect([expels(harness, "bob"), expels(harness, "carol")]).toEqual([
      { type: "done" },
      { type: "done" },
    ]);
    // Long before the grace would have ended.
    harness.passes(SECOND);
    expect(alice.all("presence")).toMatchObject([{ left: ["carol"], online: 1 }]);
    harness.passes(30 * SECOND);
    expect(alice.all("presence")).toHaveLength(1);
    alice.does({ type: "Who", id: "w" });
    expect(alice.all("who")[0]?.peers).toEqual([{ name: "alice", online: true }]);
  });

  test("messages of the same turn before the expulsion are stored; later ones are not accepted", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    let again: Client | undefined;
    harness.together(() => {
      bob.says("before", ["alice"]);
      expels(harness, "bob");
      bob.says("after", ["alice"]);
      again = harness.joins("bob", { owner: "new" });
    });
    expect(alice.texts).toEqual(["before"]);
    expect(again?.closed).toBeUndefined();
    harness.crashes();
    expect(harness.joins("bob", { owner: "" }).closed?.code).toBe(4003);
  });
});

describe("a room is closed", () => {
  test("R2: every peer is removed exactly once, with 4005; a later join finds a new room", () => {
    const harness = new RoomHarness();
    const everyone = ["alice", "bob", "carol"].map((name) => harness.joins(name));
    const [alice] = everyone;
    alice?.says("hello");
    const { epoch } = harness;
    const removed: string[] = [];
    const remove = Peers.prototype.remove;
    Peers.prototype.remove = function spy(link) {
      const peer = remove.call(this, link);
      if (peer !== undefined) removed.push(peer.link.name);
      return peer;
    };
    try {
      expect(closes(harness)).toEqual({ type: "done" });
      for (const client of everyone) client.leaves(4005);
    } finally {
      Peers.prototype.remove = remove;
    }
    expect(removed.sort()).toEqual(["alice", "bob", "carol"]);
    expect(everyone.map(({ closed }) => closed?.code)).toEqual([4005, 4005, 4005]);
    expect(alice?.texts).toEqual(["hello"]);

    expect(harness.epoch).not.toBe(epoch);
    const back = harness.joins("alice", { owner: "any", since: 1, epoch });
    expect(back.all("welcome")).toMatchObject([
      { head: 0, since: 0, online: 1, epoch: harness.epoch },
    ]);
    back.says("anew");
    expect(back.seqs).toEqual([1]);
    expect(harness.broker.due(harness.now)).toBeGreaterThan(0);
  });

  test("R3: if the closing cannot be stored, no peer is closed, and the request can be repeated", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    alice.says("hello");
    harness.storage.failures = 1;
    expect(() => closes(harness)).toThrow("full");
    expect(alice.closed).toBeUndefined();
    // As the object does after a storage error.
    harness.hibernates();
    expect(closes(harness)).toEqual({ type: "done" });
    expect([alice.closed?.code, harness.storage.log.head]).toEqual([4005, 0]);
    expect(closes(harness)).toEqual({ type: "done" });
  });
});

describe("the operator's queries", () => {
  test("R8: the log, page by page, by count and by size, shows every entry once", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    harness.joins("bob");
    for (let i = 1; i <= 7; i++) alice.says(`${i}`, [i % 2 ? "bob" : "alice"]);
    const page = (since: number, limit: number, bytes = MIB): unknown => {
      const outcome = harness.requests({ type: "Messages", since: at(since), limit, bytes });
      if (outcome?.type !== "messages") return outcome;
      return [
        outcome.frames.map((frame) => (JSON.parse(frame) as { seq: number }).seq),
        outcome.end,
      ];
    };
    expect(page(0, 3)).toEqual([[1, 2, 3], 3]);
    expect(page(3, 100)).toEqual([[4, 5, 6, 7], 7]);
    expect(page(7, 100)).toEqual([[], 7]);
    expect(page(0, 100, 1)).toEqual([[1], 1]);
    expect(page(99, 100)).toMatchObject([[], 99]);
  });

  test("the names: who is online, cursor, pending entries, last seen", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    bob.leaves();
    const left = harness.now;
    harness.passes(SECOND);
    alice.says("to bob", ["bob"]);
    alice.says("to all");
    alice.says("to me", ["alice"]);
    const page = (after = "", limit = 10) => harness.requests({ type: "Names", after, limit });
    expect(page()).toEqual({
      type: "names",
      names: [
        { name: "alice", online: true, cursor: 0, waiting: 3, more: false, seen: left },
        { name: "bob", online: false, cursor: 0, waiting: 2, more: false, seen: left },
      ],
    });
    alice.acks(2);
    expect(page("", 1)).toMatchObject({ names: [{ cursor: 2, waiting: 1 }], next: "alice" });
    expect(page("alice", 1)).toMatchObject({ names: [{ name: "bob" }] });
    expect(page("bob")).toEqual({ type: "names", names: [] });
  });

  test("the room: peers, log, pending entries, rejections", () => {
    const harness = new RoomHarness({ window: 1 });
    const alice = harness.joins("alice", { owner: "key" });
    harness.joins("bob").leaves();
    harness.joins("alice", { owner: "wrong" });
    harness.passes(SECOND);
    alice.says("one", ["bob", "alice"]);
    alice.says("two", ["bob", "alice"]);
    alice.says("three", ["nobody"]);
    const outcome = harness.requests({ type: "Stats" });
    if (outcome?.type !== "stats") throw new Error("no stats");
    const bytes = harness.disk.segments.flat().reduce((sum, entry) => sum + entry.bytes + 2, 0);
    expect(outcome.facts).toEqual({
      peers: { online: 1, known: 2 },
      log: { first: 1, head: 2, entries: 2, bytes, oldestAt: harness.now, newestAt: harness.now },
      waiting: {
        away: 1,
        behind: 1,
        inFlight: 1,
        inFlightBytes: harness.disk.segments[0]?.[0]?.bytes,
      },
      refusals: { joins: 1, commands: 1 },
    });
  });
});
