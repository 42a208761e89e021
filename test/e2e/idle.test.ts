/**
 * R9 and the first line of docs/cost.md: an idle room costs nothing but its storage. A real server, a real minute, and
 * the runtime's own hibernation. The test observes the room from outside: it prints a line when it is constructed and
 * for each event, and its database lies on the disk.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";
import type { V1Client } from "../support/clients/v1-client.ts";

const CLIENTS = 20;
const MINUTE_MS = 60_000;
const PING_EVERY_MS = 3_000;
/** The longest wait for the runtime's own hibernation, which comes after ten idle seconds. */
const HIBERNATION_MS = 40_000;

let server: Server;
beforeAll(async () => {
  server = await Server.starts({}, "test/support/server/instrumented-worker.ts");
});
afterAll(() => server.stop());

const constructions = (): number => server.printed("watched: made").length;
const events = (): number => server.printed("watched: event").length;
/** While an object is in memory its database has a write-ahead log beside it. */
const isAsleep = (): boolean =>
  ![...server.stored().keys()].some((file) => /[0-9a-f]{64}\.sqlite-wal$/.test(file));

/** Every ping is answered; the pings of a while later come with the next call. */
async function pingAll(clients: readonly V1Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.pings()));
  await pause(PING_EVERY_MS);
}

test("R9: connected, hibernated, pinged for a minute: no wake, no event, no write", async () => {
  const room = new TestRoom(server, "idle");
  const clients: V1Client[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    clients.push(await room.joins(`peer${i}`, { dialect: "chat.v1" }));
  }
  clients[0]?.says("good night");
  for (const client of clients) await client.hears("good night");
  const [first] = clients;
  if (first === undefined) throw new Error("nobody is there");
  // Ten seconds after the last event the runtime evicts the object, and SQLite folds its log into the database.
  const latest = Date.now() + HIBERNATION_MS;
  while (!isAsleep() && Date.now() < latest) await pingAll(clients);
  expect(isAsleep()).toBe(true);
  expect(constructions()).toBe(1);
  const [before, eventsBefore] = [server.stored(), events()];
  expect(before.size).toBeGreaterThan(0);

  const end = Date.now() + MINUTE_MS;
  while (Date.now() < end) await pingAll(clients);
  expect(constructions()).toBe(1);
  expect(events()).toBe(eventsBefore);
  expect(server.stored()).toEqual(before);
  expect(clients.filter((client) => client.isCutOff)).toEqual([]);

  // It had hibernated: the first message constructs it again, once, and everyone gets the message.
  first.says("good morning");
  for (const client of clients) await client.hears("good morning");
  expect(constructions()).toBe(2);
  expect(server.stored()).not.toEqual(before);
}, 180_000);
