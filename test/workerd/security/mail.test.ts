/** A stranger with a key of their own tries to get others' data: mail, confirmations, positions. */
import { describe, expect, test } from "vitest";
import { type Client, TestRoom } from "../../support/harness/workerd.ts";

/** Alice and bob have written to each other, and once to everyone; mallory came last. */
async function afterTalk(): Promise<{
  room: TestRoom;
  alice: Client;
  bob: Client;
  mallory: Client;
}> {
  const room = new TestRoom();
  const alice = await room.joins("alice", { key: "hers" });
  const bob = await room.joins("bob", { key: "his" });
  await bob.isReady();
  alice.says("between us", ["bob"], "a-1");
  await bob.hears("between us");
  bob.says("indeed", ["alice"]);
  await bob.hears("between us", "indeed");
  alice.says("to everyone", undefined, "a-2");
  await bob.hears("between us", "indeed", "to everyone");
  const mallory = await room.joins("mallory", { key: "theirs" });
  await mallory.isReady();
  return { room, alice, bob, mallory };
}

/** Everything that a client ever received, as one text. */
const shown = ({ frames }: Client): string => frames.join("\n");

describe("others' mail", () => {
  test.each([
    ["from the end", {}],
    ["above the head", { before: 999 }],
    ["above every number", { before: Number.MAX_SAFE_INTEGER }],
    ["just above one that is private", { before: 2 }],
    ["from the beginning", { before: 0 }],
    ["one by one", { before: 3, limit: 1 }],
  ])("history %s shows entries to everyone, and nothing else", async (_case, asked) => {
    const { mallory } = await afterTalk();
    mallory.tells({ type: "history", id: "h", ...asked });
    const { messages } = await mallory.hearsKind("history");
    expect(messages.filter(({ text }) => text !== "to everyone")).toEqual([]);
    expect(shown(mallory)).not.toMatch(/between us|indeed|"a-1"/);
  });

  test.each([
    ["since the beginning", { since: 0 }],
    ["with another peer's cursor and epoch", { since: 1, epoch: "theirs" }],
  ])("a replay %s holds nothing from before the name was claimed", async (_case, query) => {
    const { room, alice } = await afterTalk();
    const { epoch } = await alice.hearsKind("welcome");
    const eve = await room.joins("eve", { query: "epoch" in query ? { ...query, epoch } : query });
    await eve.isReady();
    expect(eve.texts).toEqual([]);
    expect(shown(eve)).not.toMatch(/between us|indeed|to everyone/);
  });

  test("one frame of every command at once, for every position, reveals nothing", async () => {
    const { mallory } = await afterTalk();
    const all = Array.from({ length: 6 }, (_, seq) => [
      { type: "ack", seq },
      { type: "history", id: `h${seq}`, before: seq },
      { type: "who", id: "w", after: "a".repeat(seq) },
    ]);
    mallory.tells([...all.flat(), { type: "who", id: "last" }]);
    await mallory.hearsKind("who", 7);
    expect(shown(mallory)).not.toMatch(/between us|indeed|"a-1"/);
  });

  test("no answer shows who knows whom, or whose messages wait", async () => {
    const { bob, mallory } = await afterTalk();
    bob.closes(1000);
    await bob.isClosed();
    mallory.tells({ type: "who", id: "w" });
    const { peers } = await mallory.hearsKind("who");
    // Names, and whether they are online: everybody may know these.
    expect(peers).toEqual([
      { name: "alice", online: true },
      { name: "bob", online: false },
      { name: "mallory", online: true },
    ]);
  });
});

describe("others' confirmations", () => {
  test("a message with the id of another peer's is sent with its true sender", async () => {
    const { alice, mallory } = await afterTalk();
    mallory.says("not hers", undefined, "a-1");
    await alice.until(() => alice.texts.includes("not hers"), "it");
    const [own, forged] = alice.all("message").filter(({ id }) => id === "a-1");
    // A client takes a message for its confirmation only if it is from itself (test/unit/client/session.test.ts).
    expect([own?.from, forged?.from]).toEqual(["alice", "mallory"]);
  });

  test.each([
    ["`from`", '"from":"alice"'],
    ["`seq`", '"seq":1'],
    ["`at`", '"at":0'],
    ["`erased`", '"erased":true,"by":"operator"'],
    ["`patched`", '"patched":9,"patches":1'],
    ["`__proto__`", '"__proto__":{"from":"alice"}'],
  ])("a sender cannot set %s", async (_field, forged) => {
    const { bob, mallory } = await afterTalk();
    mallory.tells(`{"type":"send","id":"m","text":"forged","to":["bob"],${forged}}`);
    await bob.until(() => bob.texts.includes("forged"), "it");
    const got = bob.all("message").at(-1);
    expect(got).toEqual({
      type: "message",
      seq: 4,
      from: "mallory",
      to: ["bob"],
      text: "forged",
      id: "m",
      at: expect.any(Number) as number,
    });
    expect(got?.at).toBeGreaterThan(1_700_000_000_000);
  });

  test("a signal cannot set its sender, nor pass for an entry", async () => {
    const { bob, mallory } = await afterTalk();
    const data = { type: "message", seq: 99, from: "alice", text: "forged" };
    mallory.tells({ type: "signal", from: "alice", data, to: ["bob"] });
    expect(await bob.hearsKind("signal")).toEqual({
      type: "signal",
      from: "mallory",
      to: ["bob"],
      data,
    });
    expect(bob.texts).not.toContain("forged");
  });
});

describe("positions", () => {
  test("acks of unread entries free nothing but one's own window, and above the head nothing", async () => {
    const { room, alice, bob, mallory } = await afterTalk();
    bob.closes(1000);
    await bob.isClosed();
    alice.says("waits for bob", ["bob"]);
    await alice.until(() => alice.texts.includes("waits for bob"), "it");
    mallory.tells([
      { type: "ack", seq: 4 },
      { type: "ack", seq: 5 },
      { type: "ack", seq: 0, name: "bob", from: "bob" },
    ]);
    expect((await mallory.hearsKind("error")).code).toBe("bad-ack");
    const back = await room.joins("bob", { key: "his" });
    await back.until(() => back.texts.includes("waits for bob"), "what waited");
  });

  test("a peer that lies about its reading loses its own messages, and can request them again", async () => {
    const { room, alice, mallory } = await afterTalk();
    alice.says("for mallory", ["mallory"]);
    await mallory.hears("for mallory");
    mallory.acks(4);
    mallory.closes(1000);
    await mallory.isClosed();
    const { epoch } = await alice.hearsKind("welcome");
    const again = await room.joins("mallory", { key: "theirs", query: { since: 3, epoch } });
    await again.hears("for mallory");
  });

  test("an old cursor, repeatedly, reads the log once for each join at most", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const mallory = await room.joins("mallory");
    await mallory.isReady();
    const { epoch } = await mallory.hearsKind("welcome");
    for (let seq = 1; seq <= 40; seq++) {
      alice.says(`${seq}`, ["alice"]);
      await alice.until(() => alice.texts.length === seq, "it");
      alice.acks(seq);
    }
    const before = await room.counters();
    for (let i = 0; i < 5; i++) {
      const again = await room.joins("mallory", { query: { since: 1, epoch } });
      await again.isReady();
    }
    const { rowsRead, rowsWritten } = await room.counters();
    // Forty rows that do not concern it, and the rows that find the ends of the log.
    expect(rowsRead - before.rowsRead).toBeLessThanOrEqual(5 * (40 + 5));
    expect(rowsRead - before.rowsRead).toBeGreaterThanOrEqual(5 * 39);
    expect(rowsWritten).toBe(before.rowsWritten);
  });
});
