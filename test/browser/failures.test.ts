/** Bad input and failures: the page shows a sentence with what to do beside the cause, and never loses a typed text. */
import { describe, expect, test } from "vitest";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";
import { FakeRoom, welcome } from "./support/fake-room.ts";
import type { Visitor } from "./support/visitor.ts";

inBrowser("failures at the page", () => {
  const { newRoom, device, comes, joins } = pageHarness();

  /** Bob joins a room that the test plays. */
  async function meets(
    onConnect: (fakeRoom: FakeRoom) => void,
  ): Promise<{ bob: Visitor; fakeRoom: FakeRoom }> {
    const bob = await comes(await device());
    const fakeRoom = await FakeRoom.serves(bob.page, onConnect);
    await bob.chooses("r", "bob");
    return { bob, fakeRoom };
  }

  const isReady = (fakeRoom: FakeRoom): void => fakeRoom.says(welcome(), { type: "ready", seq: 0 });
  const message = (seq: number, text: string, more = {}) => ({
    type: "message",
    seq,
    from: "alice",
    text,
    at: 1_780_000_000_000 + seq,
    ...more,
  });

  test.each([
    [
      "a room outside of the grammar",
      "-x",
      "bob",
      "#join-room-trouble",
      "The name of a room has 1 to 32",
    ],
    [
      "a name outside of the grammar",
      "lobby",
      "b b",
      "#join-name-trouble",
      "The name of a person has 1 to 32",
    ],
    ["no name", "lobby", "", "#join-name-trouble", "a letter or digit first"],
  ])("%s: the error is beside the input", async (_case, room, name, where, sentence) => {
    const bob = await comes(await device());
    await bob.chooses(room, name);
    await bob.sees(where, sentence);
    expect(await bob.page.inputValue("#join-room")).toBe(room);
    const input = where.replace("-trouble", "");
    expect(await bob.page.getAttribute(input, "aria-invalid")).toBe("true");
  });

  test("a name that belongs to another key: the join form shows the error", async () => {
    const room = newRoom();
    await joins(room, "alice");
    const mallory = await comes(await device());
    await mallory.chooses(room, "alice");
    await mallory.sees(
      "#join-name-trouble",
      "This name belongs to another key. Choose another name. If the name is yours on another device,",
    );
    await mallory.chooses(room, "mallory");
    await mallory.isConnected();
  });

  test("a rejected message shows the reason, and goes back into the input on request", async () => {
    const { bob, fakeRoom } = await meets(isReady);
    await bob.isConnected();
    await bob.says("is zoe here?");
    await bob.until(
      () => Promise.resolve(fakeRoom.received.some(({ type }) => type === "send")),
      () => "the message at the room",
    );
    const { id } = fakeRoom.received.find(({ type }) => type === "send") ?? {};
    const message = "nobody here is called zoe; nothing was sent";
    fakeRoom.says({ type: "error", id, code: "unknown-peer", message });
    await bob.sees("#log .trouble .state", "Not sent: nobody here is called zoe");
    await bob.page.reload();
    await bob.sees("#log .trouble .state", "Not sent: nobody here is called zoe");
    await bob.presses("Take it back");
    expect(await bob.page.inputValue("#text")).toBe("is zoe here?");
    await bob.until(
      async () => (await bob.page.locator("#log .trouble").count()) === 0,
      () => "the failed message gone",
    );
  });

  test("a person whose browser refuses storage sees a warning, and can talk all the same", async () => {
    const room = newRoom();
    const here = await device();
    await here.addInitScript(() => {
      for (const kind of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(globalThis, kind, {
          get: () => {
            throw new DOMException("denied", "SecurityError");
          },
        });
      }
    });
    const bob = await comes(here);
    await bob.sees("#storage-trouble", "This browser saves no data for this page");
    await bob.chooses(room, "bob");
    await bob.isConnected();
    await bob.says("hi");
    await bob.reads("hi");
  });

  test("when the storage fails later, the page says so, keeps the text, and can go on without storage", async () => {
    const room = newRoom();
    const alice = await joins(room, "alice");
    const bob = await joins(room, "bob");
    await bob.page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    await bob.says("written to a full disk");
    await bob.sees("#notice-words", "does not keep data for this page");
    await bob.reads("written to a full disk");
    await bob.presses("Go on without saving");
    await bob.isConnected();
    await bob.sees("#log .trouble .state", "this browser did not save it");
    await bob.presses("Take it back");
    await bob.page.press("#text", "Enter");
    await alice.reads("written to a full disk");
    expect(await alice.texts()).toEqual(["written to a full disk"]);
  });

  describe("when the room closes the connection", () => {
    test.each([
      [4001, "replaced", "bob has connected from somewhere else", "Use it here"],
      [4004, "an operator removed you", "An operator removed you.", "Try again"],
      [4005, "the room is closed", "The room is closed.", "Choose another name"],
      [4104, "the key has expired", "Enter a fresh key", "Enter a key"],
      [4000, "since: expected a number", "The room does not understand", "Reload the page"],
    ])(
      "%i, final: the page shows a sentence and an action, and keeps the draft",
      async (code, reason, text, action) => {
        const { bob, fakeRoom } = await meets(isReady);
        await bob.isConnected();
        await bob.page.fill("#text", "half a thou");
        fakeRoom.ends(code, reason);
        await bob.sees("#notice-words", text);
        expect(await bob.page.getByRole("button", { name: action, exact: true }).count()).toBe(1);
        await bob.page.press("#text", "Enter");
        expect(await bob.page.inputValue("#text")).toBe("half a thou");
        expect(fakeRoom.connections).toBe(1);
      },
    );

    test.each([
      [4100, "the room is full: come back later", "The room is full"],
      [4102, "the room cannot store now", "The room cannot store now"],
      [4103, "too fast: slow down", "Too fast"],
    ])(
      "%i, temporary: the page shows the reason and the time of the retry, and messages wait",
      async (code, reason, text) => {
        const { bob, fakeRoom } = await meets((room) => room.ends(code, reason));
        await bob.sees("#link-words", text);
        await bob.says("waits");
        await bob.reads("waits");
        await bob.sees("#log .waiting .state", "Waiting here");
        await bob.sees("#link-words", "trying again in");
        const before = fakeRoom.connections;
        await bob.page.click("#link-now");
        await bob.until(
          () => Promise.resolve(fakeRoom.connections > before),
          () => "another try, now",
        );
      },
    );
  });

  test.each([
    ["no JSON", "hello!", "This is not a chat room: it does not speak chat.v1."],
    [
      "another chat.v1",
      '{"type":"welcome","head":"x"}',
      "This room speaks another chat.v1 than this client",
    ],
  ])("a server that sends %s", async (_case, text, sentence) => {
    const { bob } = await meets((room) => room.says(text));
    await bob.sees("#notice-words", sentence);
    await bob.sees("#notice-choices", "Reload the page");
  });

  test("the page probes a server of another version", async () => {
    const bob = await comes(await device());
    await bob.page.route(/\/rooms\/r$/, (route) => route.fulfill({ status: 200, body: "<html>" }));
    await FakeRoom.serves(bob.page, (room) => room.ends(1011, ""));
    await bob.chooses("r", "bob");
    await bob.sees("#notice-words", "does not answer like a chat room of this version (200)");
  });

  test("an erased message is shown as erased, in the log and in a replay", async () => {
    const { bob, fakeRoom } = await meets((room) =>
      room.says(
        welcome(0, 9),
        message(1, "", { erased: true, by: "operator", patched: 9 }),
        message(2, "a secret"),
        {
          type: "ready",
          seq: 9,
        },
      ),
    );
    await bob.reads("An operator erased this message.", "a secret");
    fakeRoom.says({ type: "patch", seq: 10, ref: 2, from: "alice", at: 0, erase: true });
    await bob.reads("An operator erased this message.", "This message was erased.");
  });

  test("a gap is shown, and an own message that it hides is shown as unknown until it is dismissed", async () => {
    const { bob, fakeRoom } = await meets((room) => {
      if (room.connections === 1) isReady(room);
      else {
        room.says(welcome(0, 9), { type: "gap", from: 1, to: 8 }, message(9, "after"), {
          type: "ready",
          seq: 9,
        });
      }
    });
    await bob.isConnected();
    await bob.says("is it stored?");
    await bob.until(
      () => Promise.resolve(fakeRoom.received.some(({ type }) => type === "send")),
      () => "the message at the room",
    );
    fakeRoom.ends(4201, "");
    await bob.sees("#log .gone", "The room no longer keeps up to 8 messages");
    await bob.sees("#log .trouble .state", "Unknown whether it was sent");
    await bob.presses("Dismiss");
    await bob.until(
      async () => (await bob.page.locator("#log .trouble").count()) === 0,
      () => "the failed message gone",
    );
  });

  test("markup in names and texts is text", async () => {
    const text = "<img src=x onerror=alert(1)><b>bold</b>";
    const { bob } = await meets((room) =>
      room.says(welcome(0, 1), message(1, text, { from: "<i>mallory" }), { type: "ready", seq: 1 }),
    );
    await bob.reads(text);
    expect(await bob.page.locator("#log img, #log b, #log i").count()).toBe(0);
  });

  test("live messages are announced one by one, and history and replays are not", async () => {
    const { bob, fakeRoom } = await meets((room) =>
      room.says(welcome(0, 2), message(1, "old 1"), message(2, "old 2"), { type: "ready", seq: 2 }),
    );
    await bob.reads("old 1", "old 2");
    const announced = (): Promise<string | null> => bob.page.locator("#announcer").textContent();
    await bob.until(
      async () =>
        (await announced()) === "2 messages came while you were away, in order, none twice.",
      () => "the summary",
    );
    fakeRoom.says(message(3, "new"));
    await bob.until(
      async () => (await announced()) === "alice: new",
      () => "the live message",
    );
    fakeRoom.says(...[4, 5, 6, 7, 8].map((seq) => message(seq, `flood ${seq}`)));
    await bob.until(
      async () => (await announced()) === "5 new messages",
      () => "the number of messages",
    );
    expect(await bob.page.getAttribute("#log", "aria-live")).toBe("off");
  });
});
