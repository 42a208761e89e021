/**
 * The loads of the bench (bench/README.md), counted and not timed: rows read and written, statements, frames, entries
 * encoded. A higher cost shows here, on any machine.
 */
import { beforeEach, describe, expect, test } from "vitest";
import type { Counters } from "../../src/durable-object/rpc.ts";
import { NAMES_LISTED } from "../../src/core/peers/presence.ts";
import { cost, person, sends } from "../support/harness/billing-counters.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

/** Joins at a time, as a storm has them. */
const AT_ONCE = 50;
const nameOf = (index: number): string => `peer${index}`;

/** Peers that stay slow the next test down. The last may stay: the log lines of its leave would come too late. */
const crowds: Client[] = [];
beforeEach(() => {
  for (const client of crowds.splice(0)) client.closes(1000);
});

/** Waits until every peer knows that all of them are here, so that no news is due. */
async function allOnline(clients: readonly Client[]): Promise<void> {
  for (const client of clients) await client.isReady();
  for (const client of clients) {
    const isComplete = (): boolean =>
      (client.all("presence").at(-1) ?? client.all("welcome").at(-1))?.online === clients.length;
    await client.until(isComplete, "the news that all are here");
  }
}

async function crowd(room: TestRoom, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, (_, index) =>
      room.joins(nameOf(clients.length + index)),
    );
    clients.push(...(await Promise.all(batch)));
  }
  await allOnline(clients);
  crowds.push(...clients);
  return clients;
}

const nameOfSocket = (ws: WebSocket): string => {
  const { memo } = ws.deserializeAttachment() as { memo: { link: { name: string } } };
  return memo.link.name;
};

const isFirst = (ws: WebSocket): boolean => nameOfSocket(ws) === "first";

/** Every peer sends these messages, all in one turn. */
async function together(room: TestRoom, messagesOf: (name: string) => object[]): Promise<void> {
  await room.inside(async (object, state) => {
    const said = state
      .getWebSockets()
      .map(async (ws) => object.webSocketMessage(ws, JSON.stringify(messagesOf(nameOfSocket(ws)))));
    await Promise.all(said);
  });
}

/** A hundred names and the count of the others. */
const WELCOME_BYTES = 4_096;
/** Clients and room share one isolate here: more of them cost minutes, and count the same. */
const STORM = 100;
const PEERS = 100;
const MESSAGES = 10;
const next = (name: string): string => nameOf((Number(name.slice(4)) + 1) % PEERS);

describe("counted loads", () => {
  test("R10: of a storm each join costs a row and a bounded welcome, each broken connection a row, each return nothing", async () => {
    const room = new TestRoom();
    const first = await room.joins("first");
    await first.isReady();
    const storm = (): Promise<Client[]> =>
      Promise.all(Array.from({ length: STORM }, (_, index) => room.joins(nameOf(index))));
    const before = first.all("presence").length;
    let clients: Client[] = [];
    const joined = await cost(room, async () => {
      clients = await storm();
      crowds.push(first, ...clients);
      await allOnline([...clients, first]);
    });
    expect(joined).toMatchObject({ rowsWritten: STORM, encoded: 0 });
    // One statement to look the name up, one to write it, and one that counts the names, once.
    expect(joined.statements).toBeLessThanOrEqual(2 * STORM + 1);
    expect(joined.rowsRead).toBeLessThanOrEqual(2 * STORM);
    // News of the others go out once an interval to each peer, however many joins it had.
    const intervals = first.all("presence").length - before;
    expect(joined.frames).toBeLessThanOrEqual(STORM + intervals * (STORM + 1));
    for (const client of clients) {
      expect(client.all("welcome")[0]?.peers.length).toBeLessThanOrEqual(NAMES_LISTED);
      expect(client.frames[0]?.length).toBeLessThan(WELCOME_BYTES);
    }

    const broken = await cost(room, async () => {
      await room.inside(async (object, state) => {
        const links = state.getWebSockets().filter((ws) => !isFirst(ws));
        await Promise.all(links.map((ws) => object.webSocketClose(ws, 1006)));
      });
    });
    expect(broken).toMatchObject({ rowsWritten: STORM, frames: 0 });

    const returned = await cost(room, async () => {
      clients = await storm();
      crowds.push(...clients);
      for (const client of clients) await client.isReady();
    });
    // In grace they stayed online: no peer gets news of it, and each returning peer gets only a welcome and a `ready`.
    expect(returned).toMatchObject({ rowsWritten: 0, rowsRead: 0, statements: 0, encoded: 0 });
    expect(returned.frames).toBeLessThanOrEqual(2 * STORM);
  }, 60_000);

  test("R10: a hundred peers that send ten messages each in one turn cost a row and a checkpoint, and a frame each", async () => {
    const room = new TestRoom();
    const clients = await crowd(room, PEERS);
    const round = (acked: number): Promise<Counters> =>
      cost(room, async () => {
        const acks = acked > 0 ? [{ type: "ack", seq: acked }] : [];
        await together(room, (name) => [...acks, ...sends(MESSAGES, [next(name)])]);
        const whole = (2 * MESSAGES * (acked + PEERS * MESSAGES)) / (PEERS * MESSAGES);
        for (const client of clients)
          await client.until(() => client.texts.length === whole, "all");
      });
    const counts = {
      rowsWritten: 2,
      rowsRead: 2,
      statements: 2,
      frames: PEERS,
      encoded: PEERS * MESSAGES,
    };
    expect(await round(0)).toEqual(counts);
    // Acks in the same frames cost nothing.
    expect(await round(PEERS * MESSAGES)).toEqual(counts);
  }, 30_000);

  test("R10: one message in flight costs a row, a statement and two frames, each time the same", async () => {
    const room = new TestRoom();
    const clients = await crowd(room, 2);
    const [alice, bob] = [person(clients, 0), person(clients, 1)];
    const counts = await cost(room, async () => {
      for (let i = 1; i <= 50; i++) {
        alice.says(`${i}`, [bob.name]);
        await Promise.all(
          [alice, bob].map((client) => client.until(() => client.texts.length === i, "it")),
        );
        for (const client of [alice, bob]) client.acks(i);
      }
    });
    expect(counts).toEqual({
      rowsWritten: 50,
      rowsRead: 50,
      statements: 50,
      frames: 100,
      encoded: 50,
    });
  });

  test("R10: ten messages to everyone in one turn cost a row, ten encodings and a frame each", async () => {
    const room = new TestRoom();
    const clients = await crowd(room, PEERS);
    const counts = await cost(room, async () => {
      person(clients, 0).tells(sends(10));
      for (const client of clients) await client.until(() => client.texts.length === 10, "all");
    });
    expect(counts).toEqual({
      rowsWritten: 1,
      rowsRead: 1,
      statements: 1,
      frames: PEERS,
      encoded: 10,
    });
  }, 30_000);
});
