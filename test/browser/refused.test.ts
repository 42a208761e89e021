/** Rejected handshakes show their reason: the page behind a proxy, and scripts of other pages, in a real browser. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { sendRequest } from "../support/clients/raw-websocket.ts";
import { type ProxyOptions, HttpProxy } from "../support/proxy/http-proxy.ts";
import { inBrowser } from "./support/browser.ts";
import { pageHarness } from "./support/page-harness.ts";
import { Visitor } from "./support/visitor.ts";

const root = join(import.meta.dirname, "../..");
/** The limit of wrangler.toml. */
const UPGRADES_A_MINUTE = 1_000;

inBrowser("a rejected handshake", () => {
  const { url, newRoom, device } = pageHarness();

  async function proxied(manner: ProxyOptions): Promise<HttpProxy> {
    const proxy = await HttpProxy.to(url(), manner);
    onTestFinished(() => proxy.end());
    return proxy;
  }

  async function comesBy(proxy: HttpProxy): Promise<Visitor> {
    const visitor = await Visitor.comes(await device(), `${proxy.url}/`);
    onTestFinished(() => visitor.checkErrors());
    await visitor.chooses(newRoom(), "bob");
    return visitor;
  }

  test("the page behind a proxy that rewrites Host stops, and names the origin to allow", async () => {
    const proxy = await proxied({ headers: { host: new URL(url()).host } });
    const bob = await comesBy(proxy);
    await bob.sees(
      "#notice-words",
      `Pages of ${proxy.url} may not connect: add it to the server's ALLOWED_ORIGINS.`,
    );
    await bob.sees("#link-words", "Not connected");
    const connections = (): number =>
      bob.requests.filter((address) => address.startsWith("ws:")).length;
    expect(connections()).toBe(1);
    await bob.presses("Try again");
    await bob.until(
      () => Promise.resolve(connections() === 2),
      () => "another try",
    );
    await bob.sees("#notice-words", "ALLOWED_ORIGINS");
  });

  test("the page behind a proxy that passes no upgrade on reports it", async () => {
    const bob = await comesBy(await proxied({ passesUpgrades: false }));
    await bob.sees("#notice-words", "The server answers, but WebSockets do not get through");
    await bob.sees("#link-words", "trying again");
  });

  test("429: the page shows the rate limit of its address, and goes on trying", async () => {
    const address = { "CF-Connecting-IP": "203.0.113.99" };
    const proxy = await proxied({ headers: address });
    const minute = (): number => Math.floor(Date.now() / 60_000);
    // The count restarts every minute.
    for (let isShown = false; !isShown;) {
      const began = minute();
      for (let count = 0; count < UPGRADES_A_MINUTE; count += 50) {
        const some = Array.from({ length: 50 }, () =>
          sendRequest(url(), "/rooms/lobby", { headers: address }),
        );
        await Promise.all(some);
      }
      const { status, headers } = await sendRequest(url(), "/rooms/lobby", { headers: address });
      if (minute() !== began) continue;
      expect([status, headers["retry-after"]]).toEqual([429, "60"]);
      const bob = await comesBy(proxy);
      const sentence = "The server says: too many upgrades from your address: come back in 60 s";
      isShown = await bob.sees("#notice-words", sentence).then(
        () => true,
        (error: unknown) => {
          if (minute() === began) throw error;
          return false;
        },
      );
    }
  });

  test("the library in a page of another origin stops with 4003, and names the origin to allow", async () => {
    const bundle = await build({
      entryPoints: [join(root, "src/client/index.ts")],
      bundle: true,
      format: "esm",
      write: false,
      absWorkingDir: root,
    });
    const library = bundle.outputFiles[0]?.text ?? "";
    const html = `<!doctype html><script type="module">
      import { ChatClient } from "./client.js";
      const states = [];
      const url = ${JSON.stringify(url())};
      const chat = new ChatClient({ url, room: "lobby", name: "alice" });
      chat.on("state", (state) => states.push(state));
      globalThis.sent = chat.send("hi").catch((error) => ({ is: error.constructor.name, code: error.code, why: error.message }));
      globalThis.states = states;
    </script>`;
    const vite = createServer((request, response) => {
      const isLibrary = request.url === "/client.js";
      response.writeHead(200, { "Content-Type": isLibrary ? "text/javascript" : "text/html" });
      response.end(isLibrary ? library : html);
    });
    await new Promise<void>((resolve) => vite.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      vite.close();
      vite.closeAllConnections();
    });
    const origin = `http://127.0.0.1:${(vite.address() as AddressInfo).port}`;
    const page = await (await device()).newPage();
    await page.goto(origin);
    const why = `pages of ${origin} may not connect: add it to the server's ALLOWED_ORIGINS`;
    const sent = await page.evaluate(() => (globalThis as unknown as { sent: unknown }).sent);
    expect(sent).toEqual({ is: "ClosedError", code: 4003, why });
    const states = await page.evaluate(
      () => (globalThis as unknown as { states: readonly object[] }).states,
    );
    expect(states.at(-1)).toEqual({ type: "closed", code: 4003, why });
    expect(states.filter((state) => "retryAt" in state)).toEqual([]);
  });

  test.each([
    ["a room outside the grammar", "/rooms/-x?name=a", ["chat.v1"], 4000, "connect to /rooms/ROOM"],
    ["no such path", "/chat?name=a", [], 4000, "connect to /rooms/ROOM"],
    ["another subprotocol", "/rooms/lobby?name=a", ["soap"], 4000, "offer the subprotocol chat.v1"],
    ["a bad parameter", "/rooms/lobby?name=", ["chat.v1", "key.YQ"], 4000, "name: "],
  ])("a script reads the close: %s", async (_case, path, protocols, code, reason) => {
    const page = await (await device()).newPage();
    await page.goto(url());
    const close = await page.evaluate(
      ([address, offered]) =>
        new Promise<{ code: number; reason: string }>((resolve) => {
          const socket = new WebSocket(address, [...offered]);
          socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
        }),
      [url().replace("http", "ws") + path, protocols] as const,
    );
    expect(close.code).toBe(code);
    expect(close.reason).toContain(reason);
  });
});
