/** Journeys of people at the page, in real Chromium, against the server that a user starts. */
import { expect, test } from "vitest";
import { TestRoom } from "../support/clients/room.ts";
import type { Server } from "../support/server/server.ts";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";

inBrowser("at the page", () => {
  const { url, newRoom, device, comes, joins } = pageHarness({ RATE: 2_000, BURST: 5_000 });

  test("two people talk: each message arrives once, in order, and its sender sees it confirmed", async () => {
    const room = newRoom();
    const alice = await joins(room, "alice");
    const bob = await joins(room, "bob");
    await alice.says("hi, bob");
    await bob.reads("hi, bob");
    await bob.says("hi, alice");
    await bob.says("how are you?\nand the others?");
    await alice.reads("hi, bob", "hi, alice", "how are you?\nand the others?");
    await bob.until(
      async () => (await bob.page.locator(".stored").count()) === 2,
      () => "two confirmations",
    );
    expect(await bob.page.locator(".waiting").count()).toBe(0);
    expect(await alice.page.locator("#people-list").innerText()).toMatch(
      /alice[\s\S]+you[\s\S]+bob/,
    );
  });

  test("a click on a name addresses the message, and nobody else reads it", async () => {
    const room = newRoom();
    const [alice, bob, carol] = [
      await joins(room, "alice"),
      await joins(room, "bob"),
      await joins(room, "carol"),
    ];
    await alice.presses("bob");
    await alice.says("for bob alone");
    await bob.sees("#log .addressed", "to you");
    await bob.reads("for bob alone");
    await alice.page.press("#text", "Escape");
    await alice.says("for everyone");
    await carol.reads("for everyone");
    expect(await carol.texts()).toEqual(["for everyone"]);
    expect(await bob.page.locator("#log .addressed").count()).toBe(1);
  });

  test("the recipients of a message see who is typing", async () => {
    const room = newRoom();
    const [alice, bob, carol] = [
      await joins(room, "alice"),
      await joins(room, "bob"),
      await joins(room, "carol"),
    ];
    await alice.page.fill("#text", "I am about to say");
    await bob.sees("#typing", "alice is typing");
    await carol.sees("#typing", "alice is typing");
    await alice.says("it");
    await bob.reads("it");
    expect(await bob.page.locator("#typing").textContent()).toBe("");
    await bob.presses("carol");
    await bob.page.fill("#text", "a secret");
    await carol.sees("#typing", "bob is typing");
    expect(await alice.page.locator("#typing").textContent()).toBe("");
  });

  test("cut, write on both sides, restore: all messages arrive once, in order, and the page says so", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await alice.says("before");
    await bob.reads("before");
    await bob.cuts();
    await bob.says("mine 1");
    await bob.says("mine 2");
    for (const text of ["one", "two", "three"]) await alice.says(text);
    await alice.reads("before", "one", "two", "three");
    await bob.sees("#waits-here", "2");
    await bob.sees("#there", "counted when you return");
    await bob.reads("before", "mine 1", "mine 2");
    expect(await bob.page.locator(".waiting").count()).toBe(2);
    await bob.restores();
    await bob.reads("before", "one", "two", "three", "mine 1", "mine 2");
    await alice.reads("before", "one", "two", "three", "mine 1", "mine 2");
    await bob.sees(
      "#absence-words",
      "3 messages came while you were cut off, in order, none twice. 2 of yours were sent.",
    );
    await bob.sees("#log .replay", "3 messages came while you were cut off");
    expect(await bob.page.locator("#log .replayed").allTextContents()).toHaveLength(3);
    await bob.sees("#waits-here", "0");
    await bob.sees("#waits-there", "0");
  });

  test("in one browser, a tab that is cut off learns from another tab what waits in the room", async () => {
    const room = newRoom();
    const here = await device();
    const [alice, bob] = [await joins(room, "alice", here), await joins(room, "bob", here)];
    await bob.cuts();
    for (const text of ["one", "two"]) await alice.says(text);
    await bob.sees("#waits-there", "2");
    await bob.sees("#there", "seen by another tab");
    await alice.presses("bob");
    await alice.says("three");
    await bob.sees("#waits-there", "3");
    await bob.restores();
    await bob.reads("one", "two", "three");
  });

  test("a reload loses neither the outbox, nor the draft, nor the messages of others", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await alice.says("said");
    await bob.reads("said");
    await bob.cuts();
    await bob.says("unsent 1");
    await bob.says("unsent 2");
    await bob.page.fill("#text", "unfinished");
    await alice.says("missed");
    await alice.reads("said", "missed");
    await bob.page.reload();
    await bob.isConnected();
    await bob.reads("said", "missed", "unsent 1", "unsent 2");
    await alice.reads("said", "missed", "unsent 1", "unsent 2");
    expect(await bob.page.inputValue("#text")).toBe("unfinished");
    await bob.sees("#absence-words", "1 message came while you were away, in order, none twice.");
  });

  test("a second tab says at once that the first has the name, and takes the name over with the outbox", async () => {
    const room = newRoom();
    const here = await device();
    const alice = await joins(room, "alice");
    const first = await joins(room, "bob", here);
    await first.cuts();
    await first.says("waits in the first");
    await first.page.fill("#text", "draft of the first");
    const second = await comes(here);
    await second.chooses(room, "bob");
    await second.sees("#notice-words", "You are bob in another tab of this browser");
    expect(await second.page.locator("#send").isDisabled()).toBe(true);
    await second.presses("Use it here");
    await second.isConnected();
    await first.sees("#notice-words", "You are bob in another tab now");
    await second.reads("waits in the first");
    await alice.reads("waits in the first");
    expect(await second.page.inputValue("#text")).toBe("draft of the first");
    await first.presses("Use it here");
    await first.presses("Use it here");
    await first.isConnected();
    await first.says("back in the first");
    await alice.reads("waits in the first", "back in the first");
  });

  test("a tab that does not answer keeps the name until it is closed", async () => {
    const room = newRoom();
    const here = await device();
    const frozen = await comes(here);
    await frozen.page.evaluate((name) => {
      void navigator.locks.request(name, () => new Promise(() => {}));
    }, `chat-room chat-room/record ${room}/bob`);
    const bob = await comes(here);
    await bob.chooses(room, "bob");
    await bob.presses("Use it here");
    await bob.sees("#notice-words", "The other tab does not answer");
    await frozen.page.close();
    await bob.isConnected();
  });

  test("another device with the same key takes over, and gives back", async () => {
    const room = newRoom();
    const laptop = await joins(room, "bob");
    const phone = await comes(await device());
    const key = await laptop.page.evaluate(() => localStorage.getItem("chat-room/key") ?? "");
    expect(key).toMatch(/^[\w-]{32}$/);
    await phone.chooses(room, "bob");
    await phone.sees("#join-name-trouble", "Choose another name");
    await phone.presses("Your key");
    await phone.page.fill("#key-other", key);
    await phone.presses("Use it");
    await phone.chooses(room, "bob");
    await phone.isConnected();
    await laptop.sees("#notice-words", "bob has connected from somewhere else");
    await laptop.page.fill("#text", "not lost");
    await laptop.presses("Use it here");
    await laptop.isConnected();
    expect(await laptop.page.inputValue("#text")).toBe("not lost");
    await phone.sees("#notice-words", "bob has connected from somewhere else");
    for (const address of [...laptop.requests, ...phone.requests])
      expect(address).not.toContain(key);
    expect(await phone.page.content()).not.toContain(key);
  });

  test("the dialog shows and copies the key on request", async () => {
    const here = await device({ permissions: ["clipboard-read", "clipboard-write"] });
    const alice = await comes(here);
    await alice.presses("Your key");
    const key = await alice.page.inputValue("#key-own");
    expect(key).toMatch(/^[\w-]{32}$/);
    expect(await alice.page.getAttribute("#key-own", "type")).toBe("password");
    await alice.presses("Show");
    expect(await alice.page.getAttribute("#key-own", "type")).toBe("text");
    await alice.presses("Copy");
    await alice.sees("#key-told", "Copied");
    expect(await alice.page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    await alice.page.press("#key-own", "Escape");
    // The dialog fires its close event in a later task.
    await expect.poll(() => alice.page.inputValue("#key-own")).toBe("");
  });

  test("a link to a room leads others there, and contains only the room", async () => {
    const room = newRoom();
    const alice = await joins(room, "alice");
    const link = alice.page.url();
    expect(link).toBe(`${url()}/#${room}`);
    const bob = await comes(await device(), `/#${room}`);
    expect(await bob.page.inputValue("#join-room")).toBe(room);
    await bob.chooses(room, "bob");
    await bob.isConnected();
    await alice.page.goBack();
    await alice.until(
      () => alice.isShown("#join"),
      () => "the form, after going back",
    );
  });

  test("the keyboard is enough to join, write, go to the log, cut and restore", async () => {
    const room = newRoom();
    await joins(room, "bob");
    const alice = await comes(await device());
    const { keyboard } = alice.page;
    await alice.page.fill("#join-room", room);
    await alice.page.focus("#join-name");
    await keyboard.type("alice");
    await keyboard.press("Enter");
    await alice.isConnected();
    await keyboard.type("first");
    await keyboard.press("Shift+Enter");
    await keyboard.type("line");
    await keyboard.press("Enter");
    await alice.reads("first\nline");
    const focused = (): Promise<string> =>
      alice.page.evaluate(() => document.activeElement?.id ?? "");
    const goes = async (id: string): Promise<void> => {
      for (let i = 0; i < 20 && (await focused()) !== id; i++) await keyboard.press("Shift+Tab");
      expect(await focused()).toBe(id);
    };
    await goes("log");
    await goes("cut");
    await keyboard.press("Space");
    await alice.sees("#link-words", "Cut off by you");
    await keyboard.press("Space");
    await alice.isConnected();
  });

  test("1,000 missed messages are in the log after less than a second of work, in 300 rows at most", async () => {
    const room = newRoom();
    const bob = await joins(room, "bob");
    await bob.cuts();
    const server = { url: url() } as Server;
    const alice = await new TestRoom(server, room).joins("alice", { dialect: "chat.v1" });
    for (let i = 1; i <= 1_000; i++) alice.says(`message ${i}`);
    await alice.isDone(50_000);
    const session = await bob.page.context().newCDPSession(bob.page);
    // CPU time of the thread, because the machine may be busy.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const work = async (): Promise<number> => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
    };
    const before = await work();
    await bob.page.click("#cut");
    await bob.sees(
      "#absence-words",
      "1000 messages came while you were cut off, in order, none twice.",
    );
    const seconds = (await work()) - before;
    console.log(`1,000 replayed entries: ${(seconds * 1_000).toFixed(0)} ms of main-thread work`);
    expect(seconds).toBeLessThan(1);
    expect(await bob.page.locator("#log .row").count()).toBeLessThanOrEqual(300);
    expect((await bob.texts()).at(-1)).toBe("message 1000");
    await alice.leaves();
  });

  test("scrolling up loads history page by page, and the rows in sight do not move", async () => {
    const room = newRoom();
    const server = { url: url() } as Server;
    const alice = await new TestRoom(server, room).joins("alice", { dialect: "chat.v1" });
    for (let i = 1; i <= 480; i++) alice.says(`message ${i}`);
    await alice.isDone(60_000);
    const bob = await joins(room, "bob");
    await bob.reads("message 479", "message 480");
    const log = bob.page.locator("#log");
    /** Scrolls, and returns how far the first row in sight has moved against that. */
    const scrolls = (by: number): Promise<number> =>
      log.evaluate(async (box, dy) => {
        const rows = [...box.querySelectorAll(".message")];
        const edge = box.getBoundingClientRect().top;
        const seen = rows.find((row) => row.getBoundingClientRect().top > edge + 40);
        const text = seen?.querySelector(".text")?.textContent ?? "";
        const top = seen?.getBoundingClientRect().top ?? 0;
        const from = box.scrollTop;
        box.scrollTop += dy;
        const moved = box.scrollTop - from;
        for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame);
        const now = [...box.querySelectorAll(".message")].find(
          (row) => row.querySelector(".text")?.textContent === text,
        );
        return now === undefined ? Infinity : now.getBoundingClientRect().top - top + moved;
      }, by);
    const first = async (): Promise<string> => (await bob.texts())[0] ?? "";
    for (let i = 0; i < 80 && (await first()) !== "message 1"; i++) {
      expect(Math.abs(await scrolls(-400))).toBeLessThanOrEqual(2);
      expect(await bob.page.locator("#log .row").count()).toBeLessThanOrEqual(300);
    }
    expect(await first()).toBe("message 1");
    await bob.sees("#log .edge", "This is the beginning of the room");
    const last = async (): Promise<string> => (await bob.texts()).at(-1) ?? "";
    for (let i = 0; i < 80 && (await last()) !== "message 480"; i++) {
      expect(Math.abs(await scrolls(400))).toBeLessThanOrEqual(2);
      expect(await bob.page.locator("#log .row").count()).toBeLessThanOrEqual(300);
    }
    expect(await last()).toBe("message 480");
    await scrolls(-3_000);
    alice.says("unseen");
    await bob.sees("#newer", "1 new");
    await bob.page.click("#newer");
    await bob.reads("message 480", "unseen");
    await bob.sees("#log .unread", "New");
    await alice.leaves();
  });
});
