/** After a restore from a backup: the cursor is void, the outbox is not (docs/protocol.md, section 2). */
import { expect, test } from "vitest";
import { nextToSend, onWelcome } from "../../../src/client/session.ts";
import type { ClientRecord } from "../../../src/client/storage/storage.ts";

test("R5: after another epoch the outbox is kept, and sent again with the same ids, in order", () => {
  const record: ClientRecord = {
    version: 1,
    session: "s",
    attempt: 1,
    cursor: 99,
    epoch: "before.1",
    outbox: [
      { id: "a", text: "sent, and not confirmed", sent: true },
      { id: "b", text: "not sent yet", sent: false },
    ],
  };
  const after = onWelcome(record, { epoch: "after.2", since: 7 as never });
  expect(after).toEqual({ ...record, cursor: 7, epoch: "after.2" });
  expect(nextToSend(after, new Set(), 10).map(({ id }) => id)).toEqual(["a", "b"]);
});
