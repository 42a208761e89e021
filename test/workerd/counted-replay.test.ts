/** A replay of a long log, counted and not timed: the requests of the bench's workload of that name. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/config/limits.ts";
import { cost, sends } from "../support/harness/billing-counters.ts";
import { type Client, TestRoom, withVars } from "../support/harness/workerd.ts";

const WINDOW = LIMITS.window.default;
/** Pauses would only slow the generator down. */
const FREELY = { RATE: "100000", BURST: "1000000", LOG_SHARE: "0" };

describe("counted replay", () => {
  test.each([
    ["all of them theirs", 1],
    ["nine of ten rows for another peer", 10],
  ])(
    "a replay of 10,000 entries, %s, reads each row once, encodes nothing, and a frame is a full window",
    async (_case, every) => {
      await withVars(FREELY, async () => {
        const room = new TestRoom();
        const alice = await room.joins("alice");
        for (const name of ["bob", "carol"]) {
          const client = await room.joins(name);
          await client.isReady();
          client.closes(1000);
          await client.isClosed();
        }
        // Forty rows of 250.
        for (let row = 0; row < 40; row++) {
          alice.tells(sends(250, [row % every === 0 ? "bob" : "carol"]));
          await alice.until(() => alice.texts.length === (row + 1) * 250, "confirmations");
          alice.acks((row + 1) * 250);
        }
        const expected = 10_000 / every;
        let bob: Client | undefined;
        const counts = await cost(room, async () => {
          bob = await room.joins("bob");
          for (let received = 0; received < expected;) {
            const target = Math.min(expected, received + WINDOW);
            await bob.until(() => (bob?.texts.length ?? 0) >= target, "a window");
            received = bob.texts.length;
            bob.acks(bob.all("message").at(-1)?.seq ?? 0);
          }
          await bob.isReady();
        });
        expect(bob?.texts).toHaveLength(expected);
        expect(counts).toMatchObject({ rowsWritten: 0, encoded: 0 });
        // The database reads one row more than a page takes, past those that it skips; and the row that marks the end.
        const pages = Math.ceil(expected / WINDOW);
        expect(counts.rowsRead).toBeLessThanOrEqual((every === 1 ? 1 : 2) * 40 + 2 * pages);
        // The welcome comes with the first page, and alice gets one frame more, about bob.
        const marks = bob?.all("mark").length ?? 0;
        expect(bob?.frames.length).toBeLessThanOrEqual(pages + 2 + marks);
      });
    },
    30_000,
  );
});
