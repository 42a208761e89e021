/** Patches on the real object: from the socket to the disk, to whoever returns, and to the operator. */
import { env } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import worker from "../../src/worker.ts";
import { sends } from "../support/harness/billing-counters.ts";
import { type Client, TestRoom, withVars } from "../support/harness/workerd.ts";

const ADMIN_KEY = "an-operators-key-of-forty-characters-or-so";

/** A request of the operator for this room. */
const asks = (room: TestRoom, path: string, body?: object | string): Promise<Response> => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    Authorization: `Bearer ${ADMIN_KEY}`,
    "Content-Type": "application/json",
  };
  const how = body === undefined ? { headers } : { method: "POST", headers, body: text };
  const url = `https://chat.example.com/rooms/${room.name}/${path}`;
  return worker.fetch(new Request(url, how), { ...env, ADMIN_KEY });
};

async function exported(room: TestRoom): Promise<Record<string, unknown>[]> {
  const text = await (await asks(room, "export")).text();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function alone(): Promise<{ room: TestRoom; alice: Client }> {
  const room = new TestRoom();
  const alice = await room.joins("alice");
  await alice.isReady();
  return { room, alice };
}

const edit = (ref: number, text: string, id = `e${ref}`): object => ({
  type: "patch",
  id,
  ref,
  text,
});

/** Resolves when `client` has the entry with this id, and has acknowledged it. */
async function has(client: Client, id: string): Promise<void> {
  const find = () =>
    [...client.all("patch"), ...client.all("message")].find((entry) => entry.id === id);
  await client.until(() => find() !== undefined, id);
  client.acks(find()?.seq ?? 0);
}

const FREELY = { RATE: "100000", BURST: "1000000", LOG_SHARE: "0", WINDOW: "10000" };

test("R5: a whole row of short messages that all become long reaches whoever was away, once and in order", () =>
  withVars({ ...FREELY, WINDOW_BYTES: "8388608" }, async () => {
    const { room, alice } = await alone();
    const count = 150;
    const bob = await room.joins("bob");
    await bob.isReady();
    bob.closes(1000);
    await bob.isClosed();
    alice.tells(sends(count));
    await has(alice, `${count - 1}`);
    const text = (seq: number): string => `${seq} ${"é".repeat(4_000)}`;
    for (let ref = 1; ref <= count; ref++) {
      alice.tells(edit(ref, text(ref)));
      if (ref % 10 === 0) await has(alice, `e${ref}`);
    }
    await room.settles();
    await room.crashes();
    const rows = await room.inside((_object, { storage }) =>
      storage.sql
        .exec("SELECT first, last FROM segments WHERE first <= ? ORDER BY last", count)
        .toArray(),
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.map(({ first }) => first)).toEqual([
      1,
      ...rows.slice(0, -1).map(({ last }) => Number(last) + 1),
    ]);
    const back = await room.joins("bob");
    await back.until(() => {
      const last = [...back.all("message"), ...back.all("patch")].at(-1)?.seq ?? 0;
      if (last > 0) back.acks(last);
      return back.all("ready").length > 0;
    }, "everything");
    const all = Array.from({ length: count }, (_, index) => index + 1);
    expect(back.all("message").map(({ seq }) => seq)).toEqual(all);
    expect(back.texts).toEqual(all.map(text));
    expect(back.all("patch").map(({ ref }) => ref)).toEqual(all);
    expect(back.all("gap")).toEqual([]);
  }));

describe("the operator", () => {
  test("sees messages as folded as they are, and no patches: page by page, in the export, and as history", async () => {
    const { room, alice } = await alone();
    alice.tells(sends(3));
    await has(alice, "2");
    // Entries 4 to 13 are patches; then one more message.
    for (let i = 1; i <= 10; i++) alice.tells(edit(1, `version ${i}`, `v${i}`));
    alice.tells({ type: "patch", id: "gone", ref: 2, erase: true });
    alice.says("last");
    await has(alice, "last");
    const folded = [
      { seq: 1, text: "version 10", patches: 10, patched: 13 },
      { seq: 2, text: "", erased: true, patched: 14 },
      { seq: 3, text: "2" },
      { seq: 15, text: "last" },
    ];
    const pages: unknown[] = [];
    let since: number | undefined = 0;
    for (let turns = 0; since !== undefined && turns < 20; turns++) {
      const response = await asks(room, `messages?since=${since}&limit=1`);
      const page: { messages: unknown[]; next?: number } = await response.json();
      pages.push(...page.messages);
      since = page.next;
    }
    expect(pages).toMatchObject(folded);
    expect(pages).toHaveLength(folded.length);
    const lines = await exported(room);
    expect(lines[0]).toMatchObject({ type: "export", first: 1, head: 15 });
    expect(lines.slice(1, -1)).toMatchObject(folded);
    expect(lines.at(-1)).toEqual({ type: "end", entries: folded.length });
    alice.tells({ type: "history", id: "h" });
    expect((await alice.hearsKind("history")).messages).toMatchObject(folded);
    // A page passes over all patches up to its next message, and the next one does not read them again.
    const before = await asks(room, "messages?since=2&limit=1");
    expect(await before.json()).toMatchObject({ messages: [folded[2]], next: 14 });
    const last = await asks(room, "messages?since=14&limit=1");
    expect(await last.json()).toEqual({ messages: [expect.anything()], first: 1, head: 15 });
  });

  test("publishes an entry that refers, carries and is quiet, and changes nothing with a bad one", async () => {
    const { room, alice } = await alone();
    alice.says("Lunch?");
    await has(alice, "Lunch?");
    const vote = { from: "alice", text: "", ref: 1, data: { mark: "👍" }, quiet: true };
    const published = await asks(room, "messages", vote);
    expect(published.status).toBe(201);
    const { from, ...rest } = vote;
    expect(await published.json()).toMatchObject({ seq: 2, from, ...rest });
    await alice.until(() => alice.all("message").length === 2, "it");
    expect(alice.all("message")[1]).toMatchObject(rest);
    const bad: [string, number, string][] = [
      ['"text":"hi","ref":3', 404, "ref: 3 is above"],
      ['"text":"hi","ref":0', 400, "ref: expected"],
      ['"text":"hi","ref":"1"', 400, "ref: expected"],
      ['"text":"hi","quiet":"x"', 400, "quiet: expected"],
      ['"text":"hi","data":[1]', 400, "data: expected"],
      ['"text":"hi","data":{"a":"\\ud800"}', 400, "data: "],
      [`"text":"hi","data":{"a":"${"x".repeat(4_096)}"}`, 413, "too-large"],
      [`"text":"hi","data":{"a":${"[".repeat(20)}${"]".repeat(20)}}`, 400, "data: "],
      ['"text":"hi","erase":true', 400, "there is a field"],
      ['"text":"","quiet":true', 400, "text: expected"],
    ];
    for (const [fields, status, part] of bad) {
      const response = await asks(room, "messages", `{"from":"alice",${fields}}`);
      expect([fields, response.status]).toEqual([fields, status]);
      expect(await response.text()).toContain(part);
    }
    expect(await (await asks(room, "messages?since=2")).json()).toMatchObject({ head: 2 });
  });
});

test("R6: keys of data that every object inherits survive from the socket to the export", async () => {
  const { room, alice } = await alone();
  const data = `{"__proto__":{"x":1},"constructor":{"prototype":2},"toJSON":"no","hasOwnProperty":null}`;
  alice.tells(`{"type":"send","id":"a1","text":"","data":${data}}`);
  alice.tells(`{"type":"send","id":"a2","text":"","data":{"a":1}}`);
  await has(alice, "a2");
  alice.tells(`{"type":"patch","id":"a3","ref":2,"data":${data}}`);
  await has(alice, "a3");
  expect((await asks(room, "messages", `{"from":"alice","text":"","data":${data}}`)).status).toBe(
    201,
  );
  await alice.until(() => alice.frames.join("").split(data).length - 1 === 3, "the data, thrice");
  await room.settles();
  await room.crashes();
  const text = await (await asks(room, "export")).text();
  expect(text.split(data).length - 1).toBe(3);
  const back = await room.joins("alice", { query: { since: 0 } });
  await back.isReady();
  // Two messages, the folded one, and its patch.
  expect(back.frames.join("").split(data).length - 1).toBe(4);
});
