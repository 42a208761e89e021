/** Which names count as online, and their announcements: grace, batching, and bounded lists. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextConnectionId, type PeerName, SEQ_ZERO } from "../../../src/protocol/ids.ts";
import { newPeer, Peers } from "../../../src/core/peers/peers.ts";
import {
  type PresenceUpdate,
  Presence,
  initialPresence,
} from "../../../src/core/peers/presence.ts";
import { fuzz, peer, peers, room } from "../../support/arbitraries.ts";

const [alice, bob, carol] = [peer("alice"), peer("bob"), peer("carol")];

/** A room with joins and leaves only, and its clock. */
class Room {
  readonly peers = new Peers(new Map());
  readonly presence = new Presence(this.peers, initialPresence());
  now = 1_000_000;

  arrives(...names: readonly PeerName[]): this {
    for (const name of names) {
      const id = nextConnectionId(undefined, this.now, 0);
      const rest = {
        birth: SEQ_ZERO,
        welcomeHead: SEQ_ZERO,
        ready: true,
        acked: SEQ_ZERO,
        spent: [],
      };
      const snapshot = { link: { name, id }, room: room("lobby"), session: undefined, ...rest };
      const never = { expiresAt: undefined, tail: 0 };
      this.peers.add(newPeer({ ...snapshot, ...never, dialect: "chat.v1" }, true, this.now));
      this.presence.arrived(name, this.now);
    }
    return this;
  }

  leaves(...names: readonly PeerName[]): this {
    for (const name of names) this.#departs(name, true);
    return this;
  }

  vanishes(...names: readonly PeerName[]): this {
    for (const name of names) this.#departs(name, false);
    return this;
  }

  /** Lets time pass, as a room with its one timer does. @returns all updates of that time, with when they came */
  passes(ms: number): (PresenceUpdate & { readonly after: number })[] {
    const [start, end] = [this.now, this.now + ms];
    const updates: (PresenceUpdate & { readonly after: number })[] = [];
    while (true) {
      const { due } = this.presence;
      if (due === undefined || due > end) break;
      this.now = Math.max(this.now, due);
      const news = this.presence.takeUpdate(this.now);
      if (news !== undefined) updates.push({ ...news, after: this.now - start });
      const next = this.presence.due;
      if (next !== undefined && next <= this.now)
        throw new Error("still due: the timer would spin");
    }
    this.now = end;
    return updates;
  }

  #departs(name: PeerName, clean: boolean): void {
    const link = this.peers.get(name)?.link;
    if (link === undefined || this.peers.remove(link) === undefined) throw new Error("not here");
    this.presence.departed(name, clean, this.now);
  }
}

/** A room in which `names` have been for a while. */
const roomOf = (...names: readonly PeerName[]): Room => {
  const room = new Room().arrives(...names);
  room.passes(1_000);
  return room;
};

const news = (
  after: number,
  online: number,
  more: Partial<PresenceUpdate>,
): PresenceUpdate & { after: number } => ({
  joined: [],
  left: [],
  missed: false,
  online,
  after,
  ...more,
});

describe("news", () => {
  test.each<readonly [string, (room: Room) => Room, PresenceUpdate & { readonly after: number }]>([
    ["who came", (room) => room.arrives(bob), news(200, 2, { joined: [bob] })],
    [
      "who came together",
      (room) => room.arrives(bob, carol),
      news(200, 3, { joined: [bob, carol] }),
    ],
    ["who left", (room) => room.leaves(alice), news(200, 0, { left: [alice] })],
    [
      "who came and who left",
      (room) => room.arrives(bob).leaves(alice),
      news(200, 1, { joined: [bob], left: [alice] }),
    ],
    [
      "came and left: the last state wins",
      (room) => room.arrives(bob).leaves(bob),
      news(200, 1, { left: [bob] }),
    ],
    [
      "left and came: the last state wins",
      (room) => room.leaves(alice).arrives(alice),
      news(200, 1, { joined: [alice] }),
    ],
    [
      "came, left and came",
      (room) => room.arrives(bob).leaves(bob).arrives(bob),
      news(200, 2, { joined: [bob] }),
    ],
  ])("%s", (_what, happens, updates) => {
    expect(happens(roomOf(alice)).passes(1_000)).toEqual([updates]);
  });

  test("are batched for 200 ms from the first of them", () => {
    const room = roomOf(alice).arrives(bob);
    expect(room.passes(150)).toEqual([]);
    room.arrives(carol);
    expect(room.passes(1_000)).toEqual([news(50, 3, { joined: [bob, carol] })]);
    room.leaves(carol);
    expect(room.passes(1_000)).toEqual([news(200, 2, { left: [carol] })]);
  });

  test.each([
    [999, 200],
    [1_000, 201],
    [4_999, 1_000],
  ])(
    "R8: in a room of %i, a join is announced after %i ms, so that a storm costs less than a frame a peer",
    (size, ms) => {
      const room = new Room().arrives(...peers(size));
      room.passes(60_000);
      const [news, ...more] = room.arrives(alice).passes(60_000);
      expect(news).toMatchObject({ joined: [alice], after: ms });
      expect(more).toEqual([]);
    },
  );

  test("are sent once", () => {
    const room = roomOf(alice).arrives(bob);
    expect(room.passes(1_000)).toHaveLength(1);
    expect(room.passes(100_000)).toEqual([]);
  });

  test("count the online names when they are sent, not when the change happened", () => {
    const room = roomOf(alice).arrives(bob);
    room.passes(100);
    room.vanishes(bob);
    expect(room.passes(1_000)).toEqual([news(100, 2, { joined: [bob] })]);
  });

  test.each([
    ["100 names are listed", 100, 100, false],
    ["of 101, 100 are, and the rest is missed", 101, 100, true],
    ["of 250, too", 250, 100, true],
  ])("%s", (_what, count, listed, missed) => {
    const many = peers(count);
    const room = roomOf(alice).arrives(...many);
    expect(room.passes(1_000)).toEqual([
      news(200, count + 1, { joined: many.slice(0, listed), missed }),
    ]);
    room.leaves(...many);
    expect(room.passes(1_000)).toEqual([news(200, 1, { left: many.slice(0, listed), missed })]);
    room.arrives(bob);
    expect(room.passes(1_000)).toEqual([news(200, 2, { joined: [bob] })]);
  });

  test("each list has its own hundred", () => {
    const [old, newer] = [peers(100, "old"), peers(100, "young")];
    const room = roomOf(...old)
      .leaves(...old)
      .arrives(...newer);
    expect(room.passes(1_000)).toEqual([news(200, 100, { joined: newer, left: old })]);
  });

  test("updates lost with a turn are sent as missed", () => {
    const room = roomOf(alice);
    room.presence.lost(room.now);
    expect(room.passes(1_000)).toEqual([news(200, 1, { missed: true })]);
    room.arrives(bob);
    expect(room.passes(1_000)).toEqual([news(200, 2, { joined: [bob] })]);
  });

  test("lost updates come with those already batched", () => {
    const room = roomOf(alice).arrives(bob);
    room.passes(150);
    room.presence.lost(room.now);
    expect(room.passes(1_000)).toEqual([news(50, 2, { joined: [bob], missed: true })]);
  });
});

describe("grace", () => {
  test("a broken connection is announced after 15 s, and 200 ms", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    expect(room.passes(60_000)).toEqual([news(15_200, 1, { left: [bob] })]);
  });

  test.each([
    ["at once", 0],
    ["after a while", 7_000],
    ["at the last moment", 14_999],
  ])("a return is no news: %s", (_what, ms) => {
    const room = roomOf(alice, bob).vanishes(bob);
    expect(room.passes(ms)).toEqual([]);
    room.arrives(bob);
    expect(room.passes(60_000)).toEqual([]);
    expect(room.presence.online).toBe(2);
  });

  test("a return after it is announced, both ways", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    expect(room.passes(20_000)).toMatchObject([{ left: [bob] }]);
    room.arrives(bob);
    expect(room.passes(1_000)).toMatchObject([{ joined: [bob] }]);
  });

  test("a return between its end and the announcement leaves the last state", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    expect(room.passes(15_100)).toEqual([]);
    room.arrives(bob);
    expect(room.passes(1_000)).toEqual([news(100, 2, { joined: [bob] })]);
  });

  test("in it a name counts as online, everywhere", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    room.passes(14_999);
    expect(room.presence.isOnline(bob)).toBe(true);
    expect(room.presence.online).toBe(2);
    expect(room.presence.listNames(alice)).toEqual([alice, bob]);
    room.passes(1);
    expect(room.presence.isOnline(bob)).toBe(false);
    expect(room.presence.online).toBe(1);
    expect(room.presence.listNames(alice)).toEqual([alice]);
  });

  test("it restarts with each break", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    room.passes(10_000);
    room.arrives(bob).vanishes(bob);
    expect(room.passes(60_000)).toEqual([news(15_200, 1, { left: [bob] })]);
  });

  test("a goodbye after a return is announced at once", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    room.passes(10_000);
    room.arrives(bob).leaves(bob);
    expect(room.passes(60_000)).toEqual([news(200, 1, { left: [bob] })]);
  });

  test("a join that broke before its announcement is announced as a join, and later as a leave", () => {
    const room = roomOf(alice).arrives(bob).vanishes(bob);
    expect(room.passes(60_000)).toEqual([
      news(200, 2, { joined: [bob] }),
      news(15_200, 1, { left: [bob] }),
    ]);
  });

  test("several end each in their time, and those that end together are announced together", () => {
    const room = roomOf(alice, bob, carol).vanishes(bob);
    room.passes(100);
    room.vanishes(carol);
    expect(room.passes(60_000)).toEqual([news(15_100, 1, { left: [bob, carol] })]);
  });
});

describe("R9 idle is free", () => {
  test("nothing is due where nobody comes or goes", () => {
    expect(new Room().presence.due).toBeUndefined();
    const room = roomOf(alice, bob);
    expect(room.presence.due).toBeUndefined();
    expect(room.presence.takeUpdate(room.now + 1e9)).toBeUndefined();
  });

  test("the earlier of grace and news is due", () => {
    const room = roomOf(alice, bob).vanishes(bob);
    const start = room.now;
    expect(room.presence.due).toBe(start + 15_000);
    room.passes(14_900);
    room.arrives(carol);
    expect(room.presence.due).toBe(start + 15_000);
    room.passes(100);
    expect(room.presence.due).toBe(start + 15_100);
    room.passes(1_000);
    expect(room.presence.due).toBeUndefined();
  });
});

describe("the names in a welcome", () => {
  test("begin with the peer's own", () => {
    expect(roomOf(alice, bob, carol).presence.listNames(carol)).toEqual([carol, alice, bob]);
  });

  test("are 100 at most, those in grace last", () => {
    const room = roomOf(...peers(99), alice, bob).vanishes(bob);
    expect(room.presence.listNames(alice)).toEqual([alice, ...peers(99)]);
    room.leaves(peer("a99"));
    expect(room.presence.listNames(alice)).toEqual([alice, ...peers(98), bob]);
  });
});

test("R11 a client that applies the updates ends up knowing who is online", () => {
  const names = [alice, bob, carol, peer("dave")];
  const step = fc.tuple(
    fc.constantFrom(...names),
    fc.constantFrom("leaves" as const, "vanishes" as const),
    fc.oneof(fc.nat(400), fc.constantFrom(14_800, 14_999, 15_000, 15_001, 15_200)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const room = new Room();
      const known = new Set<PeerName>();
      const listen = (ms: number): void => {
        for (const { joined, left, missed } of room.passes(ms)) {
          for (const name of joined) known.add(name);
          for (const name of left) known.delete(name);
          expect(missed).toBe(false);
          expect(joined.filter((name) => left.includes(name))).toEqual([]);
        }
      };
      for (const [name, departs, ms] of steps) {
        if (room.peers.get(name) === undefined) room.arrives(name);
        else room[departs](name);
        listen(ms);
      }
      listen(16_000);
      expect([...known].sort()).toEqual([...room.peers.names()].sort());
      expect(room.presence.online).toBe(known.size);
      expect(room.presence.due).toBeUndefined();
    }),
    fuzz(300),
  );
});
