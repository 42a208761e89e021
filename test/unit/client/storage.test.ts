/** Where a client keeps its record. More of the file is in `file-storage.test.ts` and `file-lock.test.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { IDBFactory } from "fake-indexeddb";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { StorageError } from "../../../src/client/errors.ts";
import { fileStorage } from "../../../src/client/storage/file/file-storage.ts";
import { browserItem } from "../../../src/client/storage/browser-database.ts";
import { browserStorage } from "../../../src/client/storage/browser.ts";
import {
  type ClientRecord,
  type ClientStorage,
  memoryStorage,
} from "../../../src/client/storage/storage.ts";

const record: ClientRecord = {
  version: 1,
  session: "s-1",
  attempt: 42,
  cursor: 7,
  epoch: "e",
  outbox: [
    { id: "a", text: "Grüße 👋\n", to: ["bob"], sent: true, unknown: true },
    { id: "b", text: "x", sent: false },
  ],
};
const newer: ClientRecord = { ...record, cursor: 8, outbox: [] };

let folder = "";
let files = 0;
const newPath = (): string => join(folder, `client-${++files}.json`);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "client-storage-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The storage and the locks that a browser's tabs share. */
class Browser {
  readonly items = new Map<string, string>();
  readonly #held = new Set<string>();
  readonly #queue: { name: string; start: () => void }[] = [];
  readonly indexedDB = new IDBFactory();

  readonly localStorage = {
    getItem: (key: string): string | null => this.items.get(key) ?? null,
    removeItem: (key: string): void => void this.items.delete(key),
  };

  readonly navigator = {
    locks: {
      request: (
        name: string,
        { ifAvailable = false }: { ifAvailable?: boolean },
        held: (lock: object | null) => Promise<void>,
      ) =>
        new Promise<void>((resolve, reject) => {
          if (ifAvailable && this.#held.has(name)) {
            held(null).then(resolve, reject);
            return;
          }
          const start = (): void => {
            this.#held.add(name);
            Promise.resolve()
              .then(() => held({ name }))
              .finally(() => {
                this.#held.delete(name);
                const next = this.#queue.findIndex((one) => one.name === name);
                if (next >= 0) this.#queue.splice(next, 1)[0]?.start();
              })
              .then(resolve, reject);
          };
          if (this.#held.has(name)) this.#queue.push({ name, start });
          else start();
        }),
    },
  };
}

function inBrowser(browser = new Browser()): Browser {
  vi.stubGlobal("localStorage", browser.localStorage);
  vi.stubGlobal("indexedDB", browser.indexedDB);
  vi.stubGlobal("navigator", browser.navigator);
  return browser;
}
afterEach(() => {
  vi.unstubAllGlobals();
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("every storage", () => {
  test.each<[string, () => ClientStorage]>([
    ["memory", () => memoryStorage()],
    ["a file", () => fileStorage(newPath())],
    [
      "a browser",
      () => {
        inBrowser();
        return browserStorage("lobby/alice");
      },
    ],
  ])("%s has nothing at first, then what was kept last", async (_case, make) => {
    const storage = make();
    await storage.open?.();
    expect(await storage.load()).toBeUndefined();
    await storage.save(record);
    expect(await storage.load()).toEqual(record);
    await storage.save(newer);
    expect(await storage.load()).toEqual(newer);
    await storage.close?.();
    await storage.open?.();
    expect(await storage.load()).toEqual(newer);
    await storage.close?.();
    await storage.close?.();
  });
});

describe("a browser", () => {
  test("the second tab waits until the first is closed, and finds its record", async () => {
    inBrowser();
    const [first, second] = [browserStorage("k"), browserStorage("k")];
    await first.open?.();
    await first.save(record);
    let isOpen = false;
    const opening = Promise.resolve(second.open?.()).then(() => (isOpen = true));
    await settled();
    expect(isOpen).toBe(false);
    await first.save(newer);
    await first.close?.();
    await opening;
    expect(await second.load()).toEqual(newer);
  });

  test("a third tab waits for the second", async () => {
    inBrowser();
    const tabs = [browserStorage("k"), browserStorage("k"), browserStorage("k")];
    const open: number[] = [];
    const opening = tabs.map(async (tab, i) => {
      await tab.open?.();
      open.push(i);
    });
    for (let i = 0; i < 3; i++) {
      await opening[i];
      await settled();
      expect(open).toHaveLength(i + 1);
      await tabs[i]?.close?.();
    }
  });

  test("the later tab learns that it waits, and may request the record; the earlier one releases it", async () => {
    inBrowser();
    const first = browserStorage("k", { onRequested: () => void first.close?.() });
    await first.open?.();
    await first.save(record);
    const told = Promise.withResolvers<() => void>();
    const second = browserStorage("k", { onHeld: told.resolve });
    const opening = Promise.resolve(second.open?.());
    (await told.promise)();
    await opening;
    expect(await second.load()).toEqual(record);
    await second.close?.();
  });

  test("a tab that does not hear the asking keeps its record: it is never taken by force", async () => {
    inBrowser();
    const [deaf, others] = [browserStorage("k"), { asked: 0 }];
    await deaf.open?.();
    const other = browserStorage("another", { onRequested: () => others.asked++ });
    await other.open?.();
    let isOpen = false;
    const told = Promise.withResolvers<() => void>();
    const second = browserStorage("k", { onHeld: told.resolve });
    const opening = Promise.resolve(second.open?.()).then(() => (isOpen = true));
    (await told.promise)();
    await settled();
    expect([isOpen, others.asked]).toEqual([false, 0]);
    await deaf.close?.();
    await opening;
    await second.close?.();
    await other.close?.();
  });

  test("a tab that finds the record free gets no callback", async () => {
    inBrowser();
    let told = 0;
    const storage = browserStorage("k", { onHeld: () => told++ });
    await storage.open?.();
    await storage.close?.();
    await storage.open?.();
    expect(told).toBe(0);
    await storage.close?.();
  });

  test("another room or name is another record, with a lock of its own", async () => {
    inBrowser();
    const [first, second] = [browserStorage("a"), browserStorage("b")];
    await first.open?.();
    await second.open?.();
    await first.save(record);
    expect(await second.load()).toBeUndefined();
  });

  test.each<[string, () => void]>([
    ["no storage", () => vi.stubGlobal("indexedDB", undefined)],
    ["no Web Locks", () => vi.stubGlobal("navigator", {})],
    [
      "a storage that must not even be opened",
      () => {
        const open = (): never => {
          throw new Error("SecurityError");
        };
        vi.stubGlobal("indexedDB", { open });
      },
    ],
    [
      "locks that are refused",
      () =>
        vi.stubGlobal("navigator", {
          locks: { request: () => Promise.reject(new Error("SecurityError")) },
        }),
    ],
  ])("%s: refused with a sentence that says what to do", async (_case, spoil) => {
    inBrowser();
    spoil();
    const storage = browserStorage("k");
    const opening = async (): Promise<void> => storage.open?.();
    await expect(opening()).rejects.toThrow(StorageError);
    await expect(opening()).rejects.toThrow(/allow site data, or use memoryStorage/);
  });

  test("over http from another machine the error says what such a page needs", async () => {
    inBrowser();
    vi.stubGlobal("isSecureContext", false);
    vi.stubGlobal("navigator", {});
    const opening = async (): Promise<void> => browserStorage("k").open?.();
    await expect(opening()).rejects.toThrow(/https or from localhost/);
  });

  test("a tab that is no longer the owner overwrites nothing", async () => {
    const browser = inBrowser();
    const asleep = browserStorage("k");
    await asleep.open?.();
    await asleep.save(record);
    // As if the browser had given the lock away while the tab was frozen.
    inBrowser(Object.assign(new Browser(), { indexedDB: browser.indexedDB }));
    const owner = browserStorage("k");
    await owner.open?.();
    expect(await owner.load()).toEqual(record);
    await owner.save(newer);
    await expect(asleep.save({ ...record, cursor: 99 })).rejects.toThrow(/another tab/);
    expect(await owner.load()).toEqual(newer);
    await owner.close?.();
    await owner.open?.();
    expect(await owner.load()).toEqual(newer);
  });

  test("the record of an earlier release is taken over once", async () => {
    const browser = inBrowser();
    browser.items.set("k", JSON.stringify(record));
    const storage = browserStorage("k");
    await storage.open?.();
    expect(await storage.load()).toEqual(record);
    expect(browser.items.has("k")).toBe(false);
    await storage.save(newer);
    await storage.close?.();
    browser.items.set("k", JSON.stringify(record));
    await storage.open?.();
    expect(await storage.load()).toEqual(newer);
  });

  test("content that is no JSON is not touched", async () => {
    const browser = inBrowser();
    browser.items.set("k", "{");
    const storage = browserStorage("k");
    await storage.open?.();
    expect(await storage.load()).toBeUndefined();
    expect(browser.items.get("k")).toBe("{");
  });

  test("a short text is kept beside the records", async () => {
    inBrowser();
    expect(await browserItem("key").load()).toBeUndefined();
    await browserItem("key").save("secret");
    expect(await browserItem("key").load()).toBe("secret");
  });
});
