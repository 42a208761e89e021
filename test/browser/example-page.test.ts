/** examples/page in real Chromium, with the bundle that `npm run build:client` makes. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { ChatClient } from "../../src/client/index.ts";
import { Server } from "../support/server/server.ts";
import { inBrowser, launch } from "./support/browser.ts";

const root = join(import.meta.dirname, "../..");

inBrowser("the page of examples/", () => {
  test("shows what comes and sends what is typed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "chat-room-example-page-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(join(root, "examples/page"), folder, { recursive: true });
    cpSync(join(root, "src/apps/page/_headers"), join(folder, "_headers"));
    const entryPoints = [join(root, "src/client/index.ts")];
    await build({ entryPoints, bundle: true, format: "esm", outfile: join(folder, "client.js") });
    const server = await Server.starts({}, undefined, ["--assets", folder]);
    onTestFinished(() => server.stop());
    const browser = await launch();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(server.url);
    await expect.poll(() => page.title()).toBe("live");
    const bob = new ChatClient({ url: server.url, room: "lobby", name: "bob" });
    onTestFinished(() => bob.close());
    await bob.send("hi, alice");
    await page.locator("input").fill("hi, bob");
    await page.locator("input").press("Enter");
    const log = () => page.locator("pre").textContent();
    await expect.poll(log).toBe("bob: hi, alice\nalice: hi, bob\n");
    await expect.poll(() => page.locator("input").inputValue()).toBe("");
  });
});
