/** R8: ten clients that ack unread entries do not make the server grow: the memory is that of real processes. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { processStats } from "../../../bench/support/process-stats.ts";
import { MIB } from "../../../src/core/limits.ts";
import { TestRoom } from "../../support/clients/room.ts";
import { Server } from "../../support/server/server.ts";

const LIARS = 10;
/** The entries that each of them is owed. */
const PAST_MIB = 16;
const TEXT = "x".repeat(8_000);
/** Entries of this length that fit into a window. */
const WINDOW = 30;
const ENTRIES = Math.ceil((PAST_MIB * MIB) / TEXT.length);

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ RATE: 100_000, BURST: 1_000_000, LOG_SHARE: 0 });
});
afterAll(() => server.stop());

test("R8: ten clients that ack unread entries cost a bounded memory, and disturb no peer", async () => {
  const room = new TestRoom(server, "unread");
  const alice = await room.joins("alice", { dialect: "chat.v1" });
  // Messages from before the claim of a name do not concern it.
  for (let number = 0; number < LIARS; number++) {
    await (await room.joins(`liar${number}`, { dialect: "chat.v1" })).leaves();
  }
  for (let count = 0; count < ENTRIES; count++) alice.says(TEXT);
  await alice.isDone(60_000);
  const memory = (): number => processStats(server.group).rss;
  const before = memory();
  const liars = Array.from({ length: LIARS }, (_, number) => {
    const query = `name=liar${number}&since=0`;
    const socket = new WebSocket(`${room.url}?${query}`, ["chat.v1"], { perMessageDeflate: false });
    socket.on("error", () => {});
    socket.on("open", () => socket.pause());
    return socket;
  });
  let most = 0;
  // A window at a time: an ack above the last sent position would only skip entries.
  for (let seq = WINDOW; seq <= ENTRIES + 20 * WINDOW; seq += WINDOW) {
    await pause(150);
    for (const socket of liars) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      socket.send(JSON.stringify({ type: "ack", seq: Math.min(seq, ENTRIES) }));
    }
    most = Math.max(most, memory());
  }
  for (const socket of liars) socket.terminate();
  console.log(`the server grew by ${Math.round((most - before) / MIB)} MiB`);
  expect((most - before) / MIB).toBeLessThan(64);
  // Alice goes on.
  alice.says("still here", { to: ["alice"] });
  await alice.isDone();
}, 120_000);
