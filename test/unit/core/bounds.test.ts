/** R8 in detail, and what only silence shows: budgets, windows, dead connections, evicted names. */
import { describe, expect, test } from "vitest";
import { BUDGET_BYTES, KIB, MIB, SECOND } from "../../../src/core/limits.ts";
import { EVICT_AWAY_MS, EVICT_SEARCH_MS } from "../../../src/core/membership/name-eviction.ts";
import { GRACE_MS } from "../../../src/core/peers/presence.ts";
import { PING_AGE_MS } from "../../../src/core/membership/timeouts.ts";
import { ROOM_FLIGHT_BYTES } from "../../../src/core/delivery/flow-control.ts";
import { TURN_REPLAY_BYTES } from "../../../src/core/delivery/pump.ts";
import type { Event } from "../../../src/core/event.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

/** The bytes of entries that were sent to a client. */
const bytesReceived = (client: Client): number =>
  client.entries.reduce((sum, { bytes }) => sum + bytes, 0) +
  client
    .all("history")
    .flatMap(({ entries }) => entries)
    .reduce((sum, { bytes }) => sum + bytes, 0);

const freely = { burst: 1_000_000, rate: 100_000 };

describe("the outgoing budget", () => {
  test("R8: history requests without end are served at the pace of the budget, and each is answered", () => {
    const harness = new RoomHarness({ ...freely });
    const alice = harness.joins("alice");
    const text = "x".repeat(8_000);
    for (let i = 0; i < 8; i++) {
      alice.says(text, ["alice"]);
      alice.acks();
    }
    alice.forgetsWhatItHeard();
    harness.together(() => {
      for (let i = 0; i < 200; i++) alice.asksHistory();
    });
    for (let second = 1; second <= 10; second++) {
      // The client reads, and shows each mark as it comes.
      for (let count = 0; count < 40; count++) alice.acks();
      expect(bytesReceived(alice)).toBeLessThan((1 + second) * BUDGET_BYTES + 512 * KIB);
      harness.passes(1_000);
    }
    expect(alice.all("history")).toHaveLength(200);
  });

  test("R8: a hundred history requests at once do not delay a turn, and all are answered", () => {
    const harness = new RoomHarness({ ...freely });
    const alice = harness.joins("alice");
    for (let i = 0; i < 8; i++) {
      alice.says("x".repeat(8_000));
      alice.acks();
    }
    const askers = Array.from({ length: 100 }, (_, number) => harness.joins(`asker-${number}`));
    const pages = (): number => askers.reduce((sum, asker) => sum + asker.all("history").length, 0);
    const events = askers.flatMap((asker) =>
      Array.from({ length: 10 }, (_, number): Event => {
        return {
          type: "CommandReceived",
          link: asker.link,
          command: { type: "History", id: `${number}`, limit: 100 },
        };
      }),
    );
    // One turn of the broker's loop, without the ticks that follow it.
    harness.broker.turn(events, harness.now);
    expect(pages()).toBeGreaterThan(0);
    expect(pages()).toBeLessThan(20);
    alice.says("what is said meanwhile goes in between", ["alice"]);
    expect(alice.texts).toContain("what is said meanwhile goes in between");
    // The clients read, and show each mark as it comes.
    for (let round = 0; round < 20; round++) {
      harness.passes(0);
      for (const asker of askers) asker.acks();
    }
    expect(pages()).toBe(1_000);
  });

  test("R8: peers that return at once share one turn's reading, however few of the entries read are theirs", () => {
    const harness = new RoomHarness({ ...freely });
    const alice = harness.joins("alice");
    const names = Array.from({ length: 20 }, (_, number) => `away-${number}`);
    for (const name of names) harness.joins(name).leaves();
    for (const name of names) alice.says("hi", [name]);
    alice.acks();
    const { broker } = harness;
    const { log } = harness.storage;
    // As if each page had to read a row of a quarter of a turn's reading.
    const read = log.after.bind(log);
    const pages: number[] = [];
    log.after = (seq) => {
      pages.push((pages.pop() ?? 0) + 1);
      return { ...read(seq), bytes: TURN_REPLAY_BYTES / 4 };
    };
    const decide = broker.decide.bind(broker);
    broker.decide = (events, now) => {
      pages.push(0);
      decide(events, now);
    };
    let returned: Client[] = [];
    harness.together(() => {
      returned = names.map((name) => harness.joins(name));
    });
    harness.passes(SECOND);
    expect(Math.max(...pages)).toBe(4);
    for (const client of returned) expect(client.texts).toEqual(["hi"]);
  });

  test("R8: a hundred peers that ack unread entries do not delay a turn, and all get everything", () => {
    const harness = new RoomHarness({ ...freely });
    const alice = harness.joins("alice");
    const names = Array.from({ length: 100 }, (_, number) => `liar-${number}`);
    for (const name of names) harness.joins(name).leaves();
    for (let i = 0; i < 100; i++) {
      alice.says("x".repeat(8_000));
      alice.acks();
    }
    const liars = names.map((name) => harness.joins(name));
    const totalReceived = (): number => liars.reduce((sum, liar) => sum + bytesReceived(liar), 0);
    const before = totalReceived();
    const ack = (liar: Client, seq: number): Event => {
      return {
        type: "CommandReceived",
        link: liar.link,
        command: { type: "Ack", seq: seq as Seq },
      };
    };
    // One turn of the broker's loop, without the ticks that follow it.
    harness.broker.turn(
      liars.map((liar) => ack(liar, liar.last)),
      harness.now,
    );
    expect(totalReceived() - before).toBeGreaterThan(0);
    expect(totalReceived() - before).toBeLessThan(TURN_REPLAY_BYTES + harness.limits.windowBytes);
    alice.says("what is said meanwhile goes in between", ["alice"]);
    expect(alice.texts).toContain("what is said meanwhile goes in between");
    for (let round = 0; round < 10; round++) for (const liar of liars) liar.acks();
    for (const liar of liars) expect(liar.texts).toHaveLength(100);
  });

  test("R8: entries wait for the budget, signals are dropped, and dropped presence is reported as missed", () => {
    const harness = new RoomHarness({ ...freely, window: 10_000, windowBytes: 8 * MIB });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const bob = harness.joins("bob");
    const carol = harness.joins("carol");
    harness.passes(1_000);
    carol.forgetsWhatItHeard();
    const text = "x".repeat(8_000);
    harness.together(() => {
      for (let i = 0; i < 600; i++) alice.says(text, ["carol"]);
    });
    const first = carol.texts.length;
    expect(first).toBeLessThan(600);
    bob.does({ type: "Signal", data: '"typing"' });
    expect(carol.all("signal")).toEqual([]);
    bob.leaves();
    harness.passes(200);
    for (let i = 0; i < 10; i++) {
      carol.acks();
      harness.passes(1_000);
    }
    expect(carol.texts).toHaveLength(600);
    expect(carol.all("presence").some(({ missed, left }) => missed || left.length > 0)).toBe(true);
  });

  test("R8: a line peer is paced by the budget alone, and gets everything", () => {
    const harness = new RoomHarness({ ...freely, window: 1 });
    const alice = harness.joins("alice");
    harness.joins("bob", { dialect: "chat.line" }).leaves();
    const text = "x".repeat(8_000);
    harness.together(() => {
      for (let i = 0; i < 1_200; i++) alice.says(text, ["bob"]);
    });
    harness.passes(0);
    const bob = harness.joins("bob", { dialect: "chat.line" });
    expect(bytesReceived(bob)).toBeLessThan(BUDGET_BYTES + 64 * KIB);
    harness.passes(5_000);
    expect(bob.texts).toHaveLength(1_200);
  });
});

describe("windows", () => {
  test("R8: all connections together hold 32 MiB in flight; windows shrink, and one entry always goes", () => {
    const harness = new RoomHarness({ ...freely, window: 10_000, windowBytes: 8 * MIB });
    const alice = harness.joins("alice", { dialect: "chat.line" });
    const readers = Array.from({ length: 12 }, (_, i) => harness.joins(`reader${i}`));
    const text = "x".repeat(8_000);
    for (let round = 0; round < 10; round++) {
      harness.together(() => {
        for (let i = 0; i < 100; i++) alice.says(text);
      });
      harness.passes(2_000);
    }
    const inFlight = readers.reduce((sum, reader) => sum + bytesReceived(reader), 0);
    expect(inFlight).toBeLessThan(ROOM_FLIGHT_BYTES + MIB);
    expect(inFlight).toBeGreaterThan(ROOM_FLIGHT_BYTES / 2);
    const late = harness.joins("late");
    // The room has so many unproven bytes that a mark comes with the welcome.
    late.acks();
    alice.says(text);
    expect(late.texts).toHaveLength(1);
    for (const reader of readers) {
      for (let i = 0; i < 1_100 && reader.texts.length < 1_001; i++) {
        reader.acks();
        harness.passes(100);
        if (reader.closed) break;
      }
    }
    expect(readers.map(({ texts }) => texts.length)).toEqual(readers.map(() => 1_001));
  });
});

describe("dead connections that look alive", () => {
  test("a ping too old ends a connection at the next join or leave; a client that never pinged is exempt", () => {
    const harness = new RoomHarness();
    const [pinged, fresh, never] = ["pinged", "fresh", "never"].map((name) => harness.joins(name));
    harness.passes(1_000);
    if (pinged) pinged.pinged = harness.now;
    harness.passes(PING_AGE_MS);
    if (fresh) fresh.pinged = harness.now;
    harness.joins("one");
    expect(pinged?.closed).toBeUndefined();
    harness.passes(20_000);
    harness.joins("two");
    expect([pinged?.closed?.code, fresh?.closed, never?.closed]).toEqual([
      4201,
      undefined,
      undefined,
    ]);
  });
});

describe("names", () => {
  const names = (harness: RoomHarness): string[] =>
    harness.storage.directory.page("", 100).filter((name) => !name.startsWith("new"));

  test("R8: a full room evicts the names with nothing waiting, longest away first; else 4100", () => {
    const harness = new RoomHarness({ names: 4 });
    const alice = harness.joins("alice");
    for (const name of ["bob", "carol", "dave"]) {
      harness.joins(name).leaves();
      harness.passes(1_000);
    }
    alice.says("wait for him", ["carol"]);
    const one = harness.joins("new1");
    expect([one.closed, names(harness)]).toEqual([undefined, ["alice", "carol", "dave"]]);
    const two = harness.joins("new2");
    expect([two.closed, names(harness)]).toEqual([undefined, ["alice", "carol"]]);
    expect(harness.joins("new3").closed?.code).toBe(4100);
    // A known name may always join, and so may a takeover.
    expect(harness.joins("carol").texts).toEqual(["wait for him"]);
    expect(harness.joins("alice").closed).toBeUndefined();
  });

  test("R8: a name in grace is not evicted, nor is one that got an entry since the last search", () => {
    const harness = new RoomHarness({ names: 3 });
    const alice = harness.joins("alice");
    harness.joins("bob").leaves();
    harness.joins("carol").vanishes();
    harness.together(() => {
      alice.says("for bob", ["bob"]);
      const refused = harness.joins("new1");
      harness.happens({ type: "Tick" });
      harness.passes(0);
      expect(refused.closed).toBeUndefined(); // not decided yet: it is in this turn
    });
    expect(names(harness)).toEqual(["alice", "bob", "carol"]);
    harness.passes(GRACE_MS + EVICT_SEARCH_MS);
    expect(harness.joins("new2").closed).toBeUndefined();
    expect(names(harness)).toEqual(["alice", "bob"]);
  });

  test("R8: a name that is away for long is evicted although messages wait", () => {
    const harness = new RoomHarness({ names: 2, logDays: 3_000 });
    const alice = harness.joins("alice");
    harness.joins("bob").leaves();
    alice.says("for bob", ["bob"]);
    expect(harness.joins("new1").closed?.code).toBe(4100);
    alice.acks();
    harness.passes(EVICT_AWAY_MS + SECOND);
    expect(harness.joins("new2").closed).toBeUndefined();
    expect(names(harness)).toEqual(["alice"]);
  });

  test("who lists all names of the room, in pages", () => {
    const harness = new RoomHarness({ ...freely });
    const alice = harness.joins("alice");
    for (let i = 0; i < 250; i++) harness.joins(`peer${String(i).padStart(3, "0")}`).leaves();
    alice.does({ type: "Who", id: "1" });
    const [first] = alice.all("who");
    expect([first?.peers.length, first?.next]).toEqual([200, "peer198"]);
    expect(first?.peers[0]).toEqual({ name: "alice", online: true });
    alice.does({ type: "Who", id: "2", after: first?.next ?? "" });
    const second = alice.all("who").at(-1);
    expect([second?.peers.length, second?.next]).toEqual([51, undefined]);
  });
});

describe("presence", () => {
  const news = (client: Client): string[] =>
    client
      .all("presence")
      .flatMap(({ joined, left }) => [
        ...joined.map((name) => `+${name}`),
        ...left.map((name) => `-${name}`),
      ]);

  test("a goodbye is announced at once, a broken connection after its grace, a quick return not at all", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    const bob = harness.joins("bob");
    const carol = harness.joins("carol");
    const dave = harness.joins("dave");
    harness.passes(1_000);
    alice.forgetsWhatItHeard();
    bob.leaves();
    carol.vanishes();
    dave.vanishes();
    harness.passes(200);
    expect(news(alice)).toEqual(["-bob"]);
    harness.passes(5_000);
    const eve = harness.joins("eve");
    expect(eve.all("welcome")[0]).toMatchObject({
      online: 4,
      peers: expect.arrayContaining(["alice", "carol", "dave", "eve"]),
    });
    harness.joins("dave");
    harness.passes(GRACE_MS);
    expect(news(alice)).toEqual(["-bob", "+eve", "-carol"]);
    expect(harness.broker.peers.get("dave" as PeerName)).toBeDefined();
  });

  test("a join and leave at once is announced as a leave, for a welcome may have listed the name", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    harness.passes(1_000);
    alice.forgetsWhatItHeard();
    const bob = harness.joins("bob");
    harness.joins("carol");
    bob.leaves();
    harness.passes(200);
    expect(news(alice)).toEqual(["+carol", "-bob"]);
  });

  /** A room of 1,200, with one join to announce. */
  const crowd = (): { harness: RoomHarness; people: Client[]; ticks: () => void } => {
    const harness = new RoomHarness({ ...freely, online: 5_000 });
    const people: Client[] = [];
    harness.together(() => {
      for (let i = 0; i < 1_200; i++) people.push(harness.joins(`p${i}`));
    });
    harness.passes(1_000);
    people.push(harness.joins("newcomer"));
    for (const one of people) one.forgetsWhatItHeard();
    harness.now += 250;
    return { harness, people, ticks: () => harness.broker.turn([{ type: "Tick" }], harness.now) };
  };

  test("R8: a turn sends news to 500 peers of a large room, and later turns to the rest, each once", () => {
    const { people, ticks } = crowd();
    const notified = [1, 2, 3, 4].map(() => {
      ticks();
      return people.filter((one) => news(one).length > 0).length;
    });
    expect(notified).toEqual([500, 1_000, 1_201, 1_201]);
    for (const one of people) expect(news(one)).toEqual(["+newcomer"]);
  });

  test("news that arise during a broadcast follow it, to all; a peer that joins meanwhile gets only those", () => {
    const { harness, people, ticks } = crowd();
    ticks();
    const [first, last] = [people[0], people.at(-2)];
    const again = new Map<string, Client>();
    harness.together(() => {
      people.at(-1)?.leaves();
      last?.leaves();
      again.set("late", harness.joins("late"));
      again.set("last", harness.joins(last?.link.name ?? ""));
    });
    harness.passes(5_000);
    const later = ["+late", `+${last?.link.name}`, "-newcomer"];
    expect(first && news(first)).toEqual(["+newcomer", ...later]);
    expect(last && news(last)).toEqual([]);
    for (const one of again.values()) expect(news(one)).toEqual(later);
  });

  test("a crowd is announced by a hundred names and `missed`", () => {
    const harness = new RoomHarness();
    const alice = harness.joins("alice");
    harness.passes(1_000);
    alice.forgetsWhatItHeard();
    harness.together(() => {
      for (let i = 0; i < 150; i++) harness.joins(`peer${i}`);
    });
    harness.passes(200);
    const [update] = alice.all("presence");
    expect([update?.joined.length, update?.online, update?.missed]).toEqual([100, 151, true]);
  });
});
