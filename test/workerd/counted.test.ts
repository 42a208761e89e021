/**
 * The cost of a room, counted and not timed: rows read and written as the platform bills them, frames sent, entries
 * encoded, for the standard loads. R10 is asserted here from the store's own counters.
 */
import { describe, expect, test } from "vitest";
import { cost, person, sends } from "../support/harness/billing-counters.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

/** A room with these people in it, who know of each other. */
async function roomWith(...names: string[]): Promise<{ room: TestRoom; clients: Client[] }> {
  const room = new TestRoom();
  const clients: Client[] = [];
  for (const name of names) clients.push(await room.joins(name));
  const last = names.at(-1) ?? "";
  for (const client of clients) {
    await client.isReady();
    await client.until(() => client.frames.some((f) => f.includes(`"${last}"`)), "the last one");
    await client.hearsKind("presence");
  }
  return { room, clients };
}

describe("counted", () => {
  test("R10: a message to one costs one row, two frames, one encoding, and one read to place the row", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    const counts = await cost(room, async () => {
      alice.says("hi", ["bob"]);
      await bob.hears("hi");
      await alice.hears("hi");
    });
    expect(counts).toEqual({ rowsWritten: 1, rowsRead: 1, statements: 1, frames: 2, encoded: 1 });
  });

  test("R10: a hundred messages in one turn cost one row and one frame per recipient", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    const frames = bob.frames.length;
    const counts = await cost(room, async () => {
      alice.tells(sends(100, ["bob"]));
      await bob.until(() => bob.texts.length === 100, "all");
      await alice.until(() => alice.texts.length === 100, "all");
    });
    expect(counts).toEqual({ rowsWritten: 1, rowsRead: 1, statements: 1, frames: 2, encoded: 100 });
    expect(bob.frames.length - frames).toBe(1);
  });

  test("R10: a message to everyone costs one row and one encoding, however many they are", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `peer${index}`);
    const { room, clients } = await roomWith(...names);
    const counts = await cost(room, async () => {
      person(clients, 3).says("hi");
      for (const client of clients) await client.hears("hi");
    });
    expect(counts).toEqual({ rowsWritten: 1, rowsRead: 1, statements: 1, frames: 20, encoded: 1 });
  });

  test("R10: acks cost nothing at all", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    alice.tells(sends(10, ["bob"]));
    await bob.until(() => bob.texts.length === 10, "all");
    const counts = await cost(room, async () => {
      for (let seq = 1; seq <= 10; seq++) bob.acks(seq);
      bob.acks(99);
      await bob.hearsKind("error");
    });
    expect(counts).toEqual({ rowsWritten: 0, rowsRead: 0, statements: 0, frames: 1, encoded: 0 });
  });

  test("R10: a new name costs one row, a known one none, a takeover none, a goodbye one", async () => {
    const { room } = await roomWith("alice");
    const written = async (load: () => Promise<void>) => (await cost(room, load)).rowsWritten;
    let bob: Client | undefined;
    const joins = async (): Promise<void> => {
      bob = await room.joins("bob");
      await bob.isReady();
    };
    const leaves = async (): Promise<void> => {
      bob?.closes(1000);
      await bob?.isClosed();
    };
    expect(await written(joins)).toBe(1);
    expect(await written(joins)).toBe(0);
    expect(await written(leaves)).toBe(1);
    expect(await written(joins)).toBe(0);
  });

  test("R10: one checkpoint of all cursors per 256 entries, in the same commit", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    const says = async (count: number): Promise<number> => {
      const have = bob.texts.length;
      const counts = await cost(room, async () => {
        alice.tells(sends(count, ["bob"]));
        await bob.until(() => bob.texts.length === have + count, "all");
        bob.acks(have + count);
        alice.acks(have + count);
      });
      return counts.rowsWritten;
    };
    expect([await says(200), await says(55), await says(1), await says(100)]).toEqual([1, 1, 2, 1]);
  });

  test("history, who and signals write nothing, and read no more than they show", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    for (let i = 1; i <= 5; i++) {
      alice.says(`${i}`, ["bob"]);
      await bob.until(() => bob.texts.length === i, "it");
    }
    const counts = await cost(room, async () => {
      bob.tells({ type: "history", id: "h" });
      bob.tells({ type: "who", id: "w" });
      bob.tells({ type: "signal", data: "typing" });
      await alice.hearsKind("signal");
      await bob.hearsKind("who");
    });
    expect(counts.rowsWritten).toBe(0);
    expect(counts.rowsRead).toBeLessThanOrEqual(10);
    expect(bob.all("history")[0]?.messages).toHaveLength(5);
  });

  test("a replay reads each row of the log once, encodes nothing, writes nothing, one frame a page", async () => {
    const { room, clients } = await roomWith("alice", "bob", "carol");
    const [alice, bob, carol] = [person(clients, 0), person(clients, 1), person(clients, 2)];
    bob.closes(1000);
    await bob.isClosed();
    for (let i = 1; i <= 4; i++) {
      alice.tells(sends(50, ["bob"]));
      alice.tells(sends(1, ["carol"]));
      await alice.until(() => alice.texts.length === i * 51, "confirmations");
      alice.acks(i * 51);
      carol.acks(i * 51);
    }
    let back: Client | undefined;
    const counts = await cost(room, async () => {
      back = await room.joins("bob");
      await back.isReady();
    });
    expect(back?.texts).toHaveLength(200);
    expect(counts).toMatchObject({ rowsWritten: 0, encoded: 0 });
    // Four to eight commits, by how the frames fell into turns; and the rows that SQLite reads to find their end.
    expect(counts.rowsRead).toBeLessThanOrEqual(10);
    expect(back?.frames.length).toBe(1);
  });

  test("a returning peer skips entries that cannot concern it without reading them", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    bob.closes(1000);
    await bob.isClosed();
    for (let i = 1; i <= 20; i++) {
      alice.says(`${i}`, [i === 13 ? "bob" : "alice"]);
      await alice.until(() => alice.texts.length === i, "it");
      alice.acks(i);
    }
    let back: Client | undefined;
    const counts = await cost(room, async () => {
      back = await room.joins("bob");
      await back.isReady();
    });
    expect(back?.texts).toEqual(["13"]);
    expect(counts.rowsRead).toBeLessThanOrEqual(25);
    expect(counts.frames).toBe(1);
  });

  test("R9: a room where nothing happens has no timer; pings are answered without it", async () => {
    const { room, clients } = await roomWith("alice", "bob");
    await room.settles();
    await room.sleeps();
    const counts = await cost(room, async () => {
      for (const client of clients) {
        client.tells("ping");
        await client.until(() => client.frames.at(-1) === "pong", "pong");
      }
    });
    expect(counts).toEqual({ rowsWritten: 0, rowsRead: 0, statements: 0, frames: 0, encoded: 0 });
    const timers = await room.inside((object) => object.isIdle);
    expect(timers).toBe(true);
  });

  test("R10: a row is deleted once, and a segment of more than 512 KiB is split", async () => {
    const { room, clients } = await roomWith("alice");
    const alice = person(clients, 0);
    const text = "x".repeat(8_000);
    const big = (prefix: string, count: number): object[] =>
      Array.from({ length: count }, (_, i) => ({
        type: "send",
        id: `${prefix}${i}`,
        text,
        to: ["alice"],
      }));
    const counts = await cost(room, async () => {
      // Ten frames of 56 kB, pushed into one turn.
      await room.inside(async (object, state) => {
        const [ws] = room.socketsOf(state, "alice");
        if (ws === undefined) throw new Error("alice is not there");
        const turns = Array.from({ length: 10 }, async (_, i) =>
          object.webSocketMessage(ws, JSON.stringify(big(`${i}-`, 7))),
        );
        await Promise.all(turns);
      });
      await alice.until(() => alice.texts.length > 0, "something");
    });
    // 70 messages of about 8,080 bytes are 566 kB: two rows.
    expect(counts).toMatchObject({ rowsWritten: 2, encoded: 70 });
  });
});
