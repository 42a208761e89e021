/** The rules R1 to R11, each as a short conversation with the real broker. Their mutants are in test/mutation. */
import { describe, expect, test } from "vitest";
import { STALL_MS } from "../../../src/core/limits.ts";
import { RoomHarness } from "../../support/harness/room-harness.ts";

const session = (attempt: number, token = "s") => ({ token, attempt });

describe("R1: one connection per name", () => {
  test("R1: a newer connection takes over in one step, the older gets 4001, and nothing is announced", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const older = harness.joins("alice");
    harness.passes(1_000);
    bob.forgetsWhatItHeard();
    const newer = harness.joins("alice");
    harness.passes(60_000);
    expect(older.closed?.code).toBe(4001);
    expect(harness.broker.peers.get(newer.link.name)?.link).toEqual(newer.link);
    expect(bob.heard).toEqual([]);
    bob.says("hi", ["alice"]);
    expect([older.texts, newer.texts]).toEqual([[], ["hi"]]);
  });

  test("R1: an overtaken handshake is refused, and its successor stays", () => {
    const harness = new RoomHarness();
    const second = harness.joins("alice", { session: session(2) });
    const first = harness.joins("alice", { session: session(1) });
    const again = harness.joins("alice", { session: session(2) });
    expect([first.closed?.code, again.closed?.code, second.closed]).toEqual([
      4201,
      4201,
      undefined,
    ]);
    const other = harness.joins("alice", { session: session(1, "other") });
    expect([second.closed?.code, other.closed]).toEqual([4001, undefined]);
  });

  test("R1: a name belongs to the first key that joined with it", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice", { owner: "hash" });
    expect(harness.joins("alice", { owner: "other" }).closed?.code).toBe(4003);
    expect(harness.joins("alice").closed?.code).toBe(4003);
    expect(alice.closed).toBeUndefined();
    harness.joins("bob");
    expect(harness.joins("bob", { owner: "hash" }).closed).toMatchObject({
      code: 4003,
      reason: expect.stringContaining("without a key"),
    });
  });

  test("R1: the key is checked before the attempt, the attempt before a full room", () => {
    const harness = new RoomHarness({ online: 1 });
    harness.joins("alice", { owner: "a", session: session(5) });
    expect(harness.joins("alice", { owner: "b", session: session(1) }).closed?.code).toBe(4003);
    expect(harness.joins("alice", { owner: "a", session: session(1) }).closed?.code).toBe(4201);
    expect(harness.joins("bob").closed?.code).toBe(4100);
    expect(harness.joins("alice", { owner: "a", session: session(6) }).closed).toBeUndefined();
  });
});

describe("R2: one removal", () => {
  test("R2: the late failure of an older connection does not remove the newer one", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const older = harness.joins("alice");
    const newer = harness.joins("alice");
    older.vanishes();
    older.vanishes();
    bob.says("still there?", ["alice"]);
    expect(newer.texts).toEqual(["still there?"]);
    expect(harness.broker.peers.size).toBe(2);
  });

  test("R2: a second failure signal matches no peer, and does not move the cursor that the first one saved", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const alice = harness.joins("alice");
    bob.says("one", ["alice"]);
    alice.vanishes();
    const rows = harness.storage.commits;
    alice.vanishes();
    alice.leaves();
    expect(harness.storage.commits).toBe(rows);
    expect(harness.joins("alice").texts).toEqual(["one"]);
  });

  test("R2: a replaced connection's messages are not accepted, though they were sent before the turn", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const older = harness.joins("alice");
    harness.together(() => {
      older.says("before", ["bob"]);
      harness.joins("alice");
      older.says("after", ["bob"]);
    });
    expect(bob.texts).toEqual(["before"]);
  });

  test("R2: an ended connection does not come back through hibernation", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const older = harness.joins("alice");
    const newer = harness.joins("alice");
    harness.hibernates();
    older.says("ghost", ["bob"]);
    older.vanishes();
    bob.says("hi", ["alice"]);
    expect([bob.texts, older.texts, newer.texts]).toEqual([["hi"], [], ["hi"]]);
  });

  test("R2: of two sockets that both claim to be current, a wake keeps the newer", () => {
    const harness = new RoomHarness();
    const older = harness.joins("alice");
    const newer = harness.joins("alice");
    older.closed = undefined; // as if the mark had been lost
    harness.hibernates();
    expect([older.closed, newer.closed]).toEqual([{ code: 4001, reason: "replaced" }, undefined]);
    expect(harness.broker.peers.get(newer.link.name)?.link).toEqual(newer.link);
  });

  test("R2: connection ids are not reused after everyone left and the room woke", () => {
    const harness = new RoomHarness();
    const first = harness.joins("alice");
    harness.crashes();
    const second = harness.joins("alice");
    expect(second.link.id).not.toBe(first.link.id);
    harness.turn([{ type: "Disconnect", link: first.link, code: 1006 }]);
    expect(harness.broker.peers.get(second.link.name)?.link).toEqual(second.link);
  });
});

describe("R3: stored before seen", () => {
  test("R3: a turn whose commit fails sends nothing to anyone", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const alice = harness.joins("alice");
    harness.passes(1_000);
    for (const client of [alice, bob]) client.forgetsWhatItHeard();
    harness.storage.failures = 1;
    expect(() => alice.says("lost?", ["bob"], "1")).toThrow("full");
    expect([alice.heard, bob.heard]).toEqual([[], []]);
    expect(harness.storage.log.head).toBe(0);
  });

  test("R3: a takeover whose commit fails closes nobody", () => {
    const harness = new RoomHarness();
    const older = harness.joins("alice");
    harness.storage.failures = 1;
    expect(() =>
      harness.together(() => {
        harness.joins("carol");
        harness.joins("alice");
      }),
    ).toThrow("full");
    expect(older.closed).toBeUndefined();
  });
});

describe("R4: one order", () => {
  test("R4: seq rises by one per entry, and everyone sees theirs in that order", () => {
    const harness = new RoomHarness();
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => harness.joins(name));
    harness.together(() => {
      alice?.says("1", ["bob"]);
      bob?.says("2");
      carol?.says("3", ["alice", "carol"]);
      alice?.says("4");
    });
    expect(alice?.seqs).toEqual([1, 2, 3, 4]);
    expect(bob?.seqs).toEqual([1, 2, 4]);
    expect(carol?.seqs).toEqual([2, 3, 4]);
  });

  test("R4: the last messages before a goodbye arrive", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const alice = harness.joins("alice");
    harness.together(() => {
      alice.says("farewell");
      alice.leaves();
    });
    expect(bob.texts).toEqual(["farewell"]);
  });

  test("R4: a rejection does not come after the confirmation of a later message", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    alice.forgetsWhatItHeard();
    harness.together(() => {
      alice.says("no", ["nobody"], "1");
      alice.says("yes", ["alice"], "2");
    });
    expect(alice.heard.map(({ type }) => type)).toEqual(["error", "entries"]);
  });
});

describe("R5: exactly once", () => {
  test("R5: messages that came while a peer was away are replayed on return, once and in order", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    alice.says("1", ["bob"]);
    bob.acks();
    bob.vanishes();
    alice.says("2", ["bob"]);
    alice.says("not for bob", ["alice"]);
    alice.says("3");
    const back = harness.joins("bob");
    alice.says("4", ["bob"]);
    expect([...bob.texts, ...back.texts]).toEqual(["1", "2", "3", "4"]);
    expect(back.all("ready")).toEqual([{ type: "ready", seq: 4 }]);
  });

  test("R5: unacknowledged entries are sent again", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    bob.isCut = true;
    alice.says("into the void", ["bob"]);
    bob.vanishes();
    expect(harness.joins("bob").texts).toEqual(["into the void"]);
  });

  test("R5: with nothing in flight the cursor is the last sent position, never the head", () => {
    const harness = new RoomHarness({ window: 2 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    for (const text of ["1", "2", "3", "4"]) alice.says(text, ["bob"]);
    expect(bob.texts).toEqual(["1", "2"]);
    harness.together(() => {
      bob.acks(2);
      bob.vanishes();
    });
    expect(harness.joins("bob").texts).toEqual(["3", "4"]);
  });

  test("R5: an attachment written at every ack keeps a wake from sending entries twice", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    alice.says("1", ["bob"]);
    bob.acks();
    alice.acks();
    harness.hibernates();
    alice.says("2", ["bob"]);
    expect(bob.texts).toEqual(["1", "2"]);
  });

  test("R5: entries in flight when the room lost its memory are sent again", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    bob.isCut = true;
    alice.says("1", ["bob"]);
    bob.isCut = false;
    harness.hibernates();
    alice.acks();
    alice.says("2", ["bob"]);
    expect(bob.texts).toEqual(["1", "2"]);
  });

  test("R5: a line peer is not sent again what it got before the room slept", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob", { dialect: "chat.line" });
    alice.says("1", ["bob"]);
    harness.hibernates();
    alice.says("2", ["bob"]);
    bob.leaves();
    alice.says("3", ["bob"]);
    const back = harness.joins("bob", { dialect: "chat.line" });
    expect([...bob.texts, ...back.texts]).toEqual(["1", "2", "3"]);
  });

  test("R5: a crash repeats at most, and an explicit since avoids even that", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    alice.says("1", ["bob"]);
    bob.acks();
    harness.crashes();
    expect(harness.joins("bob").texts).toEqual(["1"]);
    expect(harness.joins("bob", { since: 1, epoch: harness.epoch }).texts).toEqual([]);
  });

  test("R5: own messages come back as their own confirmation, after a return too", () => {
    const harness = new RoomHarness();
    harness.joins("bob");
    const alice = harness.joins("alice");
    alice.isCut = true;
    alice.says("sent", ["bob"], "id-1");
    alice.vanishes();
    const [entry] = harness.joins("alice").entries;
    expect(entry).toMatchObject({ id: "id-1", from: "alice", seq: 1 });
  });

  test("R5: a peer that joins in the middle of a turn gets just the entries after its cursor", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const clients = [alice];
    harness.together(() => {
      alice.says("before");
      clients.push(harness.joins("bob"));
      alice.says("after");
    });
    expect(clients.map(({ texts }) => texts)).toEqual([["before", "after"], ["after"]]);
    expect(clients[1]?.all("welcome")[0]).toMatchObject({ head: 1, since: 1 });
  });

  test("R5: leaving and returning within one turn loses and repeats nothing", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    alice.says("1", ["bob"]);
    bob.acks();
    const clients = [bob];
    harness.together(() => {
      alice.says("2", ["bob"]);
      bob.vanishes();
      alice.says("3", ["bob"]);
      clients.push(harness.joins("bob"));
      alice.says("4", ["bob"]);
    });
    expect(clients.flatMap(({ texts }) => texts)).toEqual(["1", "2", "3", "4"]);
  });
});

describe("R6: nothing silent", () => {
  test("R6: one unknown name rejects the whole message, by name", () => {
    const harness = new RoomHarness();
    const bob = harness.joins("bob");
    const alice = harness.joins("alice");
    alice.says("hi", ["bob", "zed"], "1");
    expect(alice.all("error")[0]?.refusal).toMatchObject({ code: "unknown-peer", id: "1" });
    expect(alice.all("error")[0]?.refusal.message).toContain("zed");
    expect([bob.texts, harness.storage.log.head]).toEqual([[], 0]);
  });

  test("R6: trimmed entries are sent as a gap, whether or not they concerned the peer", () => {
    const harness = new RoomHarness({ logEntries: 3 });
    const alice = harness.joins("alice");
    harness.joins("bob").leaves();
    for (let i = 1; i <= 6; i++) alice.says(`${i}`, i % 2 ? ["bob"] : ["alice"]);
    const bob = harness.joins("bob");
    expect(bob.all("gap")).toEqual([{ type: "gap", from: 1, to: 3 }]);
    expect(bob.texts).toEqual(["5"]);
    expect(bob.heard.map(({ type }) => type)).toEqual(["welcome", "gap", "entries", "ready"]);
  });

  test("R6: a peer that is behind is sent the gap that opens meanwhile", () => {
    const harness = new RoomHarness({ logEntries: 3, window: 1 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    for (let i = 1; i <= 8; i++) {
      alice.says(`${i}`, ["bob"]);
      alice.acks();
    }
    expect(bob.texts).toEqual(["1"]);
    for (let i = 0; i < 6; i++) bob.acks();
    expect(bob.all("gap")).toEqual([{ type: "gap", from: 2, to: 5 }]);
    expect(bob.texts).toEqual(["1", "6", "7", "8"]);
  });

  test("R6: an unacknowledged gap is sent again, from its beginning", () => {
    const harness = new RoomHarness({ logEntries: 1 });
    const alice = harness.joins("alice");
    harness.joins("bob").leaves();
    for (let i = 1; i <= 4; i++) alice.says(`${i}`, ["alice"]);
    const gap = { type: "gap", from: 1, to: 3 };
    const bob = harness.joins("bob");
    expect(bob.all("gap")).toEqual([gap]);
    bob.vanishes();
    expect(harness.joins("bob").all("gap")).toEqual([gap]);
  });

  test("R6: an unknown epoch or a since above the head voids the cursor, and welcome names the one in use", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    alice.says("1", ["alice"]);
    alice.acks();
    const since = (options: object) => harness.joins("alice", options).all("welcome")[0]?.since;
    expect(since({ since: 0, epoch: "another" })).toBe(1);
    expect(since({ since: 9, epoch: harness.epoch })).toBe(1);
    expect(since({ since: 0, epoch: harness.epoch })).toBe(0);
    expect(since({})).toBe(0); // the explicit one moved it back
    expect(since({ since: 1, epoch: harness.epoch })).toBe(1);
    expect(since({ since: 0 })).toBe(0);
  });
});

describe("R7: nothing from outside disturbs another peer", () => {
  test("R7: signals of unknown, older and doubled connections change nothing", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    const nobody = { name: "zed" as never, id: "0" as never };
    harness.turn([
      { type: "Disconnect", link: nobody, code: 1006 },
      { type: "ConnectionFailed", link: nobody, code: 1003, reason: "" },
      { type: "CommandReceived", link: nobody, command: { type: "Ack", seq: 1e15 as never } },
      {
        type: "CommandReceived",
        link: { ...bob.link, id: "0" as never },
        command: { type: "Quit" },
      },
    ]);
    alice.says("fine", ["bob"]);
    expect(bob.texts).toEqual(["fine"]);
  });
});

describe("R8: bounded and private", () => {
  test("R8: history shows entries that concern the peer, and of others' only those to everyone", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    alice.says("to all");
    alice.says("to bob", ["bob"]);
    alice.says("to alice", ["alice"]);
    const carol = harness.joins("carol");
    bob.says("to carol", ["carol"]);
    carol.says("from carol", ["alice"]);
    const history = (name: string): string[] | undefined => {
      const reader = harness.joins(name);
      reader.asksHistory();
      return reader.all("history")[0]?.entries.map(({ text = "" }) => text);
    };
    expect(history("carol")).toEqual(["to all", "to carol", "from carol"]);
    expect(history("bob")).toEqual(["to all", "to bob", "to carol"]);
    expect(history("dave")).toEqual(["to all"]);
  });

  test("R8: an evicted name that is claimed again gets nothing from before its claim but a gap", () => {
    const harness = new RoomHarness({ names: 3 });
    const alice = harness.joins("alice");
    const bob = harness.joins("bob", { owner: "old" });
    alice.says("secret", ["bob"]);
    bob.acks();
    bob.leaves();
    harness.joins("carol").leaves();
    harness.joins("dave").leaves(); // the room is full of names: bob is evicted
    const newer = harness.joins("bob", { owner: "new", since: 0, epoch: harness.epoch });
    expect(newer.all("welcome")[0]).toMatchObject({ since: 0, head: 1 });
    expect(newer.all("gap")).toEqual([{ type: "gap", from: 1, to: 1 }]);
    newer.acks();
    newer.asksHistory();
    expect(newer.texts).toEqual([]);
    expect(newer.all("history")[0]?.entries).toEqual([]);
    const plain = harness.joins("bob", { owner: "new", since: 0 });
    expect([plain.all("gap"), plain.texts]).toEqual([[], []]);
  });

  test("R8: at most a window is in flight, in entries and in bytes; an ack opens it", () => {
    const harness = new RoomHarness({ window: 3, windowBytes: 1_000 });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob");
    for (let i = 1; i <= 8; i++) alice.says(`${i}`, ["bob"]);
    expect(bob.texts).toEqual(["1", "2", "3"]);
    bob.acks(1);
    expect(bob.texts).toEqual(["1", "2", "3", "4"]);
    bob.acks(4);
    bob.acks(7);
    bob.acks(8);
    bob.forgetsWhatItHeard();
    for (let i = 1; i <= 3; i++) alice.says("x".repeat(500), ["bob"]);
    expect(bob.texts).toHaveLength(1);
    alice.says("y".repeat(5_000), ["bob"]);
    for (let i = 0; i < 4; i++) bob.acks();
    expect(bob.texts.map((text) => text.length)).toEqual([500, 500, 500, 5_000]);
  });

  test("R8: the first item over the rate limit ends the connection; the limit is the name's", () => {
    const harness = new RoomHarness({ burst: 10, rate: 1 });
    const bob = harness.joins("bob", { dialect: "chat.line" });
    const alice = harness.joins("alice");
    harness.together(() => {
      for (let i = 1; i <= 12; i++) alice.says(`${i}`, ["bob"]);
    });
    expect(bob.texts).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    expect(alice.closed?.code).toBe(4103);
    const again = harness.joins("alice");
    again.says("too early", ["bob"]);
    expect(again.closed?.code).toBe(4103);
    harness.passes(2_000);
    const later = harness.joins("alice");
    later.says("11", ["bob"]);
    expect([later.closed, bob.texts.at(-1)]).toEqual([undefined, "11"]);
  });
});

describe("R9: idle is free", () => {
  test("R9: with everyone connected and nothing in flight, nothing is ever due", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    harness.joins("bob", { dialect: "chat.line" });
    harness.passes(1_000);
    alice.says("hi");
    expect(harness.broker.due(harness.now)).toBe(harness.now + STALL_MS);
    alice.acks();
    expect(harness.broker.due(harness.now)).toBeUndefined();
  });
});

describe("R10: at most one commit a turn", () => {
  test("R10: a turn of many events is one commit; acks and reads need none", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    const before = harness.storage.commits;
    harness.together(() => {
      for (let i = 0; i < 50; i++) alice.says(`${i}`, ["bob"]);
      bob.says("x");
      harness.joins("carol");
    });
    expect(harness.storage.commits).toBe(before + 1);
    expect(harness.disk.segments).toHaveLength(1);
    alice.acks();
    bob.acks();
    bob.asksHistory();
    harness.passes(1_000);
    expect(harness.storage.commits).toBe(before + 1);
  });
});

describe("R11: nothing starves", () => {
  test("R11: a returning peer becomes ready however fast others talk", () => {
    const harness = new RoomHarness({ window: 2 });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    harness.joins("bob").leaves();
    for (let i = 0; i < 10; i++) alice.says("old", ["bob"]);
    const bob = harness.joins("bob");
    for (let i = 0; i < 5; i++) {
      alice.says("new", ["bob"]);
      alice.says("new", ["bob"]);
      bob.acks();
    }
    expect(bob.all("ready")).toEqual([{ type: "ready", seq: 10 }]);
  });

  test("R11: a peer that no entry concerns gets `ready` before 1,000 entries have passed", () => {
    const harness = new RoomHarness({ burst: 1e6 });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob");
    let reportedSeq = 0;
    for (let i = 10; i <= 2_500; i += 10) {
      harness.together(() => {
        for (let item = 0; item < 10; item++) alice.says("x", ["alice"]);
      });
      const { seq } = bob.all("ready").at(-1) ?? { seq: 0 };
      if (seq > reportedSeq) reportedSeq = seq;
      expect(i - reportedSeq).toBeLessThan(1_000);
    }
    expect(bob.all("ready").length).toBeGreaterThan(2);
  });

  test("R11: no progress for 90 s with entries in flight ends the connection; progress renews the time", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob");
    alice.says("1", ["bob"]);
    alice.says("2", ["bob"]);
    harness.passes(STALL_MS - 1);
    expect(bob.closed).toBeUndefined();
    bob.acks(1);
    harness.passes(STALL_MS - 1);
    expect(bob.closed).toBeUndefined();
    harness.passes(1);
    expect(bob.closed?.code).toBe(4201);
    expect(harness.joins("bob").texts).toEqual(["2"]);
  });
});
