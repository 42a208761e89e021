/**
 * Versions: a database that an older release wrote, and sockets that it accepted, wake under this one. Each kept
 * release passes the same tests, and so does this release, from a scenario just played (test/fixtures/README.md).
 */
import { describe, expect, inject, test } from "vitest";
import { KeptRoom, keptReleases } from "../support/harness/release.ts";
import { type Fixture, KEYS, playScenario } from "../support/harness/fixture-scenario.ts";
import { type Client, withVars } from "../support/harness/workerd.ts";

const releases: [string, () => Promise<Fixture>][] = [
  ...keptReleases.map(([release, fixture]): [string, () => Promise<Fixture>] => [
    release,
    () => Promise.resolve(fixture),
  ]),
  ["this release", () => (played ??= playScenario())],
];

/** Played once; every test wakes a copy. */
let played: Promise<Fixture> | undefined;

/** A fixture's entries grow old, and the room trims entries beyond its retention, and changes none of them. */
const AGES = { LOG_DAYS: "3650", PATCH_HOURS: "87600" };

/** A join with the key of that name. */
const returns = (
  { room }: KeptRoom,
  name: string,
  query: Record<string, string | number> = {},
): Promise<Client> => {
  const key = KEYS[name];
  return room.joins(name, { query, ...(key !== undefined && { key }) });
};

const TEA = ["tea?", "anyone?", "with milk", "or lemon"];
const NIGHT = "good night";
const QUOTE = `"it's",\n\\ {}[] \u0007`;
const BOB = ["bob 1", "bob 2", "bob 3", "bob 4", "bob 5", "bob 6"];

test("the releases that are kept", () => {
  expect(keptReleases.map(([release]) => release)).toEqual(["release-1"]);
});

describe.each(releases)("%s", (_release, fixture) => {
  const wakes = (title: string, conversation: (kept: KeptRoom) => Promise<void>): void => {
    test(title, () =>
      withVars(AGES, async () => conversation(await KeptRoom.asleep(await fixture()))),
    );
  };

  wakes("R5: connected peers get the entries in flight, and then new ones, once", async (room) => {
    const [ann, bob, eve, max] = ["ann", "bob", "eve", "max"].map((name) => room.client(name));
    if (!ann || !bob || !eve || !max) throw new Error("somebody is missing");
    eve.tells("*: morning");
    await ann.hears("ann 2", "ann 3", "morning");
    await bob.hears(NIGHT, ...BOB, "morning");
    await max.hears("morning");
    expect(ann.all("message").map(({ seq }) => seq)).toEqual([269, 270, 271]);
    expect(bob.all("message").map(({ seq }) => seq)).toEqual([
      261, 262, 263, 264, 265, 266, 267, 271,
    ]);
    // Only bob had not been sent `ready`; no peer gets a second welcome.
    expect((await bob.isReady()).seq).toBeGreaterThanOrEqual(270);
    expect([ann, max].flatMap((client) => client.all("ready"))).toEqual([]);
    expect([ann, bob, max].flatMap((client) => client.all("welcome"))).toEqual([]);

    max.says("eve, look", ["eve", "bob"]);
    await eve.hearsText("from max: eve, look");
    expect(eve.lines).toEqual(["from max: eve, look"]);
    await max.hears("morning", "eve, look");
    // This release reads its own additions.
    for (const client of [ann, bob, max]) client.acks(272);
    await room.room.settles();
    await room.room.sleeps();
    eve.tells("bob: noon");
    await bob.hears(NIGHT, ...BOB, "morning", "eve, look", "noon");
    await ann.hears("ann 2", "ann 3", "morning");
  });

  wakes("R2: an ended connection stays ended, with its successor online or not", async (room) => {
    const eve = room.client("eve");
    eve.tells("*: anybody?\nned: and you?");
    await eve.hearsText("* ned is away");
    await room.client("max").hears("anybody?");
    for (const name of ["max", "ned"]) {
      const old = room.client(name, true);
      old.says("let me in");
      expect((await old.isClosed()).code).toBe(4201);
      expect(old.frames).toEqual([]);
    }
    const ned = await returns(room, "ned");
    await ned.hears("anybody?", "and you?");
  });

  wakes("R5: an absent peer gets all waiting entries, in order", async (room) => {
    const waiting = {
      kim: [...TEA, "while you were away", "hello all", NIGHT],
      lea: ["while you were away", "hello all", QUOTE, NIGHT],
      你好: ["while you were away", "hello all", "grüß dich, 世界 🌍", QUOTE, NIGHT],
      ivy: ["while you were away", "hello all", NIGHT],
    };
    for (const [name, texts] of Object.entries(waiting)) {
      const client = await returns(room, name);
      await client.hears(...texts);
      await client.isReady();
      expect(client.texts).toEqual(texts);
      expect(client.all("gap")).toEqual([]);
    }
    const gus = await returns(room, "gus");
    await gus.hears(...TEA, "hello all", NIGHT);
    expect(gus.all("gap")).toEqual([{ type: "gap", from: 1, to: 250 }]);
    await gus.isReady();
  });

  wakes("R1: owners, claims, attempts and the epoch are unchanged", async (room) => {
    for (const name of Object.keys(KEYS)) {
      const stranger = await room.room.joins(name, { key: "another" });
      expect((await stranger.isClosed()).code, name).toBe(4003);
    }
    const overtaken = await returns(room, "ann", { session: "ann", attempt: 7 });
    expect((await overtaken.isClosed()).code).toBe(4201);
    // All entries that concern ivy, from her claim on.
    const ivy = await returns(room, "ivy", { since: 0 });
    await ivy.hears("while you were away", "hello all", NIGHT);
    const { epoch, head } = await ivy.hearsKind("welcome");
    expect(head).toBe(270);
    const bob = await returns(room, "bob", { since: 265, epoch, session: "bob", attempt: 8 });
    await bob.hears("bob 5", "bob 6");
    expect(await bob.hearsKind("welcome")).toMatchObject({ epoch, since: 265 });
    expect((await room.client("bob").isClosed()).code).toBe(4001);
    bob.tells({ type: "who", id: "w" });
    const { peers } = await bob.hearsKind("who");
    const names = (online: boolean): string[] =>
      peers.filter((peer) => peer.online === online).map(({ name }) => name);
    expect(names(true)).toEqual(["ann", "bob", "eve", "ivy", "max"]);
    expect(names(false)).toEqual(["gus", "kim", "lea", "ned", "你好"]);
  });

  wakes("R3: an author changes and erases what is in a row of several entries", async (room) => {
    const ann = room.client("ann");
    ann.tells({ type: "patch", id: "p1", ref: 260, erase: true });
    ann.tells({ type: "patch", id: "p2", ref: 261, text: "good morning" });
    await ann.until(() => ann.all("patch").length === 2, "both patches");
    const told = ["while you were away", "hello all"];
    const lea = await returns(room, "lea");
    await lea.hears(...told, "", "good morning");
    const hao = await returns(room, "你好");
    await hao.hears(...told, "grüß dich, 世界 🌍", "", "good morning");
    for (const client of [lea, hao]) {
      await client.isReady();
      expect(client.all("patch").map(({ ref }) => ref)).toEqual([260, 261]);
      expect(client.all("message").at(-2)).toMatchObject({ seq: 260, erased: true, patched: 271 });
    }
  });
});

test("R3: what the operator of release 1 had erased is erased, also for those who return", async () => {
  const [, fixture] = keptReleases.find(([release]) => release === "release-1") ?? [];
  const sql = fixture?.sql.replace(
    /"text":"good night","id":"all","at":(\d+)\}/,
    `"text":"","id":"all","at":$1,"redacted":true}`,
  );
  expect(sql).toContain("redacted");
  await withVars(AGES, async () => {
    const room = await KeptRoom.asleep({ sql: sql ?? "", sockets: fixture?.sockets ?? "" });
    const ivy = await returns(room, "ivy");
    await ivy.hears("while you were away", "hello all", "");
    expect(ivy.all("message").at(-1)).toMatchObject({ seq: 261, erased: true, by: "operator" });
    expect(ivy.frames.join("")).not.toContain("redacted");
    const ann = room.client("ann");
    ann.tells({ type: "patch", id: "p1", ref: 261, text: "good night" });
    expect(await ann.hearsKind("error")).toMatchObject({ code: "forbidden", id: "p1" });
  });
});

/** `npm run test:fixtures` prints the name under which this release is to be kept. */
const wanted = inject("release");
if (wanted !== "") {
  test("this release is kept", async () => {
    const { sql, sockets } = await playScenario();
    await expect(sql).toMatchFileSnapshot(`../fixtures/${wanted}/room.sql`);
    await expect(sockets).toMatchFileSnapshot(`../fixtures/${wanted}/sockets.json`);
  });
}
