/** A slow loop, while more comes than its backlog holds: no entry is skipped, and the loop can still send. */
import { expect, onTestFinished, test } from "vitest";
import { ChatClient } from "../../src/client/index.ts";
import { Server } from "../support/server/server.ts";

/** 8,000 bytes each: more than the 8 MiB of a loop's backlog. */
const MANY = 1_200;

test("R5: entries beyond a loop's backlog are fetched again, once and in order, and its sends go out", async () => {
  const server = await Server.starts({ RATE: 10_000, BURST: 100_000, LOG_SHARE: 100 });
  onTestFinished(() => server.stop());
  const at = { url: server.url, room: "backlog" };
  const bob = new ChatClient({ ...at, name: "bob" });
  const alice = new ChatClient({ ...at, name: "alice", outboxLimit: 2_000 });
  onTestFinished(() => Promise.all([alice.close(), bob.close()]).then(() => {}));
  const read: string[] = [];
  const states: string[] = [];
  bob.on("state", ({ type }) => states.push(type));
  await alice.send("begin");
  for (let from = 0; from < MANY; from += 200) {
    const some = Array.from({ length: 200 }, (_, index) => `${from + index}`.padEnd(8_000));
    await Promise.all(some.map((text) => alice.send(text)));
  }
  for await (const { from, text } of bob) {
    if (from !== "alice" || text === "begin") continue;
    read.push(text.trim());
    // The connection confirms while the backlog is full.
    if (read.length === 1) await bob.send("here", { to: ["alice"] });
    if (read.length === MANY) break;
  }
  expect(read).toEqual(Array.from({ length: MANY }, (_, index) => `${index}`));
  expect(states.filter((type) => type === "live").length).toBeGreaterThan(1);
}, 60_000);
