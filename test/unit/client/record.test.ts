/** The record that a storage kept, as it is read and checked. */
import { describe, expect, test } from "vitest";
import { checkRecord, readRecord } from "../../../src/client/record.ts";

const RECORD = {
  version: 2,
  session: "s-1",
  attempt: 42,
  cursor: 7,
  epoch: "e",
  outbox: [
    { id: "a", text: "Grüße 👋\n", to: ["bob"], sent: true, unknown: true },
    { id: "b", text: "x", sent: false },
  ],
};
const [FIRST, SECOND] = RECORD.outbox;
const PATCH = { type: "patch", id: "p", ref: 3, text: "x", sent: false };

describe("a record", () => {
  test.each<[string, object]>([
    ["with everything in it", RECORD],
    ["of a client that was never connected", { version: 1, session: "s", attempt: 0, outbox: [] }],
    ["with a patch in its outbox", { ...RECORD, outbox: [FIRST, PATCH] }],
    ["of release 1", { ...RECORD, version: 1 }],
    ["with fields that this release does not know", { ...RECORD, later: [1] }],
  ])("%s is read as it is", (_case, record) => {
    expect(readRecord(JSON.stringify(record))).toEqual({ type: "record", record });
    expect(checkRecord(record)).toEqual({ type: "record", record });
  });

  test.each<[string, object]>([
    ["the same fields", { ...RECORD, version: 3 }],
    ["nothing that this release knows", { version: 17, rows: {} }],
  ])("of a newer release, with %s, is not called damaged", (_case, record) => {
    const read = readRecord(JSON.stringify(record));
    expect(read.type).toBe("newer");
    expect(read).toHaveProperty("why", expect.stringContaining("newer release"));
  });

  test.each<[string, string, object]>([
    ["no version", "version", { ...RECORD, version: undefined }],
    ["a version as text", "version", { ...RECORD, version: "3" }],
    ["a version before the first", "version", { ...RECORD, version: 0 }],
    ["no session", "session", { ...RECORD, session: undefined }],
    ["a session that no handshake takes", "session", { ...RECORD, session: "a b" }],
    ["an attempt as text", "attempt", { ...RECORD, attempt: "42" }],
    ["an attempt below 0", "attempt", { ...RECORD, attempt: -1 }],
    ["half a position", "cursor", { ...RECORD, cursor: 1.5 }],
    ["a position of null", "cursor", { ...RECORD, cursor: null }],
    ["an epoch as number", "epoch", { ...RECORD, epoch: 1 }],
    ["no outbox", "outbox", { ...RECORD, outbox: undefined }],
    ["an outbox that is no list", "outbox", { ...RECORD, outbox: {} }],
    ["a message of null", "outbox", { ...RECORD, outbox: [FIRST, null] }],
    ["a message without id", "outbox", { ...RECORD, outbox: [{ text: "x", sent: false }] }],
    ["a message without text", "outbox", { ...RECORD, outbox: [{ ...FIRST, text: undefined }] }],
    ["a message to one name", "outbox", { ...RECORD, outbox: [{ ...FIRST, to: "bob" }] }],
    ["a message to a number", "outbox", { ...RECORD, outbox: [{ ...FIRST, to: [1] }] }],
    ["a message sent perhaps", "outbox", { ...RECORD, outbox: [{ ...SECOND, sent: "no" }] }],
    ["an item of another type", "outbox", { ...RECORD, outbox: [{ ...FIRST, type: "vote" }] }],
    ["a ref as text", "outbox", { ...RECORD, outbox: [{ ...FIRST, ref: "1" }] }],
    ["data as a list", "outbox", { ...RECORD, outbox: [{ ...FIRST, data: [] }] }],
    ["a message quiet as text", "outbox", { ...RECORD, outbox: [{ ...FIRST, quiet: "yes" }] }],
    ["an epoch of an item as number", "outbox", { ...RECORD, outbox: [{ ...FIRST, epoch: 1 }] }],
    ["a patch without ref", "outbox", { ...RECORD, outbox: [{ ...PATCH, ref: undefined }] }],
    ["a patch with a text of null", "outbox", { ...RECORD, outbox: [{ ...PATCH, text: null }] }],
    ["a patch that erases no", "outbox", { ...RECORD, outbox: [{ ...PATCH, erase: false }] }],
    ["a fate that is not unknown", "outbox", { ...RECORD, outbox: [{ ...FIRST, unknown: false }] }],
  ])("with %s is unreadable, and the field is named", (_case, field, record) => {
    const read = readRecord(JSON.stringify(record));
    expect(read.type).toBe("unreadable");
    expect(read).toHaveProperty("why", expect.stringContaining(`\`${field}\``));
  });

  test.each<[string, string, string]>([
    ["nothing", "", "it is empty"],
    ["zeros, as a crash may leave them", "\0".repeat(9), "its 9 bytes are not JSON"],
    ["another language", "session: s-1", "are not JSON; whether messages waited"],
    ["a list", "[]", "not a JSON object; it has 2 bytes"],
    ["null", "null", "not a JSON object"],
    ["a record cut off in its second message", JSON.stringify(RECORD).slice(0, -10), "at least 2"],
    ["a record cut off before its outbox", JSON.stringify(RECORD).slice(0, 30), "cannot be told"],
    ["messages without their client", JSON.stringify({ ...RECORD, session: 1 }), "2 messages wait"],
    ["an empty outbox", JSON.stringify({ version: 1, outbox: [] }), "0 messages waited"],
  ])("%s: what was in it is said, as far as it can be told", (_case, text, said) => {
    const read = readRecord(text);
    expect(read.type).toBe("unreadable");
    expect(read).toHaveProperty("why", expect.stringContaining(said));
  });

  test("a text that looks like a message is not counted as one", () => {
    const outbox = [{ id: "a", text: '{"id":"b"},{"id":"c"}', sent: false }];
    const cut = JSON.stringify({ ...RECORD, outbox }).slice(0, -3);
    expect(readRecord(cut)).toHaveProperty("why", expect.stringContaining("at least 1 message "));
  });
});
