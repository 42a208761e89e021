/** A wrong configuration is reported at the start, and to everyone who connects: no room runs half-protected. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestRoom } from "../support/clients/room.ts";
import { Server, type Vars } from "../support/server/server.ts";

const JWKS_URL = "https://login.example.com/jwks.json";

describe.each<[string, Vars, string]>([
  [
    "a limit that is no number",
    { WINDOW: "lots" },
    "WINDOW must be a whole number of entries from 1 to 10000: correct it in wrangler.toml",
  ],
  [
    "two ways to check tokens",
    { JWT_SECRET: "0123456789abcdef0123456789abcdef", JWKS_URL },
    "JWT_SECRET and JWKS_URL are both set: tokens are verified in one way, remove the other",
  ],
])("%s", (_case, vars, sentence) => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.starts(vars);
  });
  afterAll(() => server.stop());

  test("the server names the wrong var at its start, and its valid values", async () => {
    expect((await server.loggedErrors()).join("\n")).toContain(sentence);
  });

  test.each(["/rooms/lobby?name=alice", "/healthz", "/nowhere"])(
    "%s answers 500 and the same sentence",
    async (path) => {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({
        error: { code: "bad-configuration", message: sentence },
      });
    },
  );

  test("an upgrade gets the same answer: nobody gets in", async () => {
    const { status, body, webSocket } = await new TestRoom(server, "lobby").handshake("name=alice");
    expect([status, webSocket]).toEqual([500, undefined]);
    expect(JSON.parse(body)).toMatchObject({ error: { message: sentence } });
  });
});
