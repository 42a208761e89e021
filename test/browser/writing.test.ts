/** Writing at the page, in real Chromium: with an input method, at the limit of one message, and on small screens. */
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";

interface Key {
  readonly key: string;
  readonly keyCode: number;
  readonly isComposing?: true;
}

type Step =
  | { readonly composes: "start" | "update" | "end"; readonly data: string }
  | { readonly presses: Key };

/** Dispatches the events of a browser on the input. @returns for each press whether the page handled it */
function dispatches(page: Page, steps: readonly Step[]): Promise<boolean[]> {
  return page.locator("#text").evaluate((input: HTMLTextAreaElement, all: readonly Step[]) => {
    const taken: boolean[] = [];
    let before = input.value;
    for (const step of all) {
      if ("presses" in step) {
        const press = { bubbles: true, cancelable: true, ...step.presses };
        taken.push(!input.dispatchEvent(new KeyboardEvent("keydown", press)));
        continue;
      }
      const { composes, data } = step;
      if (composes === "start") before = input.value;
      input.value = before + data;
      input.dispatchEvent(new CompositionEvent(`composition${composes}`, { bubbles: true, data }));
      input.dispatchEvent(new InputEvent("input", { bubbles: true, data }));
    }
    return taken;
  }, steps);
}

const composing: readonly Step[] = [
  { composes: "start", data: "" },
  { composes: "update", data: "に" },
  { composes: "update", data: "日本" },
];
const ends = { composes: "end", data: "日本" } as const;

/** The events of the key that ends a composition, by browser. */
const ORDERS: readonly [string, (key: string, keyCode: number) => readonly Step[]][] = [
  ["Chromium and Firefox", (key) => [{ presses: { key, keyCode: 229, isComposing: true } }, ends]],
  [
    "older Firefox, with the code of the key",
    (key, keyCode) => [{ presses: { key, keyCode, isComposing: true } }, ends],
  ],
  ["Safari", (key) => [ends, { presses: { key, keyCode: 229 } }]],
];

inBrowser("writing at the page", () => {
  const { newRoom, device, joins } = pageHarness();

  describe.each(ORDERS)("a word that is composed, in %s", (_browser, ending) => {
    test("the Enter that ends it sends nothing, and the next one sends the whole text", async () => {
      const room = newRoom();
      const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
      await bob.page.focus("#text");
      expect(await dispatches(bob.page, [...composing, ...ending("Enter", 13)])).toEqual([false]);
      expect(await bob.page.inputValue("#text")).toBe("日本");
      await bob.page.locator("#text").pressSequentially("語");
      await bob.page.press("#text", "Enter");
      await alice.reads("日本語");
      expect(await alice.texts()).toEqual(["日本語"]);
    });

    test("the Escape that cancels it does not change the recipients", async () => {
      const room = newRoom();
      await joins(room, "alice");
      const bob = await joins(room, "bob");
      await bob.presses("alice");
      await dispatches(bob.page, [...composing, ...ending("Escape", 27)]);
      expect(await bob.page.getAttribute("#text", "placeholder")).toBe("Write to alice");
      await bob.page.press("#text", "Escape");
      expect(await bob.page.getAttribute("#text", "placeholder")).toBe("Write to everyone");
    });
  });

  test("a word that Chromium's own input method composes is sent whole", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    const tools = await bob.page.context().newCDPSession(bob.page);
    await bob.page.focus("#text");
    await tools.send("Input.imeSetComposition", {
      text: "にほ",
      selectionStart: 2,
      selectionEnd: 2,
    });
    // Chromium reports a key that the input method handles without a text.
    const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
    await tools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...enter });
    await tools.send("Input.dispatchKeyEvent", { type: "keyUp", ...enter });
    await tools.send("Input.insertText", { text: "日本" });
    expect(await bob.page.inputValue("#text")).toBe("日本");
    await bob.page.press("#text", "Enter");
    await alice.until(
      async () => (await alice.texts()).length > 0,
      () => "a message",
    );
    expect(await alice.texts()).toEqual(["日本"]);
  });

  test("the page rejects a text that is too long while it is written, online and offline, and sends it once shortened", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    const { page } = bob;
    const announcement = (): Promise<string | null> => page.textContent("#text-count-said");
    await page.fill("#text", "é".repeat(3_500));
    expect(await page.textContent("#text-count")).toBe("");
    await page.fill("#text", "é".repeat(4_000));
    await bob.sees("#text-count", "192 bytes left");
    expect(await announcement()).toBe("The message is almost too long: 192 bytes left.");
    expect(await page.isEnabled("#send")).toBe(true);
    await page.locator("#text").pressSequentially("x");
    await bob.sees("#text-count", "191 bytes left");
    // Not at each key.
    expect(await announcement()).toContain("192 bytes left");

    const long = "é".repeat(4_100);
    await page.fill("#text", long);
    const over = "8 bytes too long: shorten it, or send it in parts";
    await bob.sees("#text-count", over);
    expect(await announcement()).toBe(`The message cannot be sent: ${over}.`);
    expect(await page.getAttribute("#text", "aria-invalid")).toBe("true");
    expect(await page.getAttribute("#text", "aria-describedby")).toContain("text-count");
    expect(await page.isDisabled("#send")).toBe(true);
    await page.press("#text", "Enter");
    expect(await page.inputValue("#text")).toBe(long);

    await bob.cuts();
    await page.press("#text", "Enter");
    expect(await page.inputValue("#text")).toBe(long);
    await bob.sees("#waits-here", "0");
    await page.fill("#text", "é".repeat(4_096));
    await bob.sees("#text-count", "0 bytes left");
    await page.press("#text", "Enter");
    await bob.sees("#waits-here", "1");
    expect(await page.textContent("#text-count")).toBe("");
    await bob.restores();
    await alice.reads("é".repeat(4_096));
    expect(await page.locator("#log .trouble").count()).toBe(0);
  });

  test.each([
    ["a phone", { width: 375, height: 667 }],
    ["a desk", { width: 1_280, height: 800 }],
  ])(
    "a very long word does not widen the page of %s, and the counter is in sight",
    async (_case, viewport) => {
      const bob = await joins(newRoom(), "bob", await device({ viewport }));
      await bob.page.fill("#text", "é".repeat(5_000));
      await bob.sees("#text-count", "1,808 bytes too long");
      const { x = -1, width = Infinity } =
        (await bob.page.locator("#text-count").boundingBox()) ?? {};
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(viewport.width);
      expect(await bob.page.evaluate(() => document.documentElement.scrollWidth)).toBe(
        viewport.width,
      );
      const { x: left = -1 } = (await bob.page.locator("#room-title").boundingBox()) ?? {};
      expect(left).toBeGreaterThanOrEqual(0);
    },
  );

  test("on a phone, several clicks on names add recipients, and Escape closes the list", async () => {
    const room = newRoom();
    await joins(room, "alice");
    await joins(room, "carol");
    const here = await device({ viewport: { width: 375, height: 667 }, hasTouch: true });
    const bob = await joins(room, "bob", here);
    const { page } = bob;
    await page.click("#people-toggle");
    for (const name of ["alice", "carol"]) {
      await page.locator("#people-list button", { hasText: name }).click();
      // The focus stays in the list, so no on-screen keyboard covers it.
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
    }
    await page.keyboard.press("Escape");
    expect(await page.getAttribute("#people-toggle", "aria-expanded")).toBe("false");
    await bob.sees("#to", "alice");
    await bob.sees("#to", "carol");
  });

  test("the longest name fits on a narrow screen, in the log and among the recipients", async () => {
    const room = newRoom();
    // The widest possible name.
    const name = `${"W".repeat(31)}m`;
    const wide = await joins(room, name);
    const bob = await joins(room, "bob", await device({ viewport: { width: 320, height: 568 } }));
    await wide.says("hi");
    await bob.reads("hi");
    await bob.page.click("#log button.who");
    for (const selector of ["#log button.who", "#to .cross"]) {
      const { x = 0, width = Infinity } = (await bob.page.locator(selector).boundingBox()) ?? {};
      expect(x + width, selector).toBeLessThanOrEqual(320);
    }
  });

  test("a banner replaces the summary of a replay on a small screen", async () => {
    const room = newRoom();
    const here = await device({ viewport: { width: 320, height: 568 } });
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob", here)];
    await bob.cuts();
    await alice.says("one");
    await bob.restores();
    await bob.sees("#absence-words", "1 message came while you were cut off");
    const key = await bob.page.evaluate(() => localStorage.getItem("chat-room/key") ?? "");
    const elsewhere = await device();
    await elsewhere.addInitScript((own) => localStorage.setItem("chat-room/key", own), key);
    await joins(room, "bob", elsewhere);
    await bob.sees("#notice-words", "has connected from somewhere else");
    expect(await bob.isShown("#absence")).toBe(false);
    const { y = 0, height = Infinity } = (await bob.page.locator("#text").boundingBox()) ?? {};
    expect(y + height).toBeLessThanOrEqual(568);
  });

  test("the own initial is the same in the list of people, in the log, and on waiting messages", async () => {
    const bob = await joins(newRoom(), "bob");
    const signs = (where: string): Promise<string[]> =>
      bob.page
        .locator(`${where} .sign`)
        .evaluateAll((all) => all.map((one) => `${one.className} ${one.textContent}`));
    await bob.says("hi");
    await bob.page.waitForSelector("#log .stored");
    await bob.cuts();
    await bob.says("later");
    await bob.reads("hi", "later");
    const [own] = await signs("#people-list");
    expect(own).toMatch(/hue-\d B$/);
    expect(await signs("#log")).toEqual([own, own]);
  });
});
