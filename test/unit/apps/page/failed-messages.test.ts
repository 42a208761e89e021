/** What the room rejected stays for the person, and is never made again at another message. */
import { expect, test } from "vitest";
import { type OutboxItem, RefusedError } from "../../../../src/client/index.ts";
import { FailedMessages } from "../../../../src/apps/page/failed-messages.ts";
import { Log } from "../../../../src/apps/page/model/log.ts";
import type { Preferences } from "../../../../src/apps/page/preferences.ts";

const EDIT: OutboxItem = { type: "patch", id: "e", ref: 41, text: "Lunch at 12?" };
const REPLY: OutboxItem = { type: "message", id: "r", ref: 41, text: "I come" };
const PLAIN: OutboxItem = { type: "message", id: "p", text: "hi" };
const FORBIDDEN = new RefusedError("forbidden", "too old");

function failedMessages() {
  const log = new Log();
  const none: Partial<Preferences> = { failedMessages: () => [], saveFailedMessages: () => {} };
  const at = { room: "lobby", name: "alice" };
  const failed = new FailedMessages(at, none as Preferences, log, []);
  const orphans = (): string[] =>
    log.failed.filter(({ isOrphan }) => isOrphan).map(({ unsent }) => unsent.id);
  return { log, failed, orphans };
}

test("what refers to a message that is not there is an orphan, by the code of its refusal", () => {
  const { failed, orphans } = failedMessages();
  failed.addRefused(FORBIDDEN, EDIT);
  expect(orphans()).toEqual([]);
  failed.addRefused(new RefusedError("unknown-ref", "of another history"), REPLY);
  expect(orphans()).toEqual(["r"]);
});

test("in another history of the room, the same seqs are other messages", () => {
  const { log, failed, orphans } = failedMessages();
  for (const item of [EDIT, PLAIN]) failed.addRefused(FORBIDDEN, item);
  failed.addUnknown(REPLY);
  failed.onRestored();
  expect(orphans()).toEqual(["e", "r"]);
  expect(log.failed).toHaveLength(3);
});
