/** The frames that a client sends, and how fast it sends them; and the message that ends every link (PROTOCOL section 2). */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateLimiter } from "../../../src/client/rate-limiter.ts";
import { SendQueue, pack } from "../../../src/client/send-queue.ts";
import { markSent, onGap } from "../../../src/client/session.ts";
import type { ClientRecord, Queued } from "../../../src/client/storage/storage.ts";
import { fuzz } from "../../support/arbitraries.ts";

const T0 = 1_000_000;
const bytes = (text: string): number => Buffer.byteLength(text);

const limits = {
  text: 8_192,
  frame: 65_536,
  recipients: 64,
  window: 256,
  windowBytes: 262_144,
  data: 4_096,
  patchHours: 24,
  rate: 50,
  burst: 500,
  spread: 0,
};

const queue = (...texts: readonly string[]): Queued[] =>
  texts.map((text, i) => ({ id: `m${i}`, text, sent: false }));
const holding = (outbox: readonly Queued[]): ClientRecord => ({
  version: 1,
  session: "s",
  attempt: 1,
  outbox,
});
const many = (count: number): Queued[] =>
  queue(...Array.from({ length: count }, (_, i) => `t${i}`));

/** The messages that the room would read from these frames, in order. */
const read = (frames: readonly string[]): { type: string; id?: string; text?: string }[] =>
  frames.flatMap((frame) => JSON.parse(frame) as { type: string });
const idsOf = (frames: readonly string[]): (string | undefined)[] =>
  read(frames).map(({ id }) => id);

describe("packing", () => {
  test.each<[string, string[], number, string[]]>([
    ["nothing", [], 100, []],
    ["one text goes as it is", ["{}"], 100, ["{}"]],
    ["several go as an array", ["1", "2", "3"], 100, ["[1,2,3]"]],
    ["what is full is followed by another", ["1", "2", "3", "4"], 6, ["[1,2]", "[3,4]"]],
    ["bytes are counted, not characters", ['"é"', '"é"'], 10, ['"é"', '"é"']],
    [
      "one that is too large by itself goes alone",
      ["1", '"xxxxxxxxx"', "2"],
      6,
      ["1", '"xxxxxxxxx"', "2"],
    ],
  ])("%s", (_case, texts, limit, expected) => expect(pack(texts, limit)).toEqual(expected));

  test("no frame is above the limit, nothing is lost, the order is kept", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 30 })),
        fc.integer({ min: 150, max: 600 }),
        (texts, limit) => {
          const frames = pack(
            texts.map((text) => JSON.stringify({ text })),
            limit,
          );
          for (const frame of frames)
            expect(bytes(frame)).toBeLessThanOrEqual(Math.max(limit, 250));
          expect(read(frames).map(({ text }) => text)).toEqual(texts);
          if (texts.length === 1) expect(frames).toHaveLength(1);
        },
      ),
      fuzz(200),
    );
  });

  test("everything of a round is one frame: the ack first, then the messages, then the rest", () => {
    const outgoing = new SendQueue();
    outgoing.requests.push('{"type":"who","id":"q"}');
    outgoing.ephemerals.push('{"type":"signal","data":1}');
    const batch = queue("a", "b");
    const frames = outgoing.frames([{ type: "ack", seq: 3 }], batch, true, T0);
    expect(frames).toHaveLength(1);
    expect(read(frames).map(({ type }) => type)).toEqual(["ack", "send", "send", "signal", "who"]);
  });

  test("before the link is live nothing but acks leaves it", () => {
    const outgoing = new SendQueue();
    outgoing.requests.push('{"type":"who","id":"q"}');
    outgoing.ephemerals.push('{"type":"signal","data":1}');
    expect(outgoing.frames([{ type: "ack", seq: 3 }], [], false, T0)).toEqual([
      '{"type":"ack","seq":3}',
    ]);
  });
});

describe("pacing", () => {
  test("never more in any time than the room allows, and nothing is held for ever", () => {
    const outgoing = new SendQueue();
    const record = holding(many(2_000));
    outgoing.setLimits(limits, T0);
    let room = limits.burst;
    let now = T0;
    const went: (string | undefined)[] = [];
    for (let steps = 0; went.length < 2_000; steps++) {
      if (steps > 5_000) throw new Error(`only ${went.length} went out`);
      const batch = outgoing.next(record, now);
      const items = read(outgoing.frames([], batch, true, now));
      went.push(...items.map(({ id }) => id));
      room -= items.length;
      expect(room).toBeGreaterThanOrEqual(0);
      const due = outgoing.dueAt(record, now);
      if (due === undefined) break;
      room = Math.min(limits.burst, room + ((due - now) * limits.rate) / 1_000);
      now = due;
    }
    expect(went).toEqual(record.outbox.map(({ id }) => id));
    expect(now - T0).toBeLessThan(40_000);
  });

  test("a new connection does not refill it: a message that is sent again counts again", () => {
    const outgoing = new SendQueue();
    const record = holding(many(450));
    outgoing.setLimits(limits, T0);
    outgoing.frames([], outgoing.next(record, T0), true, T0);
    outgoing.linkEnded(1006, T0 + 60_000);
    outgoing.setLimits(limits, T0);
    expect(outgoing.next(record, T0)).toEqual([]);
    expect(outgoing.next(record, T0 + 1_000)).toHaveLength(50);
  });

  test("after a 4103 the allowance is taken for empty", () => {
    const outgoing = new SendQueue();
    const record = holding(many(10));
    outgoing.rateLimiter.empty(T0);
    expect(outgoing.next(record, T0)).toEqual([]);
    expect(outgoing.dueAt(record, T0)).toBe(T0 + 20);
    expect(outgoing.next(record, T0 + 20)).toHaveLength(1);
  });

  test("a question costs ten; signals beyond the allowance are dropped, questions wait", () => {
    const outgoing = new SendQueue();
    outgoing.rateLimiter.empty(T0);
    outgoing.requests.push('{"type":"who","id":"q"}');
    outgoing.ephemerals.push('{"type":"signal","data":1}');
    expect(outgoing.frames([], [], true, T0)).toEqual([]);
    expect(outgoing.ephemerals).toEqual([]);
    expect(outgoing.dueAt(holding([]), T0)).toBe(T0 + 200);
    expect(idsOf(outgoing.frames([], [], true, T0 + 200))).toEqual(["q"]);
  });

  test("a clock that steps back refills nothing, and stops nothing", () => {
    const allowance = new RateLimiter();
    allowance.set(50, 500, T0);
    allowance.take(450);
    expect(allowance.available(T0 - 3_600_000)).toBe(0);
    expect(allowance.available(T0 - 3_600_000 + 1_000)).toBe(50);
  });

  test.each([
    [50, 500],
    [1, 10],
    [0.5, 1],
    [1_000, 10],
  ])("rate %d, burst %d: what `wait` names is enough", (rate, burst) => {
    const allowance = new RateLimiter();
    allowance.set(rate, burst, T0);
    allowance.empty(T0);
    const wait = allowance.wait(1, T0);
    expect(wait).toBeGreaterThan(0);
    expect(allowance.available(T0 + wait)).toBeGreaterThanOrEqual(1);
  });
});

describe("each once per link, in order", () => {
  test("a message that was sent is not sent again until the connection has ended", () => {
    const outgoing = new SendQueue();
    const record = holding(queue("a", "b", "c"));
    expect(idsOf(outgoing.frames([], outgoing.next(record, T0), true, T0))).toEqual([
      "m0",
      "m1",
      "m2",
    ]);
    expect(outgoing.next(record, T0)).toEqual([]);
    expect(outgoing.oldestSentAt).toBe(T0);
    outgoing.linkEnded(1006, T0 + 60_000);
    expect(outgoing.oldestSentAt).toBeUndefined();
    expect(outgoing.next(record, T0).map(({ id }) => id)).toEqual(["m0", "m1", "m2"]);
  });

  test("the oldest that waits is the first that is not decided", () => {
    const outgoing = new SendQueue();
    const [a, b] = queue("a", "b");
    if (a === undefined || b === undefined) throw new Error("two were asked for");
    outgoing.frames([], [a], true, T0);
    outgoing.frames([], [b], true, T0 + 5);
    outgoing.decided(a);
    expect(outgoing.oldestSentAt).toBe(T0 + 5);
    outgoing.decided(b);
    expect(outgoing.oldestSentAt).toBeUndefined();
  });

  test("signals die with their link", () => {
    const outgoing = new SendQueue();
    outgoing.ephemerals.push('{"type":"signal","data":1}');
    outgoing.linkEnded(1006, T0 + 60_000);
    expect(outgoing.frames([], [], true, T0)).toEqual([]);
  });

  test("a message of unknown fate is never sent", () => {
    const outgoing = new SendQueue();
    const record = holding([{ id: "u", text: "x", sent: true, unknown: true }, ...queue("a")]);
    expect(outgoing.next(record, T0).map(({ id }) => id)).toEqual(["m0"]);
  });
});

describe("the room's limits", () => {
  test("a new message above the limits is refused after the first welcome, not before", () => {
    const outgoing = new SendQueue();
    const [long, short] = queue("x".repeat(101), "x".repeat(100));
    if (long === undefined || short === undefined) throw new Error("two were made");
    expect(outgoing.refusal(long)).toBeUndefined();
    expect(outgoing.textLimit).toBe(8_192);
    outgoing.setLimits({ ...limits, text: 100 }, T0);
    expect(outgoing.textLimit).toBe(100);
    expect(outgoing.refusal(long)).toMatch(/at most 100 bytes/);
    expect(outgoing.refusal(short)).toBeUndefined();
  });

  test("a room of release 1 takes no data", () => {
    const outgoing = new SendQueue();
    const { data: _data, ...older } = limits;
    outgoing.setLimits(older as typeof limits, T0);
    expect(outgoing.dataLimit).toBe(0);
    const [plain] = queue("a");
    if (plain === undefined) throw new Error("one was made");
    expect(outgoing.refusal(plain)).toBeUndefined();
    expect(outgoing.refusal({ ...plain, data: {} })).toBe("data: this room takes none");
  });

  test.each<[string, Partial<Queued>, RegExp | undefined]>([
    ["a text of exactly the limit", { text: "é".repeat(4_096) }, undefined],
    ["a text one byte above it", { text: `${"é".repeat(4_096)}x` }, /8192 bytes/],
    ["as many names as may be", { to: Array.from({ length: 64 }, (_, i) => `n${i}`) }, undefined],
    ["one too many", { to: Array.from({ length: 65 }, (_, i) => `n${i}`) }, /64 names/],
    [
      "repeats are merged by the room, and do not count",
      { to: Array.from({ length: 70 }, (_, i) => `n${i % 10}`) },
      undefined,
    ],
    [
      "what is of unknown fate is left alone",
      { text: "x".repeat(9_000), sent: true, unknown: true },
      undefined,
    ],
  ])("%s", (_case, part, expected) => {
    const record = holding(queue("fine").map((queued) => ({ ...queued, ...part }) as Queued));
    const outgoing = new SendQueue();
    outgoing.setLimits(limits, T0);
    const wrong = outgoing.unsendable(record);
    expect(wrong.map(({ code }) => code)).toEqual(expected === undefined ? [] : ["too-large"]);
    if (expected !== undefined) expect(wrong[0]?.why).toMatch(expected);
  });

  test("a room with a smaller frame gets smaller frames", () => {
    const outgoing = new SendQueue();
    const record = holding(many(20));
    outgoing.setLimits({ ...limits, frame: 200 }, T0);
    const frames = outgoing.frames([], outgoing.next(record, T0), true, T0);
    for (const frame of frames) expect(bytes(frame)).toBeLessThanOrEqual(200);
    expect(idsOf(frames)).toEqual(record.outbox.map(({ id }) => id));
  });
});

/** A room whose link ends, with `code`, at each frame that has "poison" in it; it stores everything else. */
class Fragile {
  readonly outgoing = new SendQueue();
  readonly stored: string[] = [];
  readonly dropped: string[] = [];
  readonly #code: number;
  record: ClientRecord;
  links = 0;
  now = T0;

  constructor(outbox: readonly Queued[], code = 1006) {
    this.record = holding(outbox);
    this.#code = code;
  }

  without({ id }: { id: string }): void {
    this.record = holding(this.record.outbox.filter((one) => one.id !== id));
  }

  /** One link, from welcome to its end or until nothing is left to do. @returns whether it ended */
  link(): boolean {
    this.links++;
    this.now += 60_000;
    this.outgoing.setLimits(limits, this.now);
    for (const { queued } of this.outgoing.unsendable(this.record)) {
      this.dropped.push(queued.text ?? "");
      this.without(queued);
      this.outgoing.decided(queued);
    }
    for (;;) {
      const frames = this.outgoing.frames(
        [],
        this.outgoing.next(this.record, this.now),
        true,
        this.now,
      );
      if (frames.length === 0) return false;
      for (const frame of frames) {
        if (frame.includes("poison")) return this.#ends();
        for (const { id = "", text = "" } of read([frame])) {
          this.stored.push(text);
          const queued = this.record.outbox.find((one) => one.id === id);
          this.without({ id });
          if (queued !== undefined) this.outgoing.decided(queued);
        }
      }
    }
  }

  #ends(): boolean {
    this.outgoing.linkEnded(this.#code, this.now + 50);
    return true;
  }

  /** Link after link, until one holds. */
  run(most: number): this {
    while (this.link()) {
      if (this.links >= most)
        throw new Error(`${most} links, and ${this.record.outbox.length} wait`);
    }
    return this;
  }
}

describe("a message that ends every link it goes out on", () => {
  test("alone: found after a few links, reported, and dropped", () => {
    const room = new Fragile(queue("poison")).run(6);
    expect(room).toMatchObject({ stored: [], dropped: ["poison"] });
  });

  test("among others: those are stored, in order, each once", () => {
    const room = new Fragile(queue("a", "b", "poison", "c", "d")).run(8);
    expect(room).toMatchObject({ stored: ["a", "b", "c", "d"], dropped: ["poison"] });
  });

  test("behind a hundred good ones: they go singly on one link, not at two broken links each", () => {
    const good = Array.from({ length: 100 }, (_, i) => `g${i}`);
    const room = new Fragile(queue(...good, "poison", "z")).run(8);
    expect(room).toMatchObject({ stored: [...good, "z"], dropped: ["poison"] });
  });

  test("two of them", () => {
    const room = new Fragile(queue("a", "poison 1", "b", "poison 2", "c")).run(16);
    expect(room).toMatchObject({ stored: ["a", "b", "c"], dropped: ["poison 1", "poison 2"] });
  });

  test("while the user writes on", () => {
    const room = new Fragile(queue("poison"));
    for (let i = 0; room.link(); i++) {
      if (i > 8) throw new Error("the poison was never found");
      room.record = holding([...room.record.outbox, { id: `x${i}`, text: `x${i}`, sent: false }]);
    }
    expect(room.dropped).toEqual(["poison"]);
    expect(room.stored).toEqual(room.stored.toSorted());
  });

  test.each([1001, 1012, 4100, 4102, 4103, 4104, 4201])(
    "%i is the room's own error: no message is suspected",
    (code) => {
      const room = new Fragile(queue("a", "poison"), code);
      for (let i = 0; i < 10; i++) expect(room.link()).toBe(true);
      expect(room.dropped).toEqual([]);
    },
  );

  test.each([4001, 4004, 4005])("%i concerns the person, not a message", (code) => {
    const room = new Fragile(queue("poison"), code);
    for (let i = 0; i < 6; i++) room.link();
    expect(room.dropped).toEqual([]);
  });

  test("a link that ends long after the message went out has ended for another reason", () => {
    const outgoing = new SendQueue();
    const record = holding(queue("a", "b"));
    for (let i = 0; i < 10; i++) {
      expect(outgoing.unsendable(record)).toEqual([]);
      outgoing.frames([], outgoing.next(record, T0), true, T0);
      expect(outgoing.oldestSentAt).toBe(T0);
      outgoing.linkEnded(1006, T0 + 3_001);
    }
    expect(outgoing.next(record, T0 + 60_000)).toHaveLength(2);
  });

  test("a connection that ends with nothing sent makes no message suspect", () => {
    const outgoing = new SendQueue();
    for (let i = 0; i < 10; i++) outgoing.linkEnded(1006, T0);
    expect(outgoing.unsendable(holding(queue("a")))).toEqual([]);
    expect(outgoing.next(holding(queue("a", "b")), T0)).toHaveLength(2);
  });

  test("it is dropped only after the replay: a room that stored it is believed", () => {
    const room = new Fragile(queue("poison"));
    for (let i = 0; i < 4; i++) room.link();
    const [queued] = room.record.outbox;
    if (queued === undefined) throw new Error("it was dropped before the replay");
    room.outgoing.decided(queued);
    expect(room.outgoing.unsendable(room.record)).toEqual([]);
  });

  test("a message of unknown fate does not delay the others while they are sent one by one", () => {
    const outgoing = new SendQueue();
    outgoing.setLimits(limits, T0);
    let record = holding(queue("a", "b", "c"));
    const goes = (now: number): (string | undefined)[] => {
      const batch = outgoing.next(record, now);
      record = markSent(record, batch);
      return idsOf(outgoing.frames([], batch, true, now));
    };
    for (let link = 0; link < 2; link++) {
      expect(goes(T0)).toEqual(["m0", "m1", "m2"]);
      outgoing.linkEnded(1006, T0);
    }
    record = holding(queue("a", "b", "c"));
    expect(goes(T0)).toEqual(["m0"]);
    expect(goes(T0)).toEqual([]);
    expect(outgoing.dueAt(record, T0)).toBeUndefined();
    // Its confirmation was among what is gone: only that of a later one can settle it now.
    ({ record } = onGap(record, { from: 1, to: 9 }));
    expect(outgoing.dueAt(record, T0)).toBe(T0);
    expect(goes(T0)).toEqual(["m1"]);
    expect(goes(T0)).toEqual([]);
  });
});
