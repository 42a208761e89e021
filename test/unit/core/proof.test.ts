/** R8: bytes sent to connections that do not read are bounded, because no unproven claim counts as reading. */
import { describe, expect, test } from "vitest";
import { KIB, MIB, SECOND, STALL_MS, STRETCH_BYTES } from "../../../src/core/limits.ts";
import { defaultLimits } from "../../../src/config/limits.ts";
import { SIGNAL_BYTES } from "../../../src/protocol/limits.ts";
import { HISTORY_BYTES } from "../../../src/core/commands/queries.ts";
import { UNPROVEN_LINE_BYTES, UNPROVEN_ROOM_BYTES } from "../../../src/core/delivery/proof.ts";
import { ROOM_FLIGHT_BYTES } from "../../../src/core/delivery/flow-control.ts";
import { GAP_BYTES } from "../../../src/core/delivery/pump-state.ts";
import type { PeerName } from "../../../src/protocol/ids.ts";
import { type Client, RoomHarness } from "../../support/harness/room-harness.ts";

const freely = { rate: 100_000, burst: 1_000_000, share: 0 };
const TEXT = "x".repeat(4_000);
const DATA = JSON.stringify("x".repeat(SIGNAL_BYTES - 2));
/** A window and two stretches, what a turn may overshoot, and the frames around it. */
const MOST = defaultLimits().windowBytes + 2 * STRETCH_BYTES + STRETCH_BYTES;

const bytesOf = (client: Client | undefined): number =>
  (client?.heard ?? []).reduce((sum, out) => {
    if (out.type === "entries") return out.entries.reduce((bytes, e) => bytes + e.bytes, sum);
    if (out.type === "history") return out.entries.reduce((bytes, e) => bytes + e.bytes, sum);
    return sum + (out.type === "signal" ? out.data.length : GAP_BYTES);
  }, 0);

/** Alice sends so much in turns, and `after` each turn the reader acts. */
function talks(harness: RoomHarness, alice: Client, mebibytes: number, after: () => void): void {
  for (let said = 0; said < mebibytes * MIB; said += 10 * TEXT.length) {
    harness.together(() => {
      for (let count = 0; count < 10; count++) alice.says(TEXT);
    });
    alice.acks();
    after();
    harness.passes(SECOND);
  }
}

/** The position of the newest entry. */
const head = (harness: RoomHarness): number => harness.storage.log.head;

describe("chat.v1", () => {
  test("R8: after each stretch a mark comes, in its place, and a client that reads on shows it", () => {
    const harness = new RoomHarness(freely);
    const [alice, bob] = [harness.joins("alice"), harness.joins("bob")];
    talks(harness, alice, 2, () => bob.acks());
    expect(bytesOf(bob)).toBeGreaterThan(2 * MIB);
    const marks = bob.all("mark");
    expect(marks.length).toBeGreaterThanOrEqual(7);
    expect(new Set(marks.map(({ k }) => k)).size).toBe(marks.length);
    // No mark is left to show, and nothing keeps the room awake.
    expect(harness.broker.due(harness.now)).toBeUndefined();
    expect(bob.closed).toBeUndefined();
  });

  test("R8: little traffic needs no mark", () => {
    const harness = new RoomHarness(freely);
    const [alice, bob] = [harness.joins("alice"), harness.joins("bob")];
    for (let count = 0; count < 40; count++) {
      alice.says(TEXT);
      bob.acks();
    }
    expect(bob.all("mark")).toEqual([]);
    expect(bob.texts).toHaveLength(40);
  });

  test("R8: an ack without the k of a mark counts up to that mark, so what is unread is bounded", () => {
    const harness = new RoomHarness(freely);
    const [alice, liar] = [harness.joins("alice"), harness.joins("liar")];
    talks(harness, alice, 8, () => liar.does({ type: "Ack", seq: head(harness) as never }));
    expect(bytesOf(liar)).toBeLessThan(MOST);
    expect(bytesOf(liar)).toBeGreaterThan(STRETCH_BYTES);
    // It ends as a stalled peer does: nothing was proven for 90 s.
    expect(liar.closed).toMatchObject({ code: 4201, reason: expect.stringMatching(/newest mark/) });
    expect(alice.closed).toBeUndefined();
  });

  test.each([
    ["a k that was never sent", () => "guessed1"],
    ["another connection's k", (other: Client) => other.all("mark").at(-1)?.k],
    ["the k of an older mark", (_other: Client, self: Client) => self.all("mark").at(0)?.k],
  ])("R8: %s proves nothing", (_case, k) => {
    const harness = new RoomHarness(freely);
    const [alice, bob, liar] = ["alice", "bob", "liar"].map((name) => harness.joins(name));
    if (!alice || !bob || !liar) throw new Error("the test's own people are missing");
    talks(harness, alice, 8, () => {
      bob.acks();
      liar.acks(head(harness), k(bob, liar));
    });
    expect(bytesOf(bob)).toBeGreaterThan(8 * MIB);
    expect(bytesOf(liar)).toBeLessThan(MOST + STRETCH_BYTES);
    expect([liar.closed?.code, bob.closed]).toEqual([4201, undefined]);
  });

  test("R8: the k of a later mark proves the earlier ones, too", () => {
    const harness = new RoomHarness(freely);
    const [alice, asker] = [harness.joins("alice"), harness.joins("asker")];
    talks(harness, alice, 0.2, () => asker.acks());
    for (let count = 0; count < 30; count++) asker.asksHistory(100);
    harness.passes(SECOND);
    const toShow = (): string[] =>
      (harness.broker.peers.get("asker" as PeerName)?.marks ?? []).map(({ k }) => k);
    const before = asker.all("mark").map(({ k }) => k);
    expect(before.length).toBeGreaterThan(1);
    expect(toShow()).toEqual(before);
    asker.does({ type: "Ack", seq: 0 as never, k: before.at(-1) ?? "" });
    // The waiting entries came at once, and new marks with them.
    expect(toShow()).toEqual(
      asker
        .all("mark")
        .slice(before.length)
        .map(({ k }) => k),
    );
  });

  test("R8: answers that nobody reads wait for the proof, and come when it is there", () => {
    const harness = new RoomHarness(freely);
    const [alice, asker] = [harness.joins("alice"), harness.joins("asker")];
    talks(harness, alice, 0.2, () => asker.acks());
    asker.forgetsWhatItHeard();
    for (let count = 0; count < 100; count++) asker.asksHistory(100);
    harness.passes(10 * SECOND);
    expect(bytesOf(asker)).toBeLessThan(MOST + HISTORY_BYTES);
    const before = asker.all("history").length;
    expect(before).toBeLessThan(20);
    // The client reads after all.
    for (let count = 0; count < 100; count++) {
      asker.acks();
      harness.passes(100);
    }
    expect(asker.all("history")).toHaveLength(100);
    expect(asker.closed).toBeUndefined();
  });

  test("R8: signals that nobody reads are dropped, and come again once reading is proven", () => {
    const harness = new RoomHarness(freely);
    const [alice, mute] = [harness.joins("alice"), harness.joins("mute")];
    const signals = (): void =>
      harness.together(() => {
        for (let count = 0; count < 100; count++) alice.does({ type: "Signal", data: DATA });
      });
    for (let second = 0; second < 60; second++) {
      signals();
      harness.passes(SECOND);
    }
    expect(bytesOf(mute)).toBeLessThan(MOST);
    expect(mute.closed).toBeUndefined();
    mute.acks();
    mute.forgetsWhatItHeard();
    signals();
    expect(mute.all("signal")).toHaveLength(100);
  });

  test("R8: a mark that is not shown for 90 s ends the connection, despite pings", () => {
    const harness = new RoomHarness(freely);
    const [alice, mute] = [harness.joins("alice"), harness.joins("mute")];
    harness.together(() => {
      for (let count = 0; count < 300; count++) alice.does({ type: "Signal", data: DATA });
    });
    expect(mute.all("mark")).toHaveLength(1);
    mute.pinged = harness.now;
    harness.passes(STALL_MS - SECOND);
    expect(mute.closed).toBeUndefined();
    harness.passes(2 * SECOND);
    expect(mute.closed).toMatchObject({ code: 4201 });
    expect(alice.closed).toBeUndefined();
  });

  test("R8: an honest reader of 8 KB a second is never ended, whatever is sent", () => {
    const harness = new RoomHarness(freely);
    const [alice, slow] = [harness.joins("alice"), harness.joins("slow")];
    let read = 0;
    let unread: { bytes: number; seq: number; k: string | undefined }[] = [];
    for (let second = 0; second < 600; second++) {
      harness.together(() => {
        for (let count = 0; count < 10; count++) alice.says(TEXT);
      });
      alice.acks();
      for (const out of slow.heard) {
        if (out.type === "entries") {
          for (const { bytes, seq } of out.entries) unread.push({ bytes, seq, k: undefined });
        } else if (out.type === "mark") unread.push({ bytes: 40, seq: 0, k: out.k });
      }
      slow.forgetsWhatItHeard();
      read += 8_000;
      let last = 0;
      let k: string | undefined;
      while (unread[0] !== undefined && unread[0].bytes <= read) {
        const [item] = unread;
        read -= item.bytes;
        last = Math.max(last, item.seq);
        k = item.k ?? k;
        unread = unread.slice(1);
      }
      if (last > 0 || k !== undefined)
        slow.does({ type: "Ack", seq: last as never, ...(k && { k }) });
      harness.passes(SECOND);
    }
    expect(slow.closed).toBeUndefined();
    expect(unread.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(MOST);
  });

  test("R8: a room that wakes restores what was not proven, and sleeps only if no mark is pending", () => {
    const harness = new RoomHarness(freely);
    const [alice, liar] = [harness.joins("alice"), harness.joins("liar")];
    let sleeps = 0;
    for (let round = 0; round < 40; round++) {
      talks(harness, alice, 0.1, () => liar.does({ type: "Ack", seq: head(harness) as never }));
      if (harness.broker.due(harness.now) !== undefined) continue;
      harness.hibernates();
      sleeps++;
    }
    expect(sleeps).toBeGreaterThan(1);
    expect(bytesOf(liar)).toBeLessThan(MOST);
  });
});

describe("chat.line", () => {
  test("R8: beyond the room's bound the lines that owe most end, and the others go on", () => {
    const harness = new RoomHarness({ ...freely, logEntries: 200 });
    const alice = harness.joins("alice");
    const few = harness.joins("few", { dialect: "chat.line" });
    const much = ["one", "two", "three", "four"].map((name) =>
      harness.joins(name, { dialect: "chat.line" }),
    );
    const names = much.map(({ link }) => link.name);
    few.does({ type: "Empty" });
    const rounds = Math.ceil(UNPROVEN_LINE_BYTES / (4 * 60 * TEXT.length)) + 2;
    for (let round = 0; round < rounds; round++) {
      harness.together(() => {
        for (let count = 0; count < 60; count++) alice.says(TEXT, names);
      });
      alice.acks();
      harness.passes(SECOND);
    }
    const ended = much.filter(({ closed }) => closed !== undefined);
    expect(ended.length).toBeGreaterThan(0);
    expect(ended.length).toBeLessThan(4);
    for (const { closed } of ended) expect(closed).toMatchObject({ code: 4201 });
    expect([alice.closed, few.closed]).toEqual([undefined, undefined]);
    // A client that was ended comes back, and its count starts at zero.
    const back = harness.joins(ended[0]?.link.name ?? "one", { dialect: "chat.line" });
    alice.says("hi", [back.link.name]);
    expect(back.texts.at(-1)).toBe("hi");
  });

  test("R8: lines below the bound are never ended, and never get a mark", () => {
    const harness = new RoomHarness({ ...freely, logEntries: 200 });
    const alice = harness.joins("alice");
    const line = harness.joins("line", { dialect: "chat.line" });
    talks(harness, alice, 4, () => {});
    expect(line.closed).toBeUndefined();
    expect(line.all("mark")).toEqual([]);
    expect(bytesOf(line)).toBeGreaterThan(4 * MIB - 64 * KIB);
  });
});

describe("a crowd", () => {
  test("R8 R11: a thousand honest readers of a busy room are never ended, and get everything", () => {
    const harness = new RoomHarness({ ...freely, logEntries: 1_000 });
    const alice = harness.joins("alice");
    const crowd = Array.from({ length: 1_000 }, (_, number) => harness.joins(`reader${number}`));
    for (const reader of [alice, ...crowd]) reader.forgetsWhatItHeard();
    let got = 0;
    for (let round = 0; round < 30; round++) {
      harness.together(() => {
        for (let count = 0; count < 2; count++) alice.says(TEXT);
      });
      // Each reads its entries, and acknowledges them as the protocol asks.
      harness.together(() => {
        for (const reader of [alice, ...crowd]) reader.acks();
      });
      harness.passes(SECOND);
      got += crowd[0]?.texts.length ?? 0;
      for (const reader of [alice, ...crowd]) reader.forgetsWhatItHeard();
    }
    expect(crowd.filter(({ closed }) => closed !== undefined)).toEqual([]);
    expect(got).toBe(60);
  });

  test("R8: a thousand peers that ack unread entries are sent a bounded sum, and one reader goes on", () => {
    const harness = new RoomHarness({ ...freely, logEntries: 10_000 });
    const alice = harness.joins("alice");
    const liars = Array.from({ length: 1_000 }, (_, number) => harness.joins(`liar${number}`));
    let most = 0;
    for (let round = 0; round < 40; round++) {
      harness.together(() => {
        for (let count = 0; count < 2; count++) alice.says(TEXT);
      });
      alice.acks();
      harness.together(() => {
        for (const liar of liars) liar.does({ type: "Ack", seq: head(harness) as never });
      });
      harness.passes(SECOND);
      most = Math.max(
        most,
        liars.reduce((sum, liar) => sum + bytesOf(liar), 0),
      );
    }
    // The bound, a frame more for each, and the room's bytes in flight.
    expect(most).toBeLessThan(UNPROVEN_ROOM_BYTES + ROOM_FLIGHT_BYTES + 1_000 * 2 * TEXT.length);
    expect(alice.texts).toHaveLength(80);
  });
});
