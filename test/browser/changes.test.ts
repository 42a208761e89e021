/** Edit, erase, reply, react: two people in real Chromium, cut off and back, with mouse, keyboard and touch. */
import type { BrowserContextOptions } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { Server } from "../support/server/server.ts";
import { TestRoom } from "../support/clients/room.ts";
import { inBrowser } from "./support/browser.ts";
import { FakeRoom, welcome } from "./support/fake-room.ts";
import { pageHarness } from "./support/page-harness.ts";
import type { Visitor } from "./support/visitor.ts";

const ERASED = "This message was erased.";

inBrowser("changes at the page", () => {
  const { url, newRoom, device, comes, joins } = pageHarness();

  /** Alice and bob in a new room. */
  async function meet(options: BrowserContextOptions = {}): Promise<[Visitor, Visitor]> {
    const room = newRoom();
    return [await joins(room, "alice", await device(options)), await joins(room, "bob")];
  }

  /** Opens the menu of a message. */
  async function opens(visitor: Visitor, text: string): Promise<void> {
    const row = visitor.row(text);
    await row.hover();
    await row.getByRole("button", { name: "Actions for" }).click();
    await visitor.until(
      () => visitor.isShown("#message-menu"),
      () => "the menu",
    );
  }

  const roomOf = ({ page }: Visitor): string =>
    decodeURIComponent(new URL(page.url()).hash.slice(1));

  const chip = (visitor: Visitor, text: string, mark: string) =>
    visitor.row(text).locator(".reaction", { hasText: mark });

  const announced = (visitor: Visitor): Promise<string | null> =>
    visitor.page.textContent("#announcer");

  describe.each<[string, BrowserContextOptions]>([
    ["mouse", {}],
    ["touch", { viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true }],
  ])("by %s", (how, options) => {
    test("an own message is edited and erased, for everybody", async () => {
      const [alice, bob] = await meet(options);
      await alice.says("Lunch at 11?");
      await alice.says("And then a walk.");
      await bob.reads("Lunch at 11?", "And then a walk.");
      const press = async (name: string): Promise<void> => {
        const button = alice.page.getByRole("button", { name, exact: true });
        await (how === "touch" ? button.tap() : button.click());
      };
      await alice.page.waitForSelector("#log .stored");
      // The button that opens the menu closes it, too.
      await opens(alice, "Lunch at 11?");
      const more = alice.row("Lunch at 11?").getByRole("button", { name: "Actions for" });
      expect(await more.getAttribute("aria-expanded")).toBe("true");
      await more.click();
      expect(await alice.isShown("#message-menu")).toBe(false);
      await alice.until(
        async () => (await more.getAttribute("aria-expanded")) === "false",
        () => "a button that says that its menu is closed",
      );
      await opens(alice, "Lunch at 11?");
      // So does the button of another message, which opens its own.
      await alice.row("And then a walk.").getByRole("button", { name: "Actions for" }).focus();
      await alice.page.keyboard.press("Enter");
      expect(await more.getAttribute("aria-expanded")).toBe("false");
      await alice.page.keyboard.press("Escape");
      await opens(alice, "Lunch at 11?");
      await press("Edit");
      await alice.sees("#about-words", "Editing your message");
      expect(await alice.page.inputValue("#text")).toBe("Lunch at 11?");
      await alice.page.fill("#text", "Lunch at 12?");
      await press("Save");
      await bob.reads("Lunch at 12?", "And then a walk.");
      await bob.sees("#log .note", "edited");
      await alice.sees("#log .note", "edited");
      expect(await alice.isShown("#about")).toBe(false);

      await opens(alice, "Lunch at 12?");
      await press("Erase");
      await alice.sees("#erase-text", "Lunch at 12?");
      await press("Keep it");
      await alice.reads("Lunch at 12?", "And then a walk.");
      await opens(alice, "Lunch at 12?");
      await press("Erase");
      await alice.page.locator("#erase-yes").click();
      for (const visitor of [alice, bob]) await visitor.reads(ERASED, "And then a walk.");
      expect(await bob.page.content()).not.toContain("Lunch");
    });
  });

  test("the keyboard is enough to edit the last own message, reply, react, and erase", async () => {
    const [alice, bob] = await meet();
    const { keyboard } = alice.page;
    await alice.says("frist");
    await bob.reads("frist");
    await bob.says("Hello!");
    await alice.reads("frist", "Hello!");

    await alice.page.press("#text", "ArrowUp");
    expect(await alice.page.inputValue("#text")).toBe("frist");
    await alice.page.press("#text", "Escape");
    expect(await alice.page.inputValue("#text")).toBe("");
    await alice.page.press("#text", "ArrowUp");
    await alice.page.fill("#text", "first");
    await alice.page.press("#text", "Enter");
    await bob.reads("first", "Hello!");

    const focused = (): Promise<string> =>
      alice.page.evaluate(
        () =>
          document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "",
      );
    await keyboard.press("Shift+Tab");
    expect(await focused()).toBe("Actions for the message of bob: Hello!");
    await keyboard.press("ArrowUp");
    expect(await focused()).toBe("Actions for your message: first");
    await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    expect(await focused()).toBe("thumbs up");
    await keyboard.press("Escape");
    expect(await focused()).toBe("Actions for the message of bob: Hello!");
    await keyboard.press("Enter");
    await keyboard.press("ArrowRight");
    expect(await focused()).toBe("heart");
    await keyboard.press("Space");
    await bob.sees("#log .reaction", "❤️");
    await alice.sees("#log .reaction", "❤️");
    await alice.until(
      async () => (await focused()) === "Actions for the message of bob: Hello!",
      () => "the focus back at the menu",
    );
    // The marks of a row come before its menu.
    await keyboard.press("Shift+Tab");
    expect(await focused()).toBe("❤️ heart, 1: you");
    await keyboard.press("Space");
    await bob.until(
      async () => (await bob.page.locator("#log .reaction").count()) === 0,
      () => "no reaction",
    );
    await alice.until(
      async () => (await focused()) === "Actions for the message of bob: Hello!",
      () => "the focus at what is left of the row",
    );

    await keyboard.press("Enter");
    for (let i = 0; i < 6; i++) await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    expect(await focused()).toBe("Message to everyone");
    await alice.sees("#about-words", "Replying to bob: Hello!");
    await keyboard.type("Hello, bob");
    await keyboard.press("Enter");
    await bob.sees("#log .quote", "Hello!");

    await alice.page.waitForSelector("#log .quote");
    await keyboard.press("Shift+Tab");
    await keyboard.press("Enter");
    for (let i = 0; i < 8; i++) await keyboard.press("ArrowDown");
    await keyboard.press("Enter");
    await alice.sees("#erase-dialog", "Erase this message?");
    await keyboard.press("Escape");
    expect(await alice.isShown("#erase-dialog")).toBe(false);
    await alice.reads("first", "Hello!", "Hello, bob");
  });

  test("reactions show who, are toggled by their button, and disturb nobody", async () => {
    const [alice, bob] = await meet();
    await alice.says("The build is green.");
    await bob.reads("The build is green.");
    await bob.page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    const title = await bob.page.title();
    await opens(alice, "The build is green.");
    await alice.page.getByRole("button", { name: "party", exact: true }).click();
    await alice.until(
      async () => (await announced(alice)) === "Reaction added: party.",
      () => "the announcement",
    );
    await bob.sees("#log .reaction", "🎉");
    expect(await bob.page.title()).toBe(title);
    expect(await bob.page.locator("#log .message").count()).toBe(1);
    expect(await announced(bob)).not.toContain("alice:");
    expect(await chip(bob, "green", "🎉").getAttribute("aria-label")).toBe("🎉 party, 1: alice");
    expect(await chip(bob, "green", "🎉").getAttribute("aria-pressed")).toBe("false");
    await bob.page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, value: false });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await chip(bob, "green", "🎉").click();
    await alice.until(
      async () =>
        (await chip(alice, "green", "🎉").getAttribute("aria-label")) ===
        "🎉 party, 2: you and bob",
      () => "both names",
    );
    expect(await chip(bob, "green", "🎉").getAttribute("aria-pressed")).toBe("true");
    await chip(alice, "green", "🎉").click();
    await bob.until(
      async () =>
        (await chip(bob, "green", "🎉").getAttribute("aria-label")) === "🎉 party, 1: you",
      () => "one name",
    );
    const carol = await joins(roomOf(bob), "carol");
    await carol.reads("The build is green.");
    await carol.sees("#log .reaction", "🎉");
    expect(await carol.page.locator("#log .message").count()).toBe(1);
  });

  test("all of it waits while cut off, shows that, survives a reload, and is sent at the return", async () => {
    const [alice, bob] = await meet();
    await alice.says("one");
    await alice.says("two");
    await bob.says("three");
    await alice.reads("one", "two", "three");
    await alice.cuts();
    await opens(alice, "one");
    await alice.presses("Edit");
    await alice.says("one, changed");
    await alice.reads("one, changed", "two", "three");
    await alice.sees("#log .note", "Waiting here");
    await opens(alice, "two");
    await alice.presses("Erase");
    await alice.page.locator("#erase-yes").click();
    await alice.reads("one, changed", ERASED, "three");
    await opens(alice, "three");
    await alice.page.getByRole("button", { name: "thumbs up", exact: true }).click();
    await alice.until(
      async () =>
        (await chip(alice, "three", "👍").getAttribute("aria-label")) ===
        "👍 thumbs up, 1: you, waiting here",
      () => "the mark that waits",
    );
    await opens(alice, "three");
    await alice.presses("Reply");
    await alice.says("four");
    await alice.reads("one, changed", ERASED, "three", "four");
    await alice.sees("#waits-here", "4");
    await bob.reads("one", "two", "three");

    // Without a room, the page has nothing of the log after a reload.
    await alice.page.routeWebSocket(/\/rooms\//, (socket) => void socket.close({ code: 1011 }));
    await alice.page.reload();
    await alice.reads("one, changed", "Erase a message", "React to a message with 👍", "four");
    await alice.sees("#log .state", "Change waits here");
    const back = await comes(alice.page.context());
    await alice.leaves();
    await back.chooses(roomOf(bob), "alice");
    await back.isConnected();
    for (const visitor of [back, bob]) {
      await visitor.reads("one, changed", ERASED, "three", "four");
      await visitor.sees("#log .note", "edited");
      await visitor.sees("#log .reaction", "👍");
      await visitor.sees("#log .quote", "three");
    }
    expect(await back.page.locator("#log .waiting, #log .waits, #log .state").count()).toBe(0);
  });

  test("changes reach those who were away, and a reply to some goes to them alone", async () => {
    const [alice, bob] = await meet();
    const carol = await joins(roomOf(bob), "carol");
    await alice.says("seen by all");
    await alice.says("a mistake");
    await bob.reads("seen by all", "a mistake");
    await bob.cuts();
    await opens(alice, "seen by all");
    await alice.presses("Edit");
    await alice.says("changed for all");
    await opens(alice, "a mistake");
    await alice.presses("Erase");
    await alice.page.locator("#erase-yes").click();
    await carol.reads("changed for all", ERASED);
    await bob.reads("seen by all", "a mistake");
    await bob.restores();
    await bob.reads("changed for all", ERASED);
    expect(await bob.page.content()).not.toContain("a mistake");
    await bob.sees("#absence-words", "Connected again. You missed no messages.");

    await alice.presses("bob");
    await alice.says("between us");
    await bob.reads("changed for all", ERASED, "between us");
    await opens(bob, "between us");
    await bob.presses("Reply");
    await bob.sees("#to", "alice");
    await bob.says("only us");
    await alice.reads("changed for all", ERASED, "between us", "only us");
    await bob.page.press("#text", "Escape");
    await bob.says("for all again");
    await carol.reads("changed for all", ERASED, "for all again");
  });

  const message = (seq: number, text: string, more = {}) => ({
    type: "message",
    seq,
    from: "alice",
    text,
    at: 1_780_000_000_000 + seq,
    ...more,
  });

  test("a short name is whole in a quote of few words", async () => {
    const [alice, bob] = await meet();
    await bob.says("end");
    await alice.reads("end");
    await opens(alice, "end");
    await alice.presses("Reply");
    await alice.says("yes");
    await alice.sees("#log .quote", "end");
    const isWhole = ({ scrollWidth, clientWidth }: Element): boolean => scrollWidth <= clientWidth;
    expect(await alice.page.locator("#log .quote-from").evaluate(isWhole)).toBe(true);
  });

  test("where the room takes no data, the menu has no reactions", async () => {
    const bob = await comes(await device());
    const plain = welcome(0, 1);
    const limits = { ...(plain["limits"] as object), data: 0 };
    await FakeRoom.serves(bob.page, (room) =>
      room.says({ ...plain, limits }, message(1, "Lunch?"), { type: "ready", seq: 1 }),
    );
    await bob.chooses("r", "bob");
    await bob.reads("Lunch?");
    await opens(bob, "Lunch?");
    expect(await bob.page.locator("#message-marks button").count()).toBe(0);
    expect(await bob.page.evaluate(() => document.activeElement?.id)).toBe("message-reply");
  });

  test("a quote leads to its original, loads it, or says that it is not there", async () => {
    const room = newRoom();
    const testRoom = new TestRoom({ url: url() } as Server, room);
    const ann = await testRoom.joins("ann", { dialect: "chat.v1" });
    for (let i = 1; i <= 400; i++) ann.says(`message ${i}`);
    await ann.isDone(60_000);
    const alice = await joins(room, "alice");
    await alice.reads("message 400");
    const dan = await testRoom.joins("dan", { dialect: "chat.v1" });
    ann.says("as I said first", { ref: 1 });
    ann.says("to dan only", { to: ["dan"] });
    ann.says("as I said to dan", { ref: 402 });
    await alice.reads("message 400", "as I said first", "as I said to dan");
    await alice.sees("#log .quote", "Earlier message");
    await alice.row("as I said first").locator(".quote").click();
    await alice.until(
      () =>
        alice.page
          .locator("#log .row", { hasText: /message 1✓?⋯?$/ })
          .first()
          .isVisible(),
      () => "the first message",
    );
    expect(await alice.page.evaluate(() => document.activeElement?.textContent)).toContain(
      "message 1",
    );
    await alice.page.click("#newer");
    await alice.reads("as I said first", "as I said to dan");
    await alice.sees("#log .quote", "message 1");
    await alice.row("as I said to dan").locator(".quote").click();
    await alice.sees("#composer-trouble", "or it was not for you");
    await alice.reads("as I said first", "as I said to dan");
    for (const client of [ann, dan]) await client.leaves();
  });

  test("a quote of what is not kept, and of a link that breaks, says so", async () => {
    const bob = await comes(await device());
    const fakeRoom = await FakeRoom.serves(bob.page, (room) =>
      room.says(
        welcome(0, 9),
        { type: "gap", from: 1, to: 7 },
        message(8, "an answer", { ref: 3 }),
        message(9, "", { data: { poll: ["a", "b"] } }),
        { type: "ready", seq: 9 },
      ),
    );
    await bob.chooses("r", "bob");
    await bob.reads("an answer", "Sent something that this page cannot show.");
    await bob.page.locator("#log .quote").click();
    const asked = () =>
      fakeRoom.received.findLast(({ type, before }) => type === "history" && before === 4);
    await bob.until(
      () => Promise.resolve(asked() !== undefined),
      () => "the question for the original",
    );
    fakeRoom.says({ type: "history", id: asked()?.["id"], messages: [] });
    await bob.sees("#composer-trouble", "That message is not there: the room no longer keeps it");
  });

  test("a change that the room rejects is shown with its text, and goes back as a change", async () => {
    const bob = await comes(await device());
    const fakeRoom = await FakeRoom.serves(bob.page, (room) =>
      room.says(welcome(0, 2), message(1, "old", { from: "bob" }), message(2, "hi"), {
        type: "ready",
        seq: 2,
      }),
    );
    await bob.chooses("r", "bob");
    await bob.reads("old", "hi");
    await bob.page.press("#text", "ArrowUp");
    await bob.says("new");
    const sent = (type: string) => fakeRoom.received.findLast((frame) => frame["type"] === type);
    await bob.until(
      () => Promise.resolve(sent("patch") !== undefined),
      () => "the change at the room",
    );
    const { id } = sent("patch") ?? {};
    const why = "ref: 1 is older than 24 hours: it can be erased, but not changed";
    fakeRoom.says({ type: "error", id, code: "forbidden", message: why });
    await bob.sees("#log .trouble .text", "new");
    await bob.sees("#log .trouble .state", "Not changed: the message is older than 24 hours");
    await bob.page.reload();
    await bob.sees("#log .trouble .text", "new");
    await bob.page.fill("#text", "a draft");
    await bob.presses("Take it back");
    await bob.sees("#about-words", "Editing your message");
    expect(await bob.page.inputValue("#text")).toBe("new");
    await bob.page.reload();
    await bob.sees("#about-words", "Editing your message");
    await bob.page.press("#text", "Escape");
    expect(await bob.page.inputValue("#text")).toBe("a draft");

    await bob.page.fill("#text", "");
    await bob.page.press("#text", "ArrowUp");
    const before = fakeRoom.received.length;
    await bob.page.press("#text", "Enter");
    expect(await bob.isShown("#about")).toBe(false);
    expect(fakeRoom.received.slice(before)).toEqual([]);
    await bob.page.press("#text", "ArrowUp");
    await bob.says("newer");
    await bob.until(
      () => Promise.resolve(sent("patch")?.["text"] === "newer"),
      () => "the second change at the room",
    );
    const gone = "ref: 1 is no entry that you can read, or it is no longer kept";
    fakeRoom.says({ type: "error", id: sent("patch")?.["id"], code: "unknown-ref", message: gone });
    await bob.sees("#log .trouble .text", "newer");
    expect(await bob.page.locator("#log .trouble button").allTextContents()).toEqual(["Dismiss"]);
  });

  test("in a restored room a change that was begun is a text again, because its message is another one", async () => {
    const bob = await comes(await device());
    const fakeRoom = await FakeRoom.serves(bob.page, (room) => {
      if (room.connections === 1) {
        room.says(welcome(0, 1), message(1, "old", { from: "bob" }), { type: "ready", seq: 1 });
      } else {
        room.says({ ...welcome(0, 1), epoch: "restored" }, message(1, "another", { from: "bob" }), {
          type: "ready",
          seq: 1,
        });
      }
    });
    await bob.chooses("r", "bob");
    await bob.reads("old");
    await bob.page.fill("#text", "a draft");
    await bob.row("old").hover();
    await bob.row("old").getByRole("button", { name: "Actions for" }).click();
    await bob.presses("Edit");
    await bob.page.fill("#text", "new");
    fakeRoom.ends(4201, "");
    await bob.reads("another");
    expect(await bob.isShown("#about")).toBe(false);
    expect(await bob.page.inputValue("#text")).toBe("a draft\nnew");
  });

  test("names and texts of others are text, in quotes, menus and reactions", async () => {
    const markup = "<img src=x onerror=alert(1)>";
    const bob = await comes(await device());
    await FakeRoom.serves(bob.page, (room) =>
      room.says(
        welcome(0, 3),
        message(1, markup, { from: "<b>m" }),
        message(2, "an answer", { ref: 1 }),
        message(3, "", { ref: 1, quiet: true, data: { mark: markup }, from: "<i>n" }),
        { type: "ready", seq: 3 },
      ),
    );
    await bob.chooses("r", "bob");
    await bob.reads(markup, "an answer");
    await bob.sees("#log .reaction", "<img src=x o…");
    await bob.sees("#log .quote", markup);
    await opens(bob, "an answer");
    await bob.presses("Reply");
    await bob.sees("#about-words", "Replying to alice: an answer");
    expect(await bob.page.locator("#room img, #room b, #room i").count()).toBe(0);
  });
});
