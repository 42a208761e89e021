/** The browser reports that the network is gone: the page shows it, and checks the connection. In real Chromium. */
import { expect, test } from "vitest";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";

inBrowser("when the network fails, the page", () => {
  const { newRoom, device, joins } = pageHarness();

  test("shows at once that it is checking, is offline within 5 s, and loses nothing", async () => {
    const room = newRoom();
    const here = await device();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob", here)];
    const begin = performance.now();
    // Chromium cuts WebSockets too, without a close event at either end.
    await here.setOffline(true);
    await bob.sees("#link-words", "Checking the connection");
    expect(performance.now() - begin).toBeLessThan(2_000);
    await bob.says("written in the dark");
    await bob.sees("#link-words", "rying again");
    expect(performance.now() - begin).toBeLessThan(5_000);
    await here.setOffline(false);
    await bob.isConnected();
    await alice.reads("written in the dark");
    expect(await alice.texts()).toEqual(["written in the dark"]);
  });

  test("keeps a connection that still answers, whatever the browser reports", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await bob.page.evaluate(() => globalThis.dispatchEvent(new Event("offline")));
    await bob.isConnected();
    await bob.says("still here");
    await alice.reads("still here");
  });
});
