/**
 * Five projects under one `npm test`: the pure parts in plain Node, every interleaving of them in small scopes, the
 * object in workerd, whole conversations over real sockets with a real server process, and the page in a real browser.
 * All use of the test pool is in this file and in `cloudflare:test`.
 */
import { existsSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { seed } from "./support/seed.ts";

const root = new URL("..", import.meta.url).pathname;

if (existsSync(`${root}.dev.vars`)) {
  throw new Error("the file .dev.vars would change the room that is tested: move it away first");
}

export default defineConfig({
  root,
  test: {
    projects: [
      {
        test: {
          name: "unit",
          root,
          include: ["test/{unit,docs}/**/*.test.ts"],
          environment: "node",
          // Several of these count megabytes; a machine may be busy with something else.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "model-check",
          root,
          include: ["test/model-check/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: `${root}wrangler.toml` } })],
        test: {
          name: "workerd",
          root,
          include: ["test/workerd/**/*.test.ts"],
          // KEEP_RELEASE is set by test/fixtures/write.ts alone.
          provide: { release: process.env["KEEP_RELEASE"] ?? "", seed },
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          root,
          include: ["test/{e2e,chaos}/**/*.test.ts"],
          environment: "node",
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          root,
          include: ["test/browser/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 90_000,
          // A browser and a server each: one after another.
          maxWorkers: 1,
        },
      },
    ],
  },
});
