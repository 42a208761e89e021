/**
 * Heard and done: what a consumer has not finished with is not done, whatever was heard meanwhile.
 * @see src/client/delivery.ts
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Delivery, FIRST_CONSUMER_MS, STALLED_MS } from "../../../src/client/delivery.ts";
import type { ConsumerStalledError } from "../../../src/client/errors.ts";
import type { Entry } from "../../../src/client/index.ts";
import { BACKLOG_BYTES, BACKLOG_ENTRIES } from "../../../src/client/entry-iterator.ts";
import { Replies, replyId } from "../../../src/client/replies.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A delivery that begins after entry 0, and a room that brings entries to it. */
function begins({ listens = false } = {}) {
  const stalls: ConsumerStalledError[] = [];
  const delivery = new Delivery({
    isListening: () => listens,
    moved: () => {},
    stalled: (error) => stalls.push(error),
  });
  delivery.begin(0);
  delivery.resume(0);
  const brings = (from: number, to = from, text = "hi"): void => {
    for (let seq = from; seq <= to; seq++) {
      delivery.entry({ seq, from: "alice", text, at: 0 } satisfies Entry);
    }
  };
  return { delivery, brings, stalls };
}

/** The place of the next entry that this loop is handed. */
const next = async (loop: { next(): Promise<IteratorResult<Entry, undefined>> }) =>
  (await loop.next()).value?.seq;

describe("done", () => {
  test("is heard, where listeners have returned", () => {
    const { delivery, brings } = begins({ listens: true });
    // A listener has come: nothing waits for a loop.
    expect([...delivery.waiting()]).toEqual([]);
    brings(1, 3);
    expect([delivery.received, delivery.done]).toEqual([3, 3]);
  });

  test("stays before an entry whose listener threw", () => {
    const { delivery, brings } = begins({ listens: true });
    expect([...delivery.waiting()]).toEqual([]);
    brings(1);
    delivery.entry({ seq: 2, from: "alice", text: "boom", at: 0 }, false);
    brings(3);
    expect([delivery.received, delivery.done]).toEqual([3, 1]);
  });

  test("moves when the loop requests the next entry, not when one is handed out", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 3);
    delivery.reach(5);
    expect(await next(loop)).toBe(1);
    expect([delivery.received, delivery.done]).toEqual([5, 0]);
    expect(await next(loop)).toBe(2);
    expect(delivery.done).toBe(1);
    expect(await next(loop)).toBe(3);
    const waits = loop.next();
    expect(delivery.done).toBe(5);
    brings(7);
    expect((await waits).value?.seq).toBe(7);
    expect(delivery.done).toBe(6);
  });

  test("is the slowest loop's place", async () => {
    const { delivery, brings } = begins();
    const [slow, fast] = [delivery.iterate(), delivery.iterate()];
    brings(1, 3);
    await next(slow);
    for (const seq of [1, 2, 3]) expect(await next(fast)).toBe(seq);
    expect(delivery.done).toBe(0);
    await next(slow);
    expect(delivery.done).toBe(1);
  });

  test("counts an entry whose body was left, once the program has gone on", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 4);
    await next(loop);
    await next(loop);
    await loop.return();
    // An error that ends the process ends it here.
    expect(delivery.done).toBe(1);
    vi.advanceTimersByTime(1);
    expect(delivery.done).toBe(2);
    // Pending entries wait for the next loop.
    expect(await next(delivery.iterate())).toBe(3);
  });

  test("counts an entry whose body was left, when the client is closed", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 4);
    await next(loop);
    await loop.return();
    delivery.end(true);
    expect(delivery.done).toBe(1);
  });

  test("stays before entries that a closed loop did not get", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 4);
    await next(loop);
    delivery.end(true);
    expect(await next(loop)).toBeUndefined();
    expect(delivery.done).toBe(1);
  });

  test("goes on with the others when one of two loops is left", async () => {
    const { delivery, brings } = begins();
    const [one, other] = [delivery.iterate(), delivery.iterate()];
    brings(1, 3);
    await next(one);
    await one.return();
    for (const seq of [1, 2, 3]) expect(await next(other)).toBe(seq);
    expect(delivery.done).toBe(0);
    vi.advanceTimersByTime(1);
    expect(delivery.done).toBe(2);
  });

  test("waits for the first consumer, but not for ever", async () => {
    const { delivery, brings } = begins();
    brings(1, 3);
    expect(delivery.done).toBe(0);
    vi.advanceTimersByTime(FIRST_CONSUMER_MS);
    expect(delivery.done).toBe(3);
    const early = begins();
    early.brings(1, 3);
    expect(await next(early.delivery.iterate())).toBe(1);
  });

  test("is void with another history of the room; waiting entries are handed out all the same", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 3);
    await next(loop);
    delivery.restart(0);
    brings(1);
    expect(delivery.done).toBe(0);
    for (const seq of [2, 3, 1]) {
      expect(await next(loop)).toBe(seq);
      expect(delivery.done).toBe(0);
    }
    const waits = loop.next();
    expect(delivery.done).toBe(1);
    delivery.end(true);
    await waits;
  });
});

describe("a backlog", () => {
  test.each([
    [BACKLOG_ENTRIES, "hi"],
    [Math.floor(BACKLOG_BYTES / (8_000 + 128)), "x".repeat(8_000)],
  ])("takes %d entries; the rest is asked for again when they are read", async (most, text) => {
    const { delivery, brings } = begins();
    const [slow, fast] = [delivery.iterate(), delivery.iterate()];
    const read: (number | undefined)[] = [];
    for (let seq = 1; seq <= most + 10; seq++) {
      brings(seq, seq, text);
      read.push(await next(fast));
    }
    // Heard entries are acknowledged: a slow loop delays no confirmation.
    expect(delivery.received).toBe(most + 10);
    expect(delivery.resumeAt).toBe(most + 10);
    for (let seq = 1; seq <= most; seq++) expect(await next(slow)).toBe(seq);
    expect(delivery.isDry).toBe(false);
    const waits = slow.next();
    expect([delivery.isDry, delivery.resumeAt, delivery.done]).toEqual([true, most, most]);
    delivery.resume(most);
    expect(delivery.isFresh(most + 1)).toBe(false);
    brings(most + 1, most + 12, text);
    expect((await waits).value?.seq).toBe(most + 1);
    for (let seq = most + 2; seq <= most + 12; seq++) expect(await next(slow)).toBe(seq);
    // The other one is handed none of them twice.
    for (let seq = most + 11; seq <= most + 12; seq++) expect(await next(fast)).toBe(seq);
    expect(read).toEqual(Array.from({ length: most + 10 }, (_, index) => index + 1));
  });

  test("counts the bytes of data as those of text", () => {
    const { delivery } = begins();
    const { backlog } = delivery.iterate();
    const data = { a: "x".repeat(BACKLOG_BYTES / 2) };
    for (const seq of [1, 2]) delivery.entry({ seq, from: "alice", text: "", at: 0, data });
    expect([backlog.size, backlog.held]).toEqual([1, 1]);
  });

  test("takes one entry of any size", async () => {
    const { delivery, brings } = begins();
    const loop = delivery.iterate();
    brings(1, 1, "x".repeat(BACKLOG_BYTES));
    expect(await next(loop)).toBe(1);
  });
});

describe("a consumer that stays away", () => {
  test("is reported once for an entry, and not while it moves", async () => {
    const { delivery, brings, stalls } = begins();
    const loop = delivery.iterate();
    brings(1, 4);
    await next(loop);
    vi.advanceTimersByTime(STALLED_MS - 1_000);
    await next(loop);
    vi.advanceTimersByTime(STALLED_MS - 1);
    expect(stalls).toEqual([]);
    vi.advanceTimersByTime(10 * STALLED_MS);
    expect(stalls.map(({ name }) => name)).toEqual(["ConsumerStalledError"]);
    expect(stalls[0]?.message).toMatch(/2 for more than 60 s/);
    await next(loop);
    vi.advanceTimersByTime(2 * STALLED_MS);
    expect(stalls).toHaveLength(2);
  });

  test("is reported where the last loop was left", async () => {
    const { delivery, brings, stalls } = begins();
    const loop = delivery.iterate();
    brings(1, 4);
    await next(loop);
    await loop.return();
    vi.advanceTimersByTime(3 * STALLED_MS);
    expect(stalls).toHaveLength(1);
    expect(delivery.done).toBe(1);
  });
});

test("the id of an answer has at most 64 code points, and is another one for another epoch, entry or number", () => {
  const epochs = ["", "w6Ufwxm_rnT7.1", `w6Ufwxm_rnT7.${"1".repeat(64)}`, "é".repeat(300)];
  const places = [0, 1, 2 ** 53 - 1];
  const ids = epochs.flatMap((epoch) =>
    places.flatMap((seq) => [0, 1, 9_999].map((n) => replyId(epoch, seq, n))),
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(Array.from(id).length).toBeLessThanOrEqual(64);
});

describe("an answer of an earlier life", () => {
  const asked = { seq: 7, from: "alice" };
  const answer = { seq: 9, from: "echo", id: replyId("e", 7, 0), text: "yes", at: 0 };

  test("is found in the replay", () => {
    const replies = new Replies();
    replies.found(answer);
    replies.isKnown = true;
    expect(replies.take(replies.idOf(asked, "e"))).toBe(answer);
    replies.accepted(asked, "e");
    expect(replies.take(replies.idOf(asked, "e"))).toBeUndefined();
  });

  test("that was in the outbox is found, also if it is confirmed before this life asks for it", () => {
    const replies = new Replies();
    replies.inherit([answer]);
    replies.isKnown = true;
    replies.found(answer);
    expect(replies.take(replies.idOf(asked, "e"))).toBe(answer);
  });

  test("is forgotten when everything below it is done, and with another history", () => {
    const replies = new Replies();
    replies.found(answer);
    replies.done(8);
    replies.done(9);
    expect(replies.take(answer.id)).toBeUndefined();
    replies.found(answer);
    replies.restart();
    expect(replies.take(answer.id)).toBeUndefined();
  });

  test("may be hidden by a gap", () => {
    const replies = new Replies();
    replies.gap(20);
    expect(replies.isHidden(asked, "e")).toBe(true);
    expect(replies.isHidden({ seq: 21 }, "e")).toBe(false);
  });
});
