/** examples/embed/worker.ts, as its head says to start it. The bot and the bridge run in done.test.ts. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ChatClient } from "../../src/client/index.ts";
import { sendRequest } from "../support/clients/raw-websocket.ts";
import { Server } from "../support/server/server.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.starts({}, undefined, ["-c", "examples/embed/wrangler.toml"]);
});
afterAll(() => server.stop());

test("a Worker that embeds the room serves it under its path, and the site elsewhere", async () => {
  const client = new ChatClient({ url: `${server.url}/chat`, room: "lobby", name: "alice" });
  onTestFinished(() => client.close());
  expect(await client.send("hi")).toMatchObject({ from: "alice", text: "hi" });
  const answerOf = async (path: string): Promise<string> =>
    (await sendRequest(server.url, path)).body;
  expect(await answerOf("/chat/healthz")).toBe('{"status":"ok"}');
  expect(await answerOf("/rooms/lobby")).toContain("your site's /rooms/lobby");
  expect(await answerOf("/chatter")).toContain("your site's /chatter");
  expect(await server.loggedErrors()).toEqual([]);
});
