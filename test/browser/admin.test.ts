/** Actions of an operator by the admin API, as the people at the page see them. */
import { expect, test } from "vitest";
import { sendRequest } from "../support/clients/raw-websocket.ts";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";

const ADMIN_KEY = "an-operators-key-of-the-tests";
const ERASED = "An operator erased this message.";

inBrowser("an operator, seen from the page", () => {
  const { url, newRoom, device, joins } = pageHarness({ ADMIN_KEY });

  /** Sends DELETE for a path below the room, as the operator. */
  async function deletes(room: string, path: string): Promise<void> {
    const { status } = await sendRequest(url(), `/rooms/${room}${path}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(status).toBe(204);
  }

  test("an erased text is gone from every page that shows it, from history, and after a reload", async () => {
    const room = newRoom();
    const here = await device();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob", here)];
    await alice.says("a secret");
    await alice.says("no secret");
    await bob.reads("a secret", "no secret");
    await deletes(room, "/messages/1");
    await bob.reads(ERASED, "no secret");
    await alice.reads(ERASED, "no secret");
    for (const visitor of [alice, bob]) {
      expect(await visitor.page.content()).not.toContain("a secret");
    }
    await bob.page.reload();
    await bob.reads(ERASED, "no secret");
    const carol = await joins(room, "carol");
    await carol.reads(ERASED, "no secret");
  });

  test("a text that is erased before somebody reads it never reaches them", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await bob.cuts();
    await alice.says("a secret");
    await alice.sees("#log .stored", "✓");
    await deletes(room, "/messages/1");
    await bob.restores();
    await bob.reads(ERASED);
  });

  test("a removed person sees the reason, keeps their draft, and can join again", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await bob.page.fill("#text", "half a thou");
    await deletes(room, "/peers/bob");
    await bob.sees("#notice-words", "operator");
    expect(await bob.page.locator("#notice-words").textContent()).toMatch(/^[A-Z].+\.$/);
    await alice.sees("#people-count", "1 here");
    await bob.presses("Try again");
    await bob.isConnected();
    expect(await bob.page.inputValue("#text")).toBe("half a thou");
  });

  test("in a closed room everyone sees the reason, and can open it again, empty", async () => {
    const room = newRoom();
    const [alice, bob] = [await joins(room, "alice"), await joins(room, "bob")];
    await alice.says("of the old room");
    await bob.reads("of the old room");
    await deletes(room, "");
    for (const visitor of [alice, bob]) {
      await visitor.sees("#notice-choices", "Try again");
      expect(await visitor.page.locator("#notice-words").textContent()).toMatch(/room.*\.$/);
    }
    await bob.presses("Try again");
    await bob.isConnected();
    await bob.sees("#log .edge", "No messages yet");
    await bob.says("of the new room");
    await bob.reads("of the new room");
    expect(await bob.texts()).toEqual(["of the new room"]);
  });
});
