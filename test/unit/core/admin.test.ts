/** The operator's requests, as conversations: they are events like all others, in arrival order, one commit a turn. */
import { describe, expect, test } from "vitest";
import { MIB, SCAN_ENTRIES, SECOND } from "../../../src/core/limits.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import type { AdminResult } from "../../../src/protocol/admin.ts";
import { Peers } from "../../../src/core/peers/peers.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const named = (name: string): PeerName => name as PeerName;
const at = (seq: number): Seq => seq as Seq;

const erases = (stage: RoomHarness, seq: number): AdminResult | undefined =>
  stage.requests({ type: "Redact", seq: at(seq) });
const expels = (stage: RoomHarness, name: string): AdminResult | undefined =>
  stage.requests({ type: "Expel", name: named(name) });
const closes = (stage: RoomHarness): AdminResult | undefined => stage.requests({ type: "Erase" });
const publishes = (
  stage: RoomHarness,
  from: string,
  text: string,
  { to, id, since }: { to?: string[]; id?: string; since?: number } = {},
): AdminResult | undefined =>
  stage.requests({
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

const messages = (stage: RoomHarness, since = 0, limit = 100, bytes = MIB): unknown[] => {
  const outcome = stage.requests({ type: "Messages", since: at(since), limit, bytes });
  if (outcome?.type !== "messages") throw new Error("no messages");
  return outcome.frames.map((frame) => JSON.parse(frame) as unknown);
};

describe("an entry is erased", () => {
  test("R6: peers that may have it are notified; replays, history and the operator's view show it erased", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    const carol = stage.joins("carol");
    alice.says("a secret", ["bob"], "id1");
    alice.says("more", ["bob"], "id2");
    stage.passes(SECOND);
    expect(erases(stage, 1)).toEqual({ type: "done" });
    for (const client of [alice, bob]) expect(client.all("redacted")).toMatchObject([{ seq: 1 }]);
    expect(carol.all("redacted")).toEqual([]);

    const erased = {
      type: "message",
      seq: 1,
      from: "alice",
      to: ["bob"],
      text: "",
      id: "id1",
      at: stage.now - SECOND,
      redacted: true,
    };
    bob.asksHistory();
    expect(bob.all("history")[0]?.entries.map(({ text }) => text)).toEqual(["", "more"]);
    expect(messages(stage)[0]).toEqual(erased);
    bob.vanishes();
    const back = stage.joins("bob", { since: 0, epoch: stage.epoch });
    expect(frames(back)[0]).toEqual(erased);
    stage.crashes();
    expect(frames(stage.joins("bob", { since: 0, epoch: stage.epoch }))[0]).toEqual(erased);
    expect(JSON.stringify(stage.disk.segments)).not.toContain("a secret");
  });

  test("the turn that stored it may erase it: nobody sees the text, and its sender gets the confirmation", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    stage.together(() => {
      alice.says("too much", ["bob"], "id1");
      erases(stage, 1);
    });
    for (const client of [alice, bob]) {
      expect(frames(client)).toMatchObject([{ seq: 1, text: "", redacted: true, id: "id1" }]);
      expect(JSON.stringify(client.heard)).not.toContain("too much");
    }
  });

  test("a repeated erasure costs nothing; a missing or trimmed entry is reported as such", () => {
    const stage = new RoomHarness({ logEntries: 2 });
    const alice = stage.joins("alice");
    for (const text of ["one", "two", "three"]) alice.says(text, ["alice"]);
    expect(erases(stage, 3)).toEqual({ type: "done" });
    const { commits } = stage.storage;
    expect(erases(stage, 3)).toEqual({ type: "done" });
    expect([erases(stage, 0), erases(stage, 1), erases(stage, 4)]).toEqual(
      Array.from({ length: 3 }, () => ({ type: "no-entry" })),
    );
    expect(stage.storage.commits).toBe(commits);
    stage.together(() => {
      erases(stage, 2);
      erases(stage, 2);
    });
    expect(stage.storage.commits).toBe(commits + 1);
    expect(alice.all("redacted").map(({ seq }) => seq)).toEqual([3, 2]);
  });

  test("R3: if the erasure cannot be stored, nobody is notified", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    alice.says("a secret");
    stage.storage.failures = 1;
    expect(() => erases(stage, 1)).toThrow("full");
    expect(alice.all("redacted")).toEqual([]);
    expect(JSON.stringify(stage.disk.segments)).toContain("a secret");
  });

  test("a peer that is behind gets it erased; a name claimed after the entry is not notified", () => {
    const stage = new RoomHarness({ window: 1 });
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    const talks = (text: string): void => {
      alice.says(text, ["bob", "alice"]);
      alice.acks();
    };
    for (const text of ["one", "two", "three"]) talks(text);
    expect(bob.texts).toEqual(["one"]);
    erases(stage, 3);
    bob.acks(1);
    bob.acks(2);
    expect(bob.texts).toEqual(["one", "two", ""]);
    expels(stage, "bob");
    const another = stage.joins("bob");
    erases(stage, 2);
    expect(another.all("redacted")).toEqual([]);
  });
});

describe("a message is published", () => {
  test("under a known name, online or not: the message takes its place in the one order", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    bob.leaves();
    alice.says("before", ["bob"], "a1");
    expect(publishes(stage, "bob", "from outside", { id: "op1" })).toMatchObject({
      type: "published",
      isNew: true,
    });
    alice.says("after", ["bob"], "a2");
    expect(frames(alice)).toMatchObject([
      { seq: 1, text: "before" },
      { seq: 2, from: "bob", text: "from outside", id: "op1" },
      { seq: 3, text: "after" },
    ]);
    expect(stage.joins("bob").texts).toEqual(["before", "from outside", "after"]);
  });

  test("R6: unknown names are reported, sender and recipients; nothing is stored", () => {
    const stage = new RoomHarness();
    stage.joins("alice");
    expect(publishes(stage, "nobody", "hi", { to: ["alice", "noone"] })).toEqual({
      type: "unknown",
      names: ["nobody", "noone"],
    });
    expect(stage.storage.log.head).toBe(0);
  });

  test("once, with an id and a since: the message is found in the log or in the same turn, erased or not; another sender's or an earlier one is not", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    stage.joins("bob");
    alice.says("by bob's id", undefined, "one");
    const again = (since: number, from = "bob"): unknown => {
      const outcome = publishes(stage, from, "hi", { id: "one", since });
      if (outcome?.type !== "published") return outcome;
      return [(JSON.parse(outcome.frame) as { seq: number }).seq, outcome.isNew];
    };
    expect(again(0)).toEqual([2, true]);
    expect(again(0)).toEqual([2, false]);
    erases(stage, 2);
    expect(again(1)).toEqual([2, false]);
    expect(again(2)).toEqual([3, true]);
    const seqs: unknown[] = [];
    stage.together(() => {
      publishes(stage, "bob", "twice", { id: "two", since: 3 });
      publishes(stage, "bob", "twice", { id: "two", since: 3 });
    });
    for (const outcome of stage.outcomes.values()) {
      if (outcome.type === "published") seqs.push([outcome.isNew, JSON.parse(outcome.frame).seq]);
    }
    expect(seqs.slice(-2)).toEqual([
      [true, 4],
      [false, 4],
    ]);
  });

  test("R8: a search continues where a turn ended; trimmed entries and another history are not searched", () => {
    const stage = new RoomHarness({ logEntries: SCAN_ENTRIES * 2, burst: 1e6, rate: 1e5 });
    const alice = stage.joins("alice");
    const says = (count: number): void =>
      stage.together(() => {
        for (let i = 0; i < count; i++) alice.says(`${i}`, ["alice"]);
      });
    for (let round = 0; round < 10; round++) says(700);
    const tries = { id: "op", since: 0 };
    expect(publishes(stage, "alice", "hi", tries)).toEqual({ type: "further", since: 5_600 });
    expect(stage.storage.log.head).toBe(7_000);
    expect(publishes(stage, "alice", "hi", { ...tries, since: 5_600 })).toMatchObject({
      isNew: true,
    });
    expect(publishes(stage, "alice", "hi", { ...tries, since: 9_999 })).toEqual({
      type: "void-since",
      first: 1,
      head: 7_001,
    });
    for (let round = 0; round < 10; round++) says(700);
    expect(publishes(stage, "alice", "hi", tries)).toMatchObject({ type: "void-since" });
  });
});

describe("a name is expelled", () => {
  test("R2: the peer is removed once, with 4004, and its name forgotten; its leave is announced at once", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob", { owner: "key" });
    stage.passes(SECOND);
    alice.forgetsWhatItHeard();
    alice.says("unread", ["bob"]);
    expect(expels(stage, "bob")).toEqual({ type: "done" });
    expect(bob.closed?.code).toBe(4004);
    // Both failure signals of the socket match no peer.
    bob.leaves(4004);
    bob.leaves(1006);
    stage.passes(SECOND);
    expect(alice.all("presence")).toMatchObject([{ joined: [], left: ["bob"], online: 1 }]);
    alice.says("gone?", ["bob"]);
    expect(alice.errors).toEqual(["unknown-peer"]);
    expect(expels(stage, "bob")).toEqual({ type: "unknown", names: ["bob"] });
    // Anyone may claim the name, and gets nothing of the past.
    const other = stage.joins("bob", { owner: "another key" });
    expect([other.closed, other.texts]).toEqual([undefined, []]);
    // A return with the old cursor gets a gap.
    const back = stage.joins("bob", { owner: "another key", since: 0, epoch: stage.epoch });
    expect(back.all("gap")).toEqual([{ type: "gap", from: 1, to: 1 }]);
  });

  test("an absent name is forgotten; a name in grace stops counting as online at once", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    for (const name of ["bob", "carol"]) stage.joins(name);
    const [, bob, carol] = [...stage.clients.values()];
    stage.passes(SECOND);
    bob?.leaves();
    carol?.vanishes();
    stage.passes(SECOND);
    alice.forgetsWhatItHeard();
    expect([expels(stage, "bob"), expels(stage, "carol")]).toEqual([
      { type: "done" },
      { type: "done" },
    ]);
    // Long before the grace would have ended.
    stage.passes(SECOND);
    expect(alice.all("presence")).toMatchObject([{ left: ["carol"], online: 1 }]);
    stage.passes(30 * SECOND);
    expect(alice.all("presence")).toHaveLength(1);
    alice.does({ type: "Who", id: "w" });
    expect(alice.all("who")[0]?.peers).toEqual([{ name: "alice", online: true }]);
  });

  test("messages of the same turn before the expulsion are stored; later ones are not accepted", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    let again: Client | undefined;
    stage.together(() => {
      bob.says("before", ["alice"]);
      expels(stage, "bob");
      bob.says("after", ["alice"]);
      again = stage.joins("bob", { owner: "new" });
    });
    expect(alice.texts).toEqual(["before"]);
    expect(again?.closed).toBeUndefined();
    stage.crashes();
    expect(stage.joins("bob", { owner: "" }).closed?.code).toBe(4003);
  });
});

describe("a room is closed", () => {
  test("R2: every peer is removed exactly once, with 4005; a later join finds a new room", () => {
    const stage = new RoomHarness();
    const everyone = ["alice", "bob", "carol"].map((name) => stage.joins(name));
    const [alice] = everyone;
    alice?.says("hello");
    const { epoch } = stage;
    const removed: string[] = [];
    const remove = Peers.prototype.remove;
    Peers.prototype.remove = function spy(link) {
      const peer = remove.call(this, link);
      if (peer !== undefined) removed.push(peer.link.name);
      return peer;
    };
    try {
      expect(closes(stage)).toEqual({ type: "done" });
      for (const client of everyone) client.leaves(4005);
    } finally {
      Peers.prototype.remove = remove;
    }
    expect(removed.sort()).toEqual(["alice", "bob", "carol"]);
    expect(everyone.map(({ closed }) => closed?.code)).toEqual([4005, 4005, 4005]);
    expect(alice?.texts).toEqual(["hello"]);

    expect(stage.epoch).not.toBe(epoch);
    const back = stage.joins("alice", { owner: "any", since: 1, epoch });
    expect(back.all("welcome")).toMatchObject([
      { head: 0, since: 0, online: 1, epoch: stage.epoch },
    ]);
    back.says("anew");
    expect(back.seqs).toEqual([1]);
    expect(stage.broker.due(stage.now)).toBeGreaterThan(0);
  });

  test("R3: if the closing cannot be stored, no peer is closed, and the request can be repeated", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    alice.says("hello");
    stage.storage.failures = 1;
    expect(() => closes(stage)).toThrow("full");
    expect(alice.closed).toBeUndefined();
    // As the object does after a storage error.
    stage.hibernates();
    expect(closes(stage)).toEqual({ type: "done" });
    expect([alice.closed?.code, stage.storage.log.head]).toEqual([4005, 0]);
    expect(closes(stage)).toEqual({ type: "done" });
  });
});

describe("the operator's queries", () => {
  test("R8: the log, page by page, by count and by size, shows every entry once", () => {
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    stage.joins("bob");
    for (let i = 1; i <= 7; i++) alice.says(`${i}`, [i % 2 ? "bob" : "alice"]);
    const page = (since: number, limit: number, bytes = MIB): unknown => {
      const outcome = stage.requests({ type: "Messages", since: at(since), limit, bytes });
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
    const stage = new RoomHarness();
    const alice = stage.joins("alice");
    const bob = stage.joins("bob");
    bob.leaves();
    const left = stage.now;
    stage.passes(SECOND);
    alice.says("to bob", ["bob"]);
    alice.says("to all");
    alice.says("to me", ["alice"]);
    const page = (after = "", limit = 10) => stage.requests({ type: "Names", after, limit });
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
    const stage = new RoomHarness({ window: 1 });
    const alice = stage.joins("alice", { owner: "key" });
    stage.joins("bob").leaves();
    stage.joins("alice", { owner: "wrong" });
    stage.passes(SECOND);
    alice.says("one", ["bob", "alice"]);
    alice.says("two", ["bob", "alice"]);
    alice.says("three", ["nobody"]);
    const outcome = stage.requests({ type: "Stats" });
    if (outcome?.type !== "stats") throw new Error("no stats");
    const bytes = stage.disk.segments.flat().reduce((sum, entry) => sum + entry.bytes + 2, 0);
    expect(outcome.facts).toEqual({
      peers: { online: 1, known: 2 },
      log: { first: 1, head: 2, entries: 2, bytes, oldestAt: stage.now, newestAt: stage.now },
      waiting: {
        away: 1,
        behind: 1,
        inFlight: 1,
        inFlightBytes: stage.disk.segments[0]?.[0]?.bytes,
      },
      refusals: { joins: 1, commands: 1 },
    });
  });
});
