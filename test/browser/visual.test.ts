/**
 * The main states at phone and desktop width, light and dark: axe finds no violation, nothing is wider than the screen,
 * and screenshots/ gets a picture of each for people.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { BrowserContextOptions } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";
import { FakeRoom, welcome } from "./support/fake-room.ts";
import type { Visitor } from "./support/visitor.ts";

const FOLDER = join(import.meta.dirname, "../../screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const SCREENS: readonly [string, BrowserContextOptions][] = [
  ["desktop-light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["desktop-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
  ["phone-light", { viewport: { width: 375, height: 720 }, colorScheme: "light", hasTouch: true }],
  ["phone-dark", { viewport: { width: 375, height: 720 }, colorScheme: "dark", hasTouch: true }],
  ["narrow-light", { viewport: { width: 320, height: 640 }, colorScheme: "light" }],
  ["wide-dark", { viewport: { width: 2000, height: 1100 }, colorScheme: "dark" }],
];

inBrowser("the appearance of the page", () => {
  const { newRoom, device, comes, joins } = pageHarness();
  beforeAll(() => mkdirSync(FOLDER, { recursive: true }));

  describe.each(SCREENS)("%s", (screen, options) => {
    async function checksAppearance(visitor: Visitor, state: string): Promise<void> {
      const { page } = visitor;
      // Wait until no animation runs.
      await page.evaluate(async () => {
        await Promise.all(document.getAnimations().map(({ finished }) => finished));
      });
      await page.screenshot({ path: join(FOLDER, `${state}-${screen}.png`) });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(
        options.viewport?.width,
      );
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
        const results = await axe.run();
        return results.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`);
      });
      expect(violations, state).toEqual([]);
    }

    test("changes: the menu, a reply, reactions, an edit, an erasure, and all of them waiting", async () => {
      const room = newRoom();
      const bob = await joins(room, "bob", await device(options));
      const alice = await joins(room, "alice");
      const opens = async (visitor: Visitor, text: string): Promise<void> => {
        await visitor.row(text).first().hover();
        await visitor.row(text).first().getByRole("button", { name: "Actions for" }).click();
      };
      await alice.says(
        "Lunch at 12? The place by the river has a new cook, and they say that he is good.",
      );
      await bob.reads(
        "Lunch at 12? The place by the river has a new cook, and they say that he is good.",
      );
      await opens(bob, "Lunch at 12?");
      await checksAppearance(bob, "message-menu");
      await bob.page.getByRole("button", { name: "thumbs up", exact: true }).click();
      await opens(alice, "Lunch at 12?");
      await alice.page.getByRole("button", { name: "thumbs up", exact: true }).click();
      await opens(alice, "Lunch at 12?");
      await alice.page.getByRole("button", { name: "party", exact: true }).click();
      await bob.sees("#log .reaction", "🎉");
      await opens(bob, "Lunch at 12?");
      await bob.presses("Reply");
      await bob.page.fill("#text", "Yes, gladly");
      await checksAppearance(bob, "replying");
      await bob.page.press("#text", "Enter");
      await alice.sees("#log .quote", "Lunch at 12?");
      await bob.page.waitForSelector("#log .stored");
      await bob.page.press("#text", "ArrowUp");
      await bob.page.fill("#text", "Yes, gladly!");
      await checksAppearance(bob, "editing");
      await bob.page.press("#text", "Enter");
      await alice.sees("#log .note", "edited");
      await bob.says("A mistake");
      await alice.reads("A mistake");
      await bob.page.waitForSelector("#log .row:last-child .stored");
      await opens(bob, "A mistake");
      await bob.presses("Erase");
      await checksAppearance(bob, "erasing");
      await bob.page.locator("#erase-yes").click();
      await alice.reads("This message was erased.");
      await checksAppearance(bob, "changed");
      await bob.cuts();
      await bob.page.press("#text", "ArrowUp");
      await bob.page.fill("#text", "Yes, and I bring somebody");
      await bob.page.press("#text", "Enter");
      await bob.row("Lunch at 12?").first().locator(".reaction", { hasText: "🎉" }).click();
      await opens(bob, "Lunch at 12?");
      await bob.presses("Reply");
      await bob.says("Who else comes?");
      await checksAppearance(bob, "changes-waiting");
    });

    test("the join form, with errors and without", async () => {
      const bob = await comes(await device(options));
      await checksAppearance(bob, "join");
      await bob.chooses("no such room", "");
      await bob.sees("#join-name-trouble", "1 to 32");
      await checksAppearance(bob, "join-trouble");
      await bob.presses("Your key");
      await checksAppearance(bob, "key");
    });

    test("talking, cut off, back again", async () => {
      const room = newRoom();
      const bob = await joins(room, "bob", await device(options));
      const alice = await joins(room, "alice");
      const carol = await joins(room, "carol");
      await carol.says("Good morning. Is the build green?");
      await alice.reads("Good morning. Is the build green?");
      await alice.says("It is, since last night.\nAll of it, on all three machines.");
      await bob.reads("It is, since last night.\nAll of it, on all three machines.");
      await bob.says("Then I go and get us some bread.");
      await alice.reads("Then I go and get us some bread.");
      await alice.page.locator("#people-list button", { hasText: "bob" }).click();
      await alice.says("For you alone: the tests were red for an hour. مرحبا");
      await bob.sees("#log .addressed", "to you");
      await alice.page.press("#text", "Escape");
      await alice.page.fill("#text", "And");
      await bob.sees("#typing", "alice is typing");
      await checksAppearance(bob, "talk");
      await bob.cuts();
      await bob.says("Nobody hears this yet.");
      await bob.says("Nor this.");
      await carol.says("Where is bob?");
      await alice.reads("Where is bob?");
      await alice.says("On his way. He gets all of this when he is back.");
      await carol.says("In order?");
      await alice.reads("On his way. He gets all of this when he is back.", "In order?");
      await alice.says("In order, and once.");
      await carol.reads("In order, and once.");
      await checksAppearance(bob, "cut");
      await bob.restores();
      await bob.sees("#waits-there", "0");
      await carol.reads("Nobody hears this yet.", "Nor this.");
      await bob.page.screenshot({ path: join(FOLDER, `replay-${screen}.png`) });
      await checksAppearance(bob, "back");
      if (await bob.isShown("#people-toggle")) {
        await bob.page.click("#people-toggle");
        await checksAppearance(bob, "people");
        await bob.page.keyboard.press("Escape");
      }
      await bob.presses("Menu");
      await checksAppearance(bob, "menu");
    });

    test("too long, refused, and in another tab", async () => {
      const bob = await comes(await device(options));
      const fakeRoom = await FakeRoom.serves(bob.page, (room) =>
        room.says(welcome(), { type: "ready", seq: 0 }),
      );
      await bob.chooses("r", "bob");
      await bob.isConnected();
      await bob.page.fill("#text", "A message that is too long. ".repeat(320));
      await bob.sees("#text-count", "bytes too long");
      await checksAppearance(bob, "too-long");
      await bob.says("is zoe here?");
      await bob.until(
        () => Promise.resolve(fakeRoom.received.some(({ type }) => type === "send")),
        () => "the message at the room",
      );
      const { id } = fakeRoom.received.find(({ type }) => type === "send") ?? {};
      fakeRoom.says({ type: "error", id, code: "unknown-peer", message: "nobody is called zoe" });
      await bob.sees("#log .trouble .state", "nobody is called zoe");
      await checksAppearance(bob, "refused");
      const room = newRoom();
      const here = await device(options);
      await joins(room, "bob", here);
      const second = await comes(here);
      await second.chooses(room, "bob");
      await second.sees("#notice-words", "in another tab");
      await checksAppearance(second, "held");
    });

    test("an empty room, and a full one", async () => {
      const bob = await joins(newRoom(), "bob", await device(options));
      await bob.sees("#log .edge", "No messages yet");
      await checksAppearance(bob, "empty");
      const carol = await comes(await device(options));
      await FakeRoom.serves(carol.page, (room) =>
        room.ends(4100, "the room is full: come back later"),
      );
      await carol.chooses("r", "carol");
      // The wait must be long enough for the picture.
      await carol.page.evaluate(() => (Math.random = () => 0.9));
      await carol.says("It waits, until there is a place.");
      await carol.until(
        async () => /in ([5-9]|\d\d) s/.test((await carol.page.textContent("#link-words")) ?? ""),
        () => "a countdown that takes a while",
        40_000,
      );
      await checksAppearance(carol, "offline");
    });

    test("taken over by another device", async () => {
      const bob = await comes(await device(options));
      const fakeRoom = await FakeRoom.serves(bob.page, (room) =>
        room.says(welcome(), { type: "ready", seq: 0 }),
      );
      await bob.chooses("r", "bob");
      await bob.isConnected();
      await bob.page.fill("#text", "half a thou");
      fakeRoom.ends(4001, "replaced");
      await bob.sees("#notice-choices", "Use it here");
      await checksAppearance(bob, "taken");
    });
  });
});
