/** The data that the page keeps: in the browser's storage, or in memory if the browser refuses storage. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Preferences } from "../../../../src/apps/page/preferences.ts";

class FakeStorage {
  readonly items = new Map<string, string>();
  /** A disk that is full. */
  isFull = false;

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }
}

let local: FakeStorage;
beforeEach(() => {
  local = new FakeStorage();
  vi.stubGlobal("localStorage", local);
  vi.stubGlobal("sessionStorage", new FakeStorage());
  return () => vi.unstubAllGlobals();
});

const draft = { text: "half a thou", to: ["carol"] };

describe("the preferences of the page", () => {
  test("a draft survives a reload, one for each room and name", () => {
    new Preferences().saveDraft("lobby", "bob", draft);
    expect(new Preferences().draft("lobby", "bob")).toEqual(draft);
    for (const [room, name] of [
      ["lobby", "alice"],
      ["den", "bob"],
    ] as const) {
      expect(new Preferences().draft(room, name)).toEqual({ text: "", to: [] });
    }
  });

  test("failed messages of an earlier version of the page are messages", () => {
    const old = {
      kind: "trouble",
      key: "ta",
      fate: "refused",
      why: "",
      unsent: { id: "a", text: "x" },
    };
    local.setItem("chat-room/trouble lobby/bob", JSON.stringify([old]));
    expect(new Preferences().failedMessages("lobby", "bob")).toEqual([
      { ...old, unsent: { type: "message", id: "a", text: "x" } },
    ]);
  });

  test("the key is created once, has 192 bits, and fits into a subprotocol", () => {
    const { key } = new Preferences();
    expect(key).toMatch(/^[\w-]{32}$/);
    expect(new Preferences().key).toBe(key);
  });

  test("this tab's name precedes the name that another tab used last", () => {
    const preferences = new Preferences();
    preferences.onJoin("lobby", "bob");
    vi.stubGlobal("sessionStorage", new FakeStorage());
    new Preferences().onJoin("lobby", "alice");
    expect(preferences.name).toBe("bob");
    expect(new Preferences().name).toBe("alice");
  });

  test("a full disk loses nothing while the page is open", () => {
    const preferences = new Preferences();
    preferences.saveDraft("lobby", "bob", { text: "older", to: [] });
    local.isFull = true;
    preferences.saveDraft("lobby", "bob", draft);
    expect(preferences.draft("lobby", "bob")).toEqual(draft);
  });

  test("with a browser that refuses storage, all of it is kept in memory", () => {
    for (const kind of ["localStorage", "sessionStorage"]) {
      const refuse = (): never => {
        throw new DOMException("denied", "SecurityError");
      };
      Object.defineProperty(globalThis, kind, { configurable: true, get: refuse });
    }
    const preferences = new Preferences();
    expect(preferences.isPersistent).toBe(false);
    preferences.saveDraft("lobby", "bob", draft);
    preferences.onJoin("lobby", "bob");
    expect([preferences.draft("lobby", "bob"), preferences.name, preferences.isJoined]).toEqual([
      draft,
      "bob",
      true,
    ]);
    expect(preferences.key).toBe(preferences.key);
  });

  test("damaged values count as absent", () => {
    local.setItem("chat-room/draft lobby/bob", "{");
    local.setItem("chat-room/trouble lobby/bob", '{"no":"list"}');
    const preferences = new Preferences();
    expect(preferences.draft("lobby", "bob")).toEqual({ text: "", to: [] });
    expect(preferences.failedMessages("lobby", "bob")).toEqual([]);
  });
});
