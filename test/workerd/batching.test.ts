/**
 * COMMIT_INTERVAL_MS in a real room: fewer rows when it is busy, no wait when it is quiet, the same guarantees. The
 * tests read the waits from the room's own entries: `at` is the time of the turn that stored an entry.
 */
import { env } from "cloudflare:test";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

const INTERVAL_MS = 400;

const vars = env as { COMMIT_INTERVAL_MS?: string };
const before = vars.COMMIT_INTERVAL_MS;
beforeAll(() => {
  vars.COMMIT_INTERVAL_MS = String(INTERVAL_MS);
});
afterAll(() => {
  if (before === undefined) delete vars.COMMIT_INTERVAL_MS;
  else vars.COMMIT_INTERVAL_MS = before;
});
afterEach(() => {
  vi.useRealTimers();
});

/** A room with these people, in which a message was sent just now. */
async function busyRoom(): Promise<{ room: TestRoom; alice: Client; bob: Client }> {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  const bob = await room.joins("bob");
  await bob.isReady();
  alice.says("0", ["bob"]);
  await bob.hears("0");
  return { room, alice, bob };
}

const times = (client: Client): number[] => client.all("message").map(({ at }) => at);

test("R10: a hundred messages over time are one row and one frame an interval", async () => {
  const { room, alice, bob } = await busyRoom();
  const { rowsWritten } = await room.counters();
  const framesOf = (): number => bob.frames.filter((frame) => frame.includes('"text"')).length;
  const frames = framesOf();
  for (let i = 1; i <= 100; i++) {
    alice.says(`${i}`, ["bob"]);
    await new Promise((resolve) => setTimeout(resolve, 8));
  }
  await bob.until(() => bob.texts.length === 101, "all");
  const turns = [...new Set(times(bob))];
  // Each came in an event of its own: without the interval, that is a row each.
  expect(turns.length).toBeLessThan(20);
  expect((await room.counters()).rowsWritten - rowsWritten).toBe(turns.length - 1);
  expect(framesOf() - frames).toBe(turns.length - 1);
  const gaps = turns.slice(1).map((at, i) => at - (turns[i] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(INTERVAL_MS - 1);
});

test("the first message after quiet does not wait, and neither does an ack", async () => {
  const { room, bob } = await busyRoom();
  const quiet = Date.now() + INTERVAL_MS + 1;
  vi.useFakeTimers({ toFake: ["Date"], now: quiet });
  // Timers fire in the order of their times, however slow the machine: the turn came first.
  const inside = (data: string): Promise<string> =>
    room.inside(async (object, state) => {
      const [ws] = room.socketsOf(state, "alice");
      if (ws === undefined) throw new Error("alice is not there");
      const late = new Promise<string>((resolve) =>
        setTimeout(() => resolve("waited"), INTERVAL_MS / 2),
      );
      const turn = Promise.resolve(object.webSocketMessage(ws, data)).then(() => "at once");
      return Promise.race([turn, late]);
    });
  const send = (id: string): string => JSON.stringify({ type: "send", id, text: id, to: ["bob"] });
  expect(await inside('{"type":"ack","seq":1}')).toBe("at once");
  expect(await inside(send("1"))).toBe("at once");
  await bob.hears("0", "1");
  expect(times(bob)[1]).toBe(quiet);
  expect(await inside('{"type":"ack","seq":2}')).toBe("at once");
  expect(await inside(send("2"))).toBe("waited");
  await bob.hears("0", "1", "2");
});

test("R4: a join or leave while a turn waits comes after the earlier messages", async () => {
  const { room, alice, bob } = await busyRoom();
  alice.says("last words", ["bob"]);
  alice.closes(1000);
  const carol = await room.joins("carol");
  await alice.isClosed();
  await bob.hears("0", "last words");
  expect((await carol.hearsKind("welcome")).head).toBe(2);
});

test("R3: a crash while a turn waits loses only unseen messages", async () => {
  const { room, alice, bob } = await busyRoom();
  alice.says("never", ["bob"]);
  await room.crashes();
  await bob.isClosed();
  expect(bob.texts).toEqual(["0"]);
  const back = await room.joins("bob", { query: { since: 0 } });
  expect((await back.hearsKind("welcome")).head).toBe(1);
});

test("R9: after the wait and all acks, nothing keeps the room awake", async () => {
  const { room, alice, bob } = await busyRoom();
  alice.says("1", ["bob"]);
  await bob.hears("0", "1");
  await alice.until(() => alice.texts.length === 2, "both");
  for (const client of [alice, bob]) client.acks(2);
  await bob.hearsKind("presence");
  await room.settles();
  await room.sleeps();
  expect(await room.inside((object) => object.isIdle)).toBe(true);
});

test("R11: a peer that is behind is served at full speed, though the room is busy", async () => {
  const { room, alice, bob } = await busyRoom();
  bob.closes(1000);
  await bob.isClosed();
  // Nearly two windows wait for him.
  for (let count = 150; count <= 450; count += 150) {
    const ids = Array.from({ length: 150 }, (_, i) => `${count}-${i}`);
    alice.tells(ids.map((id) => ({ type: "send", id, text: id, to: ["bob"] })));
    await alice.until(() => alice.texts.length === count + 1, "confirmations");
    alice.acks(count + 1);
  }
  const back = await room.joins("bob");
  await back.until(() => back.texts.length > 0, "a first window");
  alice.says("now", ["alice"]);
  // While he is behind, alice's messages do not wait either, and so his acks are processed at once.
  const late = new Promise<string>((resolve) => setTimeout(() => resolve("late"), INTERVAL_MS));
  const served = async (): Promise<string> => {
    while (back.texts.length < 450) {
      const have = back.texts.length;
      back.acks(back.all("message").at(-1)?.seq ?? 0);
      alice.says(`and ${have}`, ["alice"]);
      await back.until(() => back.texts.length > have, "more");
    }
    return "in time";
  };
  expect(await Promise.race([served(), late])).toBe("in time");
});
