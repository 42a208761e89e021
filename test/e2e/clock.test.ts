/** A device whose clock is set back an hour, as by NTP or after a suspend, against a real server through real sockets. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ChatClient, type ClientState } from "../../src/client/index.ts";
import { FaultProxy } from "../support/proxy/fault-proxy.ts";
import { Server } from "../support/server/server.ts";

const HOUR = 3_600_000;

let server: Server;
beforeAll(async () => {
  server = await Server.starts();
});
afterAll(() => server.stop());
afterEach(() => {
  vi.restoreAllMocks();
});

const isOnce = (client: ChatClient, type: ClientState["type"]): Promise<void> =>
  new Promise((resolve) => {
    if (client.state.type === type) return resolve();
    const stop = client.on("state", (state) => {
      if (state.type !== type) return;
      stop();
      resolve();
    });
  });

test("set back while the network is down: the client returns as soon as ever, and reports true times", async () => {
  const proxy = await FaultProxy.listen(() => new URL(server.url));
  const client = new ChatClient({ url: proxy.url, room: "clock", name: "alice" });
  await isOnce(client, "live");
  proxy.refuse();
  await isOnce(client, "offline");
  const sent = client.send("hi");
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() - HOUR);
  const begin = performance.now();
  await isOnce(client, "connecting");
  await isOnce(client, "offline");
  const { state } = client;
  if (state.type === "offline") expect(state.retryAt - Date.now()).toBeLessThanOrEqual(30_000);
  proxy.accept();
  expect((await sent).text).toBe("hi");
  // A few attempts, each within twice the time of the one before.
  expect(performance.now() - begin).toBeLessThan(15_000);
  await client.close();
  proxy.close();
});
