/**
 * docs/cost.md states the cost of this build: its tables are made from rows and requests counted here, in the runtime.
 * `npm run docs:cost` writes them; without it, this test fails when they are stale.
 */
import { env } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import page from "../../docs/cost.md?raw";
import { ChatRoom } from "../../src/durable-object/chat-room.ts";
import { type CountedCosts, tables } from "../support/pricing.ts";
import { type Client, TestRoom } from "../support/harness/workerd.ts";

const BEGIN = "<!-- counted: npm run docs:cost -->\n";
const END = "<!-- end -->";

const vars = env as { COMMIT_INTERVAL_MS?: unknown; LOG_ENTRIES?: unknown; LOG_SHARE?: unknown };
afterEach(() => {
  vi.restoreAllMocks();
});

interface Setting {
  readonly room: TestRoom;
  readonly alice: Client;
  readonly bob: Client;
}

/** @param differing vars of this room */
async function setUp(differing: typeof vars = {}): Promise<Setting> {
  const room = new TestRoom();
  const usual = { ...vars };
  Object.assign(vars, differing);
  const alice = await room.joins("alice");
  const bob = await room.joins("bob");
  await bob.isReady();
  Object.assign(vars, usual);
  return { room, alice, bob };
}

async function rows(room: TestRoom, act: () => Promise<unknown>): Promise<number> {
  const before = (await room.counters()).rowsWritten;
  await act();
  return (await room.counters()).rowsWritten - before;
}

/** `count` messages to bob, each in a turn of its own, acknowledged. */
async function say({ alice, bob }: Setting, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const have = bob.texts.length;
    alice.says("x".repeat(100), ["bob"], `${have}`);
    await bob.until(() => bob.texts.length > have, "it");
    const seq = bob.all("message").at(-1)?.seq ?? 0;
    bob.acks(seq);
    alice.acks(seq);
  }
}

const batch = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ type: "send", id: `b${i}`, text: "hi", to: ["bob"] }));

async function countRows(): Promise<Omit<CountedCosts, "framesInForTwenty" | "requestsPerJoin">> {
  const at = await setUp();
  const { room, alice, bob } = at;
  const before = await room.counters();
  await say(at, 1);
  const after = await room.counters();
  const rowsPerHundredInOneTurn = await rows(room, async () => {
    alice.tells(batch(100));
    await bob.until(() => bob.texts.length === 101, "all");
  });
  const rowsPerAck = await rows(room, async () => {
    bob.acks(101);
    bob.tells({ type: "who", id: "w" });
    await bob.hearsKind("who");
  });
  // Up to the 255th entry only its row; with the 256th, the checkpoint.
  alice.acks(101);
  alice.tells(batch(154));
  await bob.until(() => bob.texts.length === 255, "all");
  bob.acks(255);
  alice.acks(255);
  const withCheckpoint = await rows(room, () => say(at, 1));
  let carol: Client | undefined;
  const joins = async (): Promise<void> => {
    carol = await room.joins("carol");
    await carol.isReady();
  };
  const rowsPerNewName = await rows(room, joins);
  const rowsPerLeave = await rows(room, async () => {
    carol?.closes(1000);
    await carol?.isClosed();
  });
  const rowsPerKnownName = await rows(room, joins);
  const rowsPerMessage = after.rowsWritten - before.rowsWritten;
  return {
    rowsPerMessage,
    rowsReadPerMessage: after.rowsRead - before.rowsRead,
    rowsPerHundredInOneTurn,
    rowsPerAck,
    rowsPerCheckpoint: withCheckpoint - rowsPerMessage,
    rowsPerNewName,
    rowsPerLeave,
    rowsPerKnownName,
    rowsPerIntervalOfFive: await countInterval(),
    rowsPerTrimmedRow: await countTrimmed(rowsPerMessage),
    bytesPerMessage: await countBytes(),
  };
}

async function countInterval(): Promise<number> {
  const at = await setUp({ COMMIT_INTERVAL_MS: 1_000 });
  await say(at, 1);
  return rows(at.room, async () => {
    for (let i = 0; i < 5; i++) at.alice.says(`${i}`, ["bob"]);
    await at.bob.until(() => at.bob.texts.length === 6, "five");
  });
}

async function countTrimmed(rowsPerMessage: number): Promise<number> {
  const at = await setUp({ LOG_ENTRIES: 8, LOG_SHARE: 0 });
  await say(at, 8);
  return (await rows(at.room, () => say(at, 20))) / 20 - rowsPerMessage;
}

async function countBytes(): Promise<number> {
  const at = await setUp();
  const size = (): Promise<number> =>
    at.room.inside((_room, state) => state.storage.sql.databaseSize);
  const before = await size();
  await say(at, 200);
  return Math.ceil(((await size()) - before) / 200 / 100) * 100;
}

/** The requests that the platform bills: calls of `fetch`, and of `webSocketMessage` at 20 to 1. */
async function countRequests(): Promise<
  Pick<CountedCosts, "framesInForTwenty" | "requestsPerJoin">
> {
  const [fetches, frames] = [
    vi.spyOn(ChatRoom.prototype, "fetch"),
    vi.spyOn(ChatRoom.prototype, "webSocketMessage"),
  ];
  const room = new TestRoom();
  const clients: Client[] = [];
  for (let i = 0; i < 20; i++) clients.push(await room.joins(`peer${i}`));
  for (const client of clients) await client.isReady();
  const requestsPerJoin = fetches.mock.calls.length / 20;
  const before = frames.mock.calls.length;
  clients[0]?.says("hi");
  for (const client of clients) {
    await client.hearsText('"hi"');
    // As the client library does: one ack for each frame that brought entries.
    client.acks(1);
  }
  await room.settles();
  return { requestsPerJoin, framesInForTwenty: frames.mock.calls.length - before };
}

test("docs/cost.md shows the counts", async () => {
  const counted = { ...(await countRows()), ...(await countRequests()) };
  expect(page.split(BEGIN)).toHaveLength(2);
  const [before = "", rest = ""] = page.split(BEGIN);
  const [, ...after] = rest.split(END);
  const fresh = `${before}${BEGIN}\n${tables(counted)}\n\n${END}${after.join(END)}`;
  await expect(fresh, "docs/cost.md is stale: npm run docs:cost").toMatchFileSnapshot(
    "../../docs/cost.md",
  );
}, 60_000);
