/** The page over HTTP: its files, their headers, and the paths that the Worker answers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendRequest } from "../support/clients/raw-websocket.ts";
import { Server } from "../support/server/server.ts";

describe("from the server that a user starts", () => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.starts();
  });
  afterAll(() => server.stop());

  test.each(["/", "/page.js", "/page.css", "/icon.svg"])(
    "%s has the security headers",
    async (path) => {
      const { status, headers } = await sendRequest(server.url, path);
      expect(status).toBe(200);
      const policy = String(headers["content-security-policy"]).split("; ");
      expect(policy).toEqual([
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ]);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
    },
  );

  test("HEAD of the page has no body, and POST to it is rejected", async () => {
    const head = await sendRequest(server.url, "/", { method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
    expect((await sendRequest(server.url, "/", { method: "POST" })).status).toBe(405);
  });

  test("without JavaScript the page shows how to join", async () => {
    const { headers, body } = await sendRequest(server.url, "/");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toMatch(/<noscript>[\s\S]+wscat -c[\s\S]+<\/noscript>/);
  });

  test.each([
    ["/rooms/lobby?name=alice", 426, "upgrade-required"],
    ["/rooms/-x", 404, "not-found"],
    ["/nowhere", 404, "not-found"],
    ["/page", 404, "not-found"],
    ["/_headers", 404, "not-found"],
  ])("the Worker answers %s: %i", async (path, expected, code) => {
    const { status, body } = await sendRequest(server.url, path);
    expect(status).toBe(expected);
    expect(JSON.parse(body)).toMatchObject({ error: { code } });
  });

  test("the Worker answers /healthz", async () => {
    expect((await sendRequest(server.url, "/healthz")).body).toBe('{"status":"ok"}');
  });
});
