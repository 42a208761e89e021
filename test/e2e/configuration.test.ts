/** A wrong configuration is told at the start, and to everyone who connects: never a half-guarded room. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Server } from "../support/e2e/server.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ WINDOW: "lots" });
});
afterAll(() => server.stop());

const sentence =
  "WINDOW must be a whole number of entries from 1 to 10000: mend it in wrangler.toml";

test("the server says at its start which var is wrong, and what it may be", async () => {
  expect((await server.complaints()).join("\n")).toContain(sentence);
});

test.each(["/rooms/lobby?name=alice", "/healthz", "/"])(
  "%s answers 500 and the same sentence",
  async (path) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      error: { code: "bad-configuration", message: sentence },
    });
  },
);
