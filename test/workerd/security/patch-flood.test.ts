/** R8: what a flood of patches of long rows makes a room do. */
import { expect, test } from "vitest";
import { PATCH_ROW_BYTES } from "../../../src/core/commands/patch.ts";
import type { PeerName, RoomName } from "../../../src/protocol/ids.ts";
import { TestRoom } from "../../support/harness/workerd.ts";

/** One row of so many messages of alice to herself, 8 kB each. */
async function longRow(room: TestRoom, count: number): Promise<void> {
  const from = "alice" as PeerName;
  const order = { type: "Publish", from, text: "x".repeat(8_000), to: [from] } as const;
  for (let i = 0; i < count; i++) await room.stub.operate(room.name as RoomName, order);
  // How the messages fall into turns depends on the load, so their rows are made one here.
  await room.inside((_object, { storage: { sql } }) => {
    const bodies = sql
      .exec<{ body: string }>("SELECT CAST(body AS TEXT) AS body FROM segments ORDER BY last")
      .toArray()
      .map(({ body }) => body.slice(1, -1));
    const body = `[${bodies.join(",\n")}]`;
    sql.exec("DELETE FROM segments WHERE last < ?", count);
    const query = "UPDATE segments SET first = 1, body = ?, bytes = ?, total = ? WHERE last = ?";
    sql.exec(query, body, body.length, body.length, count);
  });
}

test("R8: a flood of patches of a long row ends with 4103, after work that the allowance bounds", async () => {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  const count = 60;
  await longRow(room, count);
  const { epoch } = await alice.hearsKind("welcome");
  await room.crashes();
  const mallory = await room.joins("alice", { query: { since: count, epoch } });
  await mallory.isReady();
  const before = await room.counters();
  // Data alone: the row stays as long as it is.
  for (let i = 0; i < 500; i++) {
    mallory.tells({ type: "patch", id: `${i}`, ref: (i % count) + 1, data: { i } });
  }
  expect((await mallory.isClosed()).code).toBe(4103);
  await room.settles();
  const after = await room.counters();
  const head = await room.inside((_object, { storage }) =>
    Number(storage.sql.exec("SELECT max(last) AS n FROM segments").one()["n"]),
  );
  const patches = head - count;
  expect(patches).toBeGreaterThan(0);
  // The row costs what its length demands; two more seconds may have refilled some items.
  const { limits } = await mallory.hearsKind("welcome");
  const items = limits.burst + 2 * limits.rate;
  expect(patches).toBeLessThanOrEqual(items / Math.floor((count * 8_000) / PATCH_ROW_BYTES));
  // Each turn writes its own row, the old one, and those of the patches before; then the ends of two names.
  expect(after.rowsWritten - before.rowsWritten).toBeLessThanOrEqual(3 * patches + 5);
  // Also those that were refused read no more than a row or two each.
  expect(after.statements - before.statements).toBeLessThanOrEqual(6 * patches + 20);
  expect(after.rowsRead - before.rowsRead).toBeLessThanOrEqual(6 * patches + 30);
});
