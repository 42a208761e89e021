/**
 * A client that is closed while it connects, and its successor, as with React's StrictMode and a hot reload. The older
 * handshake may reach the room after the newer one; it must not win.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChatClient, memoryStorage } from "../../src/client/index.ts";
import { seed } from "../support/seed.ts";
import { Server } from "../support/server/server.ts";

const ROUNDS = 300;

let server: Server;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());

/** Numbers in [0, 1), the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Waits until the client has ended for good or is live. */
const outcomeOf = (client: ChatClient): Promise<string> =>
  new Promise((resolve) => {
    const look = ({ state } = client): void => {
      if (state.type === "live") resolve("live");
      if (state.type === "closed") resolve(`closed for good with ${state.code}`);
    };
    client.on("state", () => look());
    look();
  });

test.each([
  ["on one storage", true],
  ["without a storage", false],
])(
  "new, close, new within 8 ms, %s: the second client lives",
  async (_how, isShared) => {
    const chance = chanceOf(seed);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const storage = memoryStorage();
      const options = {
        url: server.url,
        room: `handover-${isShared}-${seed}-${round}`,
        name: "alice",
        ...(isShared && { storage }),
      };
      const first = new ChatClient(options);
      const ms = chance() * 8;
      if (ms > 1) await new Promise((resolve) => setTimeout(resolve, ms));
      const closing = first.close();
      if (chance() < 0.5) await closing;
      const second = new ChatClient(options);
      await outcomeOf(second);
      // A late handshake of the first client has arrived by the time of the second answer.
      await second.who().catch(() => {});
      await second.who().catch(() => {});
      const outcome = await outcomeOf(second);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await Promise.all([closing, second.close()]);
    }
    expect(Object.fromEntries(outcomes), `SEED=${seed}`).toEqual({ live: ROUNDS });
  },
  120_000,
);
