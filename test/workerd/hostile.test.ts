/**
 * R7 and R8 on the real object: each frame of a hostile peer gets an answer, the others' conversation goes on, and the
 * storage grows only by accepted messages.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Client, TestRoom } from "../support/harness/workerd.ts";
import { HOSTILE_JSON, type Row as JsonRow } from "../unit/codec/hostile-json.ts";
import { HOSTILE_LINES } from "../unit/codec/hostile-line.ts";

/** Frames that one name may send within its burst, if each were a query. */
const ALLOWED = 40;

const seed = process.env["CI"] === undefined ? Date.now() & 0x7fffffff : 20_261_123;

/** Two who talk, whatever a third does. */
async function conversation(room: TestRoom): Promise<() => Promise<void>> {
  const alice = await room.joins("alice");
  const bob = await room.joins("bob");
  await bob.isReady();
  let said = 0;
  return async () => {
    const text = `still here ${++said}`;
    alice.says(text, ["bob"]);
    await bob.until(() => bob.texts.includes(text), text);
    bob.acks(bob.all("message").at(-1)?.seq ?? 0);
    await alice.until(() => alice.texts.includes(text), `the confirmation of ${text}`);
    alice.acks(alice.all("message").at(-1)?.seq ?? 0);
    expect([alice.closed, bob.closed]).toEqual([undefined, undefined]);
  };
}

const refusalsIn = (outcome: JsonRow[2]): number =>
  [outcome].flat().filter((one) => "code" in one).length;

/** All frames of a table, a few on each new connection, as a flooder would send them. */
async function attack(
  room: TestRoom,
  dialect: "chat.v1" | "chat.line",
  frames: readonly string[],
  talk: () => Promise<void>,
): Promise<Client[]> {
  const mallories: Client[] = [];
  for (let start = 0; start < frames.length; start += ALLOWED) {
    const mallory = await room.joins(`mallory${start}`, { dialect });
    mallories.push(mallory);
    await mallory.hearsText("welcome");
    for (const frame of frames.slice(start, start + ALLOWED)) {
      if (frame !== "ping") mallory.tells(frame);
    }
    await talk();
  }
  return mallories;
}

describe("hostile frames", () => {
  test("R7: each hostile frame of chat.v1 has its answer, and the others do not notice", async () => {
    const room = new TestRoom();
    const talk = await conversation(room);
    // Frames beyond the limit end their connection; they have their own tests.
    const rows = HOSTILE_JSON.flatMap(([, all]) => all).filter(
      ([, frame]) => Buffer.byteLength(frame) <= 65_536 && frame.length > 0,
    );
    expect(rows.length).toBeGreaterThanOrEqual(100);
    const mallories = await attack(
      room,
      "chat.v1",
      rows.map(([, frame]) => frame),
      talk,
    );
    const expected = rows.reduce((sum, [, , outcome]) => sum + refusalsIn(outcome), 0);
    const ended = mallories.flatMap(({ closed }) => (closed ? [closed.code] : []));
    expect(ended.filter((code) => code !== 4103)).toEqual([]);
    const answered = mallories.reduce((sum, mallory) => sum + mallory.all("error").length, 0);
    // The broker rejects some that the codec accepts: unknown names, acks above the head.
    if (ended.length === 0) expect(answered).toBeGreaterThanOrEqual(expected);
    else expect(answered).toBeGreaterThan(100);
  });

  test("R7: each hostile line has its answer, and the others do not notice", async () => {
    const room = new TestRoom();
    const talk = await conversation(room);
    const rows = HOSTILE_LINES.flatMap(([, all]) => all).filter(
      ([, frame]) => Buffer.byteLength(frame) <= 65_536 && !frame.includes("/quit"),
    );
    expect(rows.length).toBeGreaterThanOrEqual(100);
    const mallories = await attack(
      room,
      "chat.line",
      rows.map(([, frame]) => frame),
      talk,
    );
    for (const { lines, closed } of mallories) {
      expect(closed === undefined || closed.code === 4103).toBe(true);
      const forged = lines.filter((line) => !/^(from |\* | {2})/.test(line));
      expect(forged).toEqual([]);
    }
  });

  test(`R7: fuzz, seed ${seed}`, async () => {
    const room = new TestRoom();
    const talk = await conversation(room);
    const frame = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.json(),
      fc
        .record({
          type: fc.constantFrom("send", "ack", "signal", "history", "who", "ping", "__proto__"),
          id: fc.anything(),
          text: fc.anything(),
          to: fc.anything(),
          seq: fc.anything(),
          data: fc.anything(),
          limit: fc.anything(),
          before: fc.anything(),
        })
        .map((value) => JSON.stringify(value, (_key, one: unknown) => plain(one))),
    );
    const frames = fc.sample(frame, { numRuns: 300, seed });
    for (const dialect of ["chat.v1", "chat.line"] as const) {
      const sent = frames.filter((one) => one !== "" && !one.includes("/quit"));
      for (const { closed } of await attack(room, dialect, sent, talk)) {
        expect(closed === undefined || closed.code === 4103).toBe(true);
      }
    }
  });
});

const plain = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

describe("frames that end their connection", () => {
  test.each([
    ["a binary frame", 1003, (client: Client) => client.tellsBytes(new Uint8Array(3).buffer)],
    ["a frame too big", 1009, (client: Client) => client.tells(`"${"x".repeat(65_535)}"`)],
    [
      "a frame too big in bytes only",
      1009,
      (client: Client) => client.tells(`"${"é".repeat(32_768)}"`),
    ],
  ])("R7: %s ends with %i, and the room goes on", async (_what, code, act) => {
    const room = new TestRoom();
    const talk = await conversation(room);
    const mallory = await room.joins("mallory");
    await mallory.isReady();
    act(mallory);
    expect((await mallory.isClosed()).code).toBe(code);
    await talk();
  });

  test("a frame of exactly the limit is parsed", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    const send = JSON.stringify({ type: "send", id: "1", text: "fits" });
    alice.tells(send + " ".repeat(65_536 - send.length));
    await alice.hears("fits");
  });
});

describe("what a stranger can make the room store", () => {
  test("R8: rejected frames, queries, signals and acks store nothing", async () => {
    const room = new TestRoom();
    const mallory = await room.joins("mallory");
    await mallory.isReady();
    const before = await room.counters();
    const items = [
      ...Array.from({ length: 100 }, (_, i) => ({
        type: "send",
        id: `${i}`,
        text: "x",
        to: [`n${i}`],
      })),
      ...Array.from({ length: 10 }, () => ({ type: "history", id: "h" })),
      ...Array.from({ length: 50 }, () => ({ type: "signal", data: "x" })),
      ...Array.from({ length: 50 }, (_, seq) => ({ type: "ack", seq })),
      { type: "who", id: "end" },
    ];
    mallory.tells(items);
    await mallory.hearsKind("who");
    const after = await room.counters();
    expect(after.rowsWritten - before.rowsWritten).toBe(0);
    expect(mallory.all("error")).toHaveLength(100 + 49);
  });

  test("R8: joins and leaves of one name cost a row each at most, however many", async () => {
    const room = new TestRoom();
    await (await room.joins("alice")).isReady();
    const before = await room.counters();
    for (let i = 0; i < 10; i++) {
      const mallory = await room.joins("mallory");
      await mallory.isReady();
      mallory.closes(1000);
      await mallory.isClosed();
    }
    const after = await room.counters();
    expect(after.rowsWritten - before.rowsWritten).toBeLessThanOrEqual(11);
  });
});
