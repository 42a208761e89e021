/** The browser says that the network is gone: the page shows it at once, and asks. In real Chromium. */
import { expect, test } from "vitest";
import { inBrowser } from "./support/browser.ts";
import { stage } from "./support/stage.ts";
import { Stranger, welcome } from "./support/stranger.ts";

inBrowser("when the network goes, at the page", () => {
  const { newRoom, device, comes, joins } = stage();

  test("it says no longer that it is connected, and is offline within 5 s", async () => {
    const here = await device();
    const bob = await comes(here);
    const stranger = await Stranger.stands(bob.page, (room) =>
      room.says(welcome(), { type: "ready", seq: 0 }),
    );
    await bob.chooses("r", "bob");
    await bob.isConnected();
    stranger.isGone = true;
    const begin = performance.now();
    await here.setOffline(true);
    await bob.isTold("#link-words", "Checking the connection");
    expect(performance.now() - begin).toBeLessThan(1_500);
    await bob.isTold("#link-words", "rying again");
    expect(performance.now() - begin).toBeLessThan(5_000);
    stranger.isGone = false;
    await here.setOffline(false);
    await bob.isConnected();
  });

  test("a link that still answers, whatever the browser says, goes on", async () => {
    const room = newRoom();
    const here = await device();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob", here)];
    await bob.page.evaluate(() => globalThis.dispatchEvent(new Event("offline")));
    await bob.isConnected();
    await bob.says("still here");
    await alice.reads("still here");
  });
});
