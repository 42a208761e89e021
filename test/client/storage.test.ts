/** Where a client keeps its record. More of the file is in `file-storage.test.ts` and `file-lock.test.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { StorageError } from "../../src/client/errors.ts";
import { fileStorage } from "../../src/client/file-storage.ts";
import {
  browserStorage,
  type ClientRecord,
  type ClientStorage,
  memoryStorage,
} from "../../src/client/storage.ts";

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

/** What a browser's tabs have in common. */
class Browser {
  readonly items = new Map<string, string>();
  readonly #held = new Set<string>();
  readonly #queue: { name: string; start: () => void }[] = [];
  full = false;

  readonly localStorage = {
    getItem: (key: string): string | null => this.items.get(key) ?? null,
    setItem: (key: string, value: string): void => {
      if (this.full) throw new Error("QuotaExceededError");
      this.items.set(key, value);
    },
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
  test("the second tab waits until the first is closed, and finds what that one kept", async () => {
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

  test("the later tab is told that it waits, and may ask; the earlier one hears it, and lets go", async () => {
    inBrowser();
    const first = browserStorage("k", { wanted: () => void first.close?.() });
    await first.open?.();
    await first.save(record);
    const told = Promise.withResolvers<() => void>();
    const second = browserStorage("k", { held: told.resolve });
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
    const other = browserStorage("another", { wanted: () => others.asked++ });
    await other.open?.();
    let isOpen = false;
    const told = Promise.withResolvers<() => void>();
    const second = browserStorage("k", { held: told.resolve });
    const opening = Promise.resolve(second.open?.()).then(() => (isOpen = true));
    (await told.promise)();
    await settled();
    expect([isOpen, others.asked]).toEqual([false, 0]);
    await deaf.close?.();
    await opening;
    await second.close?.();
    await other.close?.();
  });

  test("who finds the record free is told nothing", async () => {
    inBrowser();
    let told = 0;
    const storage = browserStorage("k", { held: () => told++ });
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
    ["no storage", () => vi.stubGlobal("localStorage", undefined)],
    ["no Web Locks", () => vi.stubGlobal("navigator", {})],
    [
      "a storage that must not even be looked at",
      () => {
        Object.defineProperty(globalThis, "localStorage", {
          configurable: true,
          get: () => {
            throw new Error("SecurityError");
          },
        });
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

  test("a full storage says so, and keeps the record that it has", async () => {
    const browser = inBrowser();
    const storage = browserStorage("k");
    await storage.open?.();
    await storage.save(record);
    browser.full = true;
    expect(() => storage.save(newer)).toThrow(StorageError);
    expect(await storage.load()).toEqual(record);
  });

  test("what is no JSON is an error", async () => {
    const browser = inBrowser();
    browser.items.set("k", "{");
    const storage = browserStorage("k");
    await storage.open?.();
    expect(() => storage.load()).toThrow(StorageError);
  });
});
