/**
 * The outbox of the page and the key of a name are on the disk at once: a test kills the whole browser, and starts the
 * same profile again. Two tabs of one browser hand the record over without losing a message. In real Chromium.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Server } from "../support/server/server.ts";
import { FLAGS, inBrowser, pathOfBrowser } from "./support/browser.ts";
import { Visitor } from "./support/visitor.ts";

/** A browser with its own profile. A test can kill all of its processes. */
class Profile {
  readonly #folder = mkdtempSync(join(tmpdir(), "chromium-profile-"));
  #process: ChildProcess | undefined;

  async starts(): Promise<BrowserContext> {
    const port = join(this.#folder, "DevToolsActivePort");
    rmSync(port, { force: true });
    const flags = [
      ...FLAGS,
      "--headless",
      "--remote-debugging-port=0",
      "--no-default-browser-check",
    ];
    this.#process = spawn(pathOfBrowser(), [...flags, `--user-data-dir=${this.#folder}`], {
      // In its own process group, all of its processes die together.
      detached: true,
      stdio: "ignore",
    });
    await vi.waitFor(() => expect(existsSync(port)).toBe(true), { timeout: 20_000 });
    const [number] = readFileSync(port, "utf8").split("\n");
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${number}`);
    const [context] = browser.contexts();
    if (context === undefined) throw new Error("the browser has no context");
    return context;
  }

  async isKilled(): Promise<void> {
    const { pid } = this.#process ?? {};
    if (pid === undefined) return;
    const ended = new Promise((resolve) => this.#process?.once("exit", resolve));
    process.kill(-pid, "SIGKILL");
    this.#process = undefined;
    await ended;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

inBrowser("the data that the page keeps", () => {
  let server: Server;
  const profiles: Profile[] = [];
  const newProfile = (): Profile => {
    const profile = new Profile();
    profiles.push(profile);
    return profile;
  };
  beforeAll(async () => {
    server = await Server.starts();
  });
  afterEach(async () => {
    for (const profile of profiles.splice(0)) {
      await profile.isKilled();
      profile.remove();
    }
  });
  afterAll(() => server.stop());

  test("R5: the outbox and the key of the name survive the kill of the whole browser", async () => {
    const profile = newProfile();
    const alice = await Visitor.comes(await profile.starts(), server.url);
    await alice.chooses("durable", "alice");
    await alice.isConnected();
    await alice.cuts();
    const texts = ["one", "two", "three"];
    for (const text of texts) await alice.says(text);
    await alice.page.waitForTimeout(700);
    await profile.isKilled();

    const again = await Visitor.comes(await profile.starts(), `${server.url}/#durable`);
    await again.chooses("durable", "alice");
    await again.isConnected();
    await again.reads("three");
    expect(await again.texts()).toEqual(texts);
  });

  test("R5: 60 messages, each written in a tab that closes its client at once, while another tab waits", async () => {
    const context = await newProfile().starts();
    const url = `${server.url}/#handed`;
    // The library of the page, in two tabs of one browser.
    const tabs = await Promise.all(
      [0, 1].map(async () => {
        const page = await context.newPage();
        await page.goto(url);
        return page;
      }),
    );
    const library = await readLibrary();
    for (const page of tabs) await page.evaluate(library);
    const COUNT = 60;
    let before: Promise<unknown> = Promise.resolve();
    for (let number = 0; number < COUNT; number++) {
      const writing = tabs[number % 2]?.evaluate(
        `chatLibrary.writesAndLeaves("handed", "bob", "m${number}")`,
      );
      // The next tab waits for the record while this one writes.
      await before;
      before = writing ?? before;
    }
    await before;
    const got = (await tabs[0]?.evaluate(
      `chatLibrary.comesAndReads("handed", "bob", ${COUNT})`,
    )) as string[];
    const all = Array.from({ length: COUNT }, (_, number) => `m${number}`);
    expect(got.toSorted()).toEqual(all.toSorted());
  }, 120_000);
});

/** A script that gives a tab two functions of the library. */
async function readLibrary(): Promise<string> {
  const { build } = await import("esbuild");
  const contents = `
    import { browserStorage, ChatClient } from "./src/client/index.ts";
    const clientOf = (room, name) => new ChatClient({
      url: location.origin, room, name, key: "k", storage: browserStorage("test " + room + "/" + name),
    });
    /** Writes while the client is paused, and closes it at once. */
    export const writesAndLeaves = async (room, name, text) => {
      const client = clientOf(room, name);
      client.pause();
      client.send(text).catch(() => {});
      await client.close();
    };
    export const comesAndReads = (room, name, count) => new Promise((resolve, reject) => {
      const client = clientOf(room, name);
      const texts = [];
      setTimeout(() => reject(new Error("only " + texts.length + ": " + texts.join())), 30_000);
      client.on("error", reject);
      client.on("entry", ({ text }) => {
        texts.push(text);
        if (texts.length === count) resolve(client.close().then(() => texts));
      });
    });`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, "../.."), loader: "ts" },
    bundle: true,
    format: "iife",
    globalName: "chatLibrary",
    write: false,
  });
  // A name at the top of a script becomes a property of the window.
  return `${outputFiles[0]?.text ?? ""};globalThis.chatLibrary = chatLibrary;`;
}
