/** Patches, as conversations: who may change what, and what stays of it on the disk. */
import { describe, expect, test } from "vitest";
import type { Change } from "../../../src/core/patch.ts";
import type { Refusal } from "../../../src/core/event.ts";
import { HOUR } from "../../../src/core/limits.ts";
import { PATCHES_MAX } from "../../../src/protocol/limits.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const changes = (client: Client, ref: number, change: Change, id = `patch of ${ref}`): void => {
  client.does({ type: "Patch", id, ref: ref as Seq, ...change });
};
const edits = (client: Client, ref: number, text: string, id?: string): void =>
  changes(client, ref, { text }, id);
const erases = (client: Client, ref: number): void => changes(client, ref, { erase: true });

/** Returns the last refusal that a client was sent. */
const refusalOf = (client: Client): Refusal | undefined => client.all("error").at(-1)?.refusal;

const onDisk = (room: RoomHarness): string => JSON.stringify(room.disk.segments);

const frames = (client: Client): unknown[] =>
  client.entries.map(({ frame }) => JSON.parse(frame) as unknown);

describe("an author", () => {
  test("R3: changes a message for everyone who can read it; the log, a replay and history have it changed", () => {
    const room = new RoomHarness();
    const [alice, bob, carol] = [room.joins("alice"), room.joins("bob"), room.joins("carol")];
    alice.says("Lunch at 12", ["bob"], "a1");
    edits(alice, 1, "Lunch at 1", "a2");
    const patch = {
      type: "patch",
      seq: 2,
      ref: 1,
      from: "alice",
      to: ["bob"],
      id: "a2",
      at: room.now,
      text: "Lunch at 1",
    };
    for (const client of [alice, bob]) expect(frames(client).at(-1)).toEqual(patch);
    expect(carol.entries).toEqual([]);
    const folded = { seq: 1, text: "Lunch at 1", id: "a1", patched: 2, patches: 1 };
    bob.asksHistory();
    expect(bob.all("history")[0]?.entries).toMatchObject([folded]);
    room.crashes();
    const back = room.joins("bob", { since: 0, epoch: room.epoch });
    expect(frames(back)).toMatchObject([folded, patch]);
    expect(onDisk(room)).not.toContain("Lunch at 12");
  });

  test("changes data alone, and leaves the text", () => {
    const room = new RoomHarness();
    const alice = room.joins("alice");
    alice.does({ type: "Message", id: "a1", text: "vote", data: { yes: 0 } });
    changes(alice, 1, { data: { yes: 1 } });
    expect(room.storage.log.find(1 as Seq)?.entry).toMatchObject({
      text: "vote",
      data: { yes: 1 },
    });
    expect(onDisk(room)).not.toContain('{"yes":0}');
  });

  test("erases a message at any time, and for good", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.does({ type: "Message", id: "a1", text: "a secret", data: { also: "secret data" } });
    alice.acks();
    bob.acks();
    room.passes(room.limits.patchHours * HOUR);
    edits(alice, 1, "too late");
    expect(refusalOf(alice)).toMatchObject({ code: "forbidden", id: "patch of 1" });
    erases(alice, 1);
    expect(frames(bob).at(-1)).toMatchObject({ type: "patch", seq: 2, ref: 1, erase: true });
    const { entry } = room.storage.log.find(1 as Seq) ?? {};
    expect(JSON.parse(entry?.frame ?? "")).toMatchObject({ text: "", erased: true, patched: 2 });
    expect(entry).toMatchObject({ by: undefined, data: undefined });
    expect(onDisk(room)).not.toContain("secret");
    erases(alice, 1);
    expect(refusalOf(alice)?.message).toBe("ref: 1 is erased, and stays so");
    expect(room.storage.log.head).toBe(2);
  });

  test(`R8: changes one ${PATCHES_MAX} times; after that it can still be erased`, () => {
    const room = new RoomHarness();
    const alice = room.joins("alice");
    alice.says("draft");
    alice.acks();
    for (let i = 1; i <= PATCHES_MAX; i++) {
      room.passes(HOUR / 10);
      edits(alice, 1, `${i}`);
      alice.acks();
    }
    expect(alice.errors).toEqual([]);
    edits(alice, 1, "once more");
    expect(refusalOf(alice)).toMatchObject({ code: "forbidden" });
    expect(room.storage.log.find(1 as Seq)?.entry).toMatchObject({
      text: `${PATCHES_MAX}`,
      patches: PATCHES_MAX,
    });
    erases(alice, 1);
    expect(room.storage.log.find(1 as Seq)?.entry).toMatchObject({ text: "", erased: true });
  });

  test("does not change what others sent, a patch, or what an earlier owner of the name sent", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.says("of alice");
    edits(alice, 1, "changed by alice");
    for (const change of [{ text: "changed by bob" }, { erase: true } as const]) {
      changes(bob, 1, change);
      expect(refusalOf(bob)).toMatchObject({ code: "forbidden" });
    }
    edits(alice, 2, "a patch of a patch");
    expect(refusalOf(alice)?.message).toBe("ref: 2 is itself a patch: change the entry 1");
    room.requests({ type: "Expel", name: "alice" as PeerName });
    const next = room.joins("alice");
    erases(next, 1);
    expect(refusalOf(next)).toMatchObject({
      code: "forbidden",
      message: "ref: 1 was sent by an earlier owner of your name",
    });
    expect(room.storage.log.head).toBe(2);
    expect(room.storage.log.find(1 as Seq)?.entry.text).toBe("changed by alice");
  });

  test("R8: cannot tell an entry of others from one that is gone, or never was", () => {
    const room = new RoomHarness({ logEntries: 2 });
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    bob.says("of bob, soon trimmed");
    for (const text of ["a secret", "another"]) bob.says(text, ["bob"]);
    expect(room.storage.log.first).toBe(2);
    const refusals = [1, 2, 4, 1e9].map((ref) => {
      edits(alice, ref, "what is there?");
      const { code, message = "" } = refusalOf(alice) ?? {};
      return [code, message.replace(`ref: ${ref} `, "")];
    });
    const same = ["unknown-ref", "is no entry that you can read, or it is no longer kept"];
    expect(refusals).toEqual([same, same, same, same]);
  });
});

describe("in one turn", () => {
  test("a message and its patch: nobody ever has the first text", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    room.together(() => {
      alice.says("tpyo", ["bob"], "a1");
      edits(alice, 1, "typo", "a2");
    });
    for (const client of [alice, bob]) {
      expect(frames(client)).toMatchObject([
        { type: "message", seq: 1, text: "typo", id: "a1", patched: 2, patches: 1 },
        { type: "patch", seq: 2, ref: 1, text: "typo", id: "a2" },
      ]);
      expect(JSON.stringify(client.heard)).not.toContain("tpyo");
    }
    expect(onDisk(room)).not.toContain("tpyo");
  });

  test("two patches of an older message: the later one has the contents, both are confirmed", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.says("first", undefined, "a1");
    const { commits } = room.storage;
    room.together(() => {
      edits(alice, 1, "second", "a2");
      edits(alice, 1, "third", "a3");
    });
    expect(room.storage.commits).toBe(commits + 1);
    for (const client of [alice, bob]) {
      expect(frames(client).slice(1)).toEqual([
        { type: "patch", seq: 2, ref: 1, from: "alice", id: "a2", at: room.now, patched: 3 },
        { type: "patch", seq: 3, ref: 1, from: "alice", id: "a3", at: room.now, text: "third" },
      ]);
    }
    expect(room.storage.log.find(1 as Seq)?.entry).toMatchObject({ text: "third", patches: 2 });
    expect(onDisk(room)).not.toMatch(/first|second/);
  });

  test("R8: an entry whose row cannot be read is unknown to its author; nobody else is disturbed", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.says("one");
    const { log } = room.storage;
    const find = log.find.bind(log);
    log.find = (seq) => {
      if (seq === 1) throw new Error("it is damaged");
      return find(seq);
    };
    room.together(() => {
      bob.says("two");
      edits(alice, 1, "changed");
      alice.says("three");
    });
    expect(refusalOf(alice)).toMatchObject({ code: "unknown-ref" });
    for (const client of [alice, bob]) expect(client.texts).toEqual(["one", "two", "three"]);
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
    expect(room.broker.auditEvents()).toContainEqual({
      event: "storage-trouble",
      error: "Error: it is damaged",
    });
  });
});

test("R3: of a message that was changed three times, the log has one text, and the patch that gave it", () => {
  const room = new RoomHarness();
  const alice = room.joins("alice");
  alice.says("text 0");
  for (const i of [1, 2, 3]) changes(alice, 1, { text: `text ${i}`, data: { version: i } });
  const stored = room.disk.segments.flat().map(({ frame }) => JSON.parse(frame) as unknown);
  expect(stored).toMatchObject([
    { seq: 1, text: "text 3", data: { version: 3 }, patched: 4, patches: 3 },
    { seq: 2, patched: 3 },
    { seq: 3, patched: 4 },
    { seq: 4, text: "text 3", data: { version: 3 } },
  ]);
  expect(onDisk(room)).not.toMatch(/text [0-2]|"version":[12]/);
});
