/** What the page remembers: across reloads if the browser keeps it, and for as long as the page lives if it does not. */
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

describe("what the page remembers", () => {
  test("a draft survives a reload, each at its room and name", () => {
    new Preferences().keepDraft("lobby", "bob", draft);
    expect(new Preferences().draft("lobby", "bob")).toEqual(draft);
    for (const [room, name] of [
      ["lobby", "alice"],
      ["den", "bob"],
    ] as const) {
      expect(new Preferences().draft(room, name)).toEqual({ text: "", to: [] });
    }
  });

  test("the key is made once, long enough, and fit for a subprotocol", () => {
    const { key } = new Preferences();
    expect(key).toMatch(/^[\w-]{32}$/);
    expect(new Preferences().key).toBe(key);
  });

  test("this tab's name comes before the one that another tab used last", () => {
    const memory = new Preferences();
    memory.joined("lobby", "bob");
    vi.stubGlobal("sessionStorage", new FakeStorage());
    new Preferences().joined("lobby", "alice");
    expect(memory.name).toBe("bob");
    expect(new Preferences().name).toBe("alice");
  });

  test("a full disk forgets nothing while the page lives", () => {
    const memory = new Preferences();
    memory.keepDraft("lobby", "bob", { text: "older", to: [] });
    local.isFull = true;
    memory.keepDraft("lobby", "bob", draft);
    expect(memory.draft("lobby", "bob")).toEqual(draft);
  });

  test("a browser that refuses storage is told of, and used all the same", () => {
    for (const kind of ["localStorage", "sessionStorage"]) {
      const refuse = (): never => {
        throw new DOMException("denied", "SecurityError");
      };
      Object.defineProperty(globalThis, kind, { configurable: true, get: refuse });
    }
    const memory = new Preferences();
    expect(memory.isKept).toBe(false);
    memory.keepDraft("lobby", "bob", draft);
    memory.joined("lobby", "bob");
    expect([memory.draft("lobby", "bob"), memory.name, memory.isIn]).toEqual([draft, "bob", true]);
    expect(memory.key).toBe(memory.key);
  });

  test("what lies there in another form counts as nothing", () => {
    local.setItem("chat-room/draft lobby/bob", "{");
    local.setItem("chat-room/trouble lobby/bob", '{"no":"list"}');
    const memory = new Preferences();
    expect(memory.draft("lobby", "bob")).toEqual({ text: "", to: [] });
    expect(memory.troubles("lobby", "bob")).toEqual([]);
  });
});
