/** Storage that fails, or of an older or newer release: the documented close, and no confirmed message is lost. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { migrate, MIGRATIONS, SCHEMA_VERSION } from "../../src/store/schema.ts";
import { Sql } from "../../src/store/sql.ts";
import { TestRoom } from "../support/harness/workerd.ts";

describe("a write that fails", () => {
  test("R3: closes every peer with an event in that turn with 4102, sends nothing, and loses no confirmed message", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    const bob = await room.joins("bob");
    const carol = await room.joins("carol");
    await carol.isReady();
    alice.says("kept", ["bob"]);
    await bob.hears("kept");
    bob.acks(1);
    await alice.hears("kept");
    await room.settles();
    await room.inside((_object, { storage }) => {
      const whole = storage.transactionSync;
      storage.transactionSync = () => {
        storage.transactionSync = whole;
        throw new Error("database or disk is full");
      };
    });
    alice.says("not stored", ["bob"]);
    expect(await alice.isClosed()).toMatchObject({ code: 4102 });
    expect(bob.texts).toEqual(["kept"]);
    expect(carol.closed).toBeUndefined();

    const back = await room.joins("alice");
    await back.isReady();
    back.says("not stored", ["bob"]);
    await bob.until(() => bob.texts.includes("not stored"), "the second try");
    expect(bob.texts).toEqual(["kept", "not stored"]);
    // A leave may have gone unannounced: every peer gets `missed`, and refreshes its list.
    await carol.hearsText('"missed":true');
  });

  test("R3: turns a newcomer away with 4102, and admits it once the storage works again", async () => {
    const room = new TestRoom();
    await (await room.joins("alice")).isReady();
    await room.inside((_object, { storage }) => {
      const whole = storage.transactionSync;
      storage.transactionSync = () => {
        storage.transactionSync = whole;
        throw new Error("database or disk is full");
      };
    });
    const bob = await room.joins("bob");
    expect(await bob.isClosed()).toMatchObject({ code: 4102 });
    await (await room.joins("bob")).isReady();
  });
});

describe("schema versions", () => {
  const database = (work: (storage: DurableObjectStorage) => void): Promise<void> =>
    runInDurableObject(env.CHAT_ROOM.getByName(crypto.randomUUID()), (_room, { storage }) =>
      work(storage),
    );
  const tables = (sql: Sql): unknown[] =>
    sql
      .run<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("_cf"));

  test.each(Array.from({ length: SCHEMA_VERSION }, (_, version) => version))(
    "a database of version %i becomes one of this release, and keeps its id",
    (version) =>
      database((storage) => {
        const sql = new Sql(storage.sql);
        // A released step is never edited, so the steps up to a version are what that release made.
        expect(migrate(storage, sql, () => "first", MIGRATIONS.slice(0, version))).toBe("first");
        expect(migrate(storage, sql, () => "second")).toBe("first");
        expect(tables(sql)).toEqual(["checkpoint", "meta", "peers", "segments"]);
        expect(sql.run("SELECT value FROM meta WHERE key = 'schema'")).toEqual([
          { value: String(SCHEMA_VERSION) },
        ]);
      }),
  );

  test("steps run in order, once each, and only the missing ones", () =>
    database((storage) => {
      const sql = new Sql(storage.sql);
      const steps = ["CREATE TABLE one (a INTEGER)", "ALTER TABLE one ADD COLUMN b INTEGER"];
      expect(migrate(storage, sql, () => "id", steps.slice(0, 1))).toBe("id");
      sql.run("INSERT INTO one (a) VALUES (1)");
      expect(migrate(storage, sql, () => "no", steps)).toBe("id");
      expect(migrate(storage, sql, () => "no", steps)).toBe("id");
      expect(sql.run("SELECT * FROM one")).toEqual([{ a: 1, b: null }]);
    }));

  test("a step that fails leaves the database as it was", () =>
    database((storage) => {
      const sql = new Sql(storage.sql);
      migrate(storage, sql, () => "id", ["CREATE TABLE one (a INTEGER)"]);
      const broken = [
        "CREATE TABLE one (a INTEGER)",
        "CREATE TABLE two (a INTEGER)",
        "CREATE nonsense",
      ];
      expect(() => migrate(storage, sql, () => "no", broken)).toThrow("nonsense");
      expect(tables(sql)).toEqual(["meta", "one"]);
      expect(migrate(storage, sql, () => "no", broken.slice(0, 2))).toBe("id");
    }));

  test("a database of a newer release is not changed, with 4102 and a sentence for the operator", async () => {
    const room = new TestRoom();
    const alice = await room.joins("alice");
    await alice.isReady();
    alice.says("precious");
    await alice.hears("precious");
    alice.acks(1);
    await room.settles();
    const set = (version: number): Promise<void> =>
      room.inside((_object, { storage }) => {
        storage.sql.exec("UPDATE meta SET value = ? WHERE key = 'schema'", String(version));
      });
    await set(SCHEMA_VERSION + 1);
    await room.sleeps();
    const bob = await room.joins("bob");
    expect(await bob.isClosed()).toMatchObject({ code: 4102 });
    expect(await alice.isClosed()).toMatchObject({ code: 4102 });
    await room.inside((_object, { storage }) => {
      const sql = new Sql(storage.sql);
      const sentence = `schema ${SCHEMA_VERSION + 1}, this release knows up to ${SCHEMA_VERSION}`;
      expect(() => migrate(storage, sql, () => "no")).toThrow(sentence);
    });
    await set(SCHEMA_VERSION);
    const back = await room.joins("alice", { query: { since: 0 } });
    await back.hears("precious");
  });
});
