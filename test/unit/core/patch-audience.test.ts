/** Whom a patch reaches: those whom its target concerns, and never a later owner of one of their names. */
import { describe, expect, test } from "vitest";
import type { AdminResult } from "../../../src/protocol/admin.ts";
import type { PeerName, Seq } from "../../../src/protocol/ids.ts";
import { type Client, type JoinOptions, RoomHarness } from "../../support/harness/room-harness.ts";

const edits = (client: Client, ref: number, text: string): void =>
  client.does({ type: "Patch", id: `patch of ${ref}`, ref: ref as Seq, text });
const erases = (room: RoomHarness, seq: number): AdminResult | undefined =>
  room.requests({ type: "EraseEntry", seq: seq as Seq });

/** The room forgets the owner of a name, and somebody else claims it. */
function isClaimedAnew(room: RoomHarness, name: string, options: JoinOptions = {}): Client {
  room.requests({ type: "Expel", name: name as PeerName });
  return room.joins(name, options);
}

/** Everything that `client` gets, then as a replay from the first entry on, and as its history. */
function everythingOf(room: RoomHarness, client: Client): string {
  client.vanishes();
  const back = room.joins(client.link.name, { since: 0, epoch: room.epoch });
  back.asksHistory();
  return JSON.stringify([client.entries, back.entries, back.all("history")]);
}

const shown = ({ entries }: Client): unknown[] =>
  entries.map(({ seq, type, text }) => ({ seq, type, text }));

describe("an author changes an addressed message", () => {
  test("R2: of which a recipient's name was claimed anew: the new owner gets nothing of it, the others do", () => {
    const room = new RoomHarness();
    const [alice, carol] = [room.joins("alice"), room.joins("carol")];
    room.joins("bob");
    alice.says("a secret", ["bob", "carol"]);
    const bob = isClaimedAnew(room, "bob");
    edits(alice, 1, "a changed secret");
    expect(shown(carol).at(-1)).toEqual({ seq: 2, type: "patch", text: "a changed secret" });
    expect(carol.entries.at(-1)?.to).toEqual(["carol"]);
    alice.says("for the new bob", ["bob"]);
    expect(bob.texts).toEqual(["for the new bob"]);
    const all = everythingOf(room, bob);
    expect(all).toContain("for the new bob");
    expect(all).not.toContain("secret");
    // Nor is the entry one that the new owner of the name can read.
    const back = room.joins("bob");
    edits(back, 2, "mine now");
    expect(back.errors).toEqual(["unknown-ref"]);
  });

  test("R2: whose only recipient is gone: the patch is for its author alone", () => {
    const room = new RoomHarness();
    const [alice, carol] = [room.joins("alice"), room.joins("carol")];
    room.joins("bob");
    alice.says("a secret", ["bob"]);
    room.requests({ type: "Expel", name: "bob" as PeerName });
    edits(alice, 1, "changed");
    expect(alice.entries.at(-1)).toMatchObject({ type: "patch", text: "changed", to: [] });
    expect(carol.entries).toEqual([]);
  });

  test("to everyone: whoever joined later gets the patch, and has the message in its history", () => {
    const room = new RoomHarness();
    const alice = room.joins("alice");
    alice.says("welcome");
    const dave = room.joins("dave");
    edits(alice, 1, "welcome!");
    expect(shown(dave)).toEqual([{ seq: 2, type: "patch", text: "welcome!" }]);
    dave.asksHistory();
    expect(dave.all("history")[0]?.entries.map(({ text }) => text)).toEqual(["welcome!"]);
  });
});

describe("the operator erases", () => {
  test.each(["chat.v1", "chat.line"] as const)(
    "R2: a message whose author's name was claimed anew, on %s: it reaches the recipients, and not the new owner",
    (dialect) => {
      const room = new RoomHarness();
      const old = room.joins("alice");
      const bob = room.joins("bob", { dialect });
      old.says("a secret", ["bob"]);
      const alice = isClaimedAnew(room, "alice", { dialect });
      expect(erases(room, 1)).toEqual({ type: "done" });
      const patch = { type: "patch", seq: 2, ref: 1, from: "alice", to: ["bob"], by: "operator" };
      expect(bob.entries.at(-1)).toMatchObject({ ...patch, erase: true });
      expect(alice.entries).toEqual([]);
      expect(everythingOf(room, alice)).not.toContain('"seq":2');
    },
  );

  test("a message by the seq of its patch, which loses its text as well", () => {
    const room = new RoomHarness();
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    alice.says("a secret", ["bob"], "a1");
    edits(alice, 1, "a changed secret");
    expect(erases(room, 2)).toEqual({ type: "done" });
    for (const client of [alice, bob]) {
      expect(client.entries.at(-1)).toMatchObject({ seq: 3, ref: 1, erase: true, by: "operator" });
    }
    const { entry } = room.storage.log.find(1 as Seq) ?? {};
    expect(entry).toMatchObject({ id: "a1", text: "", patches: 1, patched: 3, erased: true });
    expect(JSON.stringify(room.disk.segments)).not.toContain("secret");
    const { commits } = room.storage;
    expect([erases(room, 1), erases(room, 2), erases(room, 3)]).toEqual([
      { type: "done" },
      { type: "done" },
      { type: "done" },
    ]);
    expect(room.storage.commits).toBe(commits);
  });

  test("a patch whose message is no longer kept: whoever still has a copy loses the text", () => {
    const room = new RoomHarness({ logEntries: 4 });
    const [alice, bob] = [room.joins("alice"), room.joins("bob")];
    room.together(() => {
      for (const text of ["a secret", "two", "three"]) alice.says(text, ["bob"]);
    });
    edits(alice, 1, "a changed secret");
    alice.says("five", ["bob"]);
    expect(room.storage.log.first).toBe(4);
    expect(erases(room, 4)).toEqual({ type: "done" });
    for (const client of [alice, bob]) {
      expect(client.entries.at(-1)).toMatchObject({ seq: 6, ref: 1, erase: true, by: "operator" });
    }
    expect(room.storage.log.find(4 as Seq)?.entry).toMatchObject({ patched: 6, text: undefined });
    expect(JSON.stringify(room.disk.segments)).not.toContain("secret");
    expect([erases(room, 4), erases(room, 6)]).toEqual([{ type: "done" }, { type: "done" }]);
    expect(room.storage.log.head).toBe(6);
    expect(erases(room, 1)).toEqual({ type: "no-entry" });
  });
});
