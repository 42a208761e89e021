/** The import arrows, tried with planted imports: patterns of a linter are easy to get silently wrong. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
let copy = "";

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "arrows-"));
  cpSync(join(root, ".oxlintrc.json"), join(copy, ".oxlintrc.json"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Does the linter refuse this import in this file? */
function isRefused(file: string, from: string): boolean {
  const path = join(copy, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { x } from "${from}";\nexport const y = x;\n`);
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const { stdout } = spawnSync(process.execPath, [oxlint, "-f", "json", file], { cwd: copy });
  rmSync(path);
  const { diagnostics } = JSON.parse(stdout.toString()) as { diagnostics: { code: string }[] };
  return diagnostics.some(({ code }) => code.includes("no-restricted-imports"));
}

describe("imports point one way", () => {
  test.each([
    ["src/core/planted.ts", "../wire/frames.ts"],
    ["src/core/planted.ts", "../store/sql.ts"],
    ["src/core/planted.ts", "../sockets.ts"],
    ["src/core/planted.ts", "valibot"],
    ["src/core/planted.ts", "cloudflare:workers"],
    ["src/core/planted.ts", "node:fs"],
    ["src/operator/planted.ts", "../core/broker.ts"],
    ["src/operator/planted.ts", "../store/sql.ts"],
    ["src/operator/planted.ts", "../wire/json.ts"],
    ["src/wire/planted.ts", "../store/sql.ts"],
    ["src/wire/planted.ts", "../chat-room.ts"],
    ["src/wire/planted.ts", "node:fs"],
    ["src/wire/frames.ts", "../core/peers.ts"],
    ["src/wire/frames.ts", "./line.ts"],
    ["src/store/planted.ts", "../wire/json.ts"],
    ["src/store/planted.ts", "../sockets.ts"],
    ["src/worker.ts", "./core/broker.ts"],
    ["src/worker.ts", "./store/storage.ts"],
    ["src/upgrade.ts", "./wire/line.ts"],
    ["src/token.ts", "./core/broker.ts"],
    ["src/key-set.ts", "./store/sql.ts"],
    ["src/door.ts", "./sockets.ts"],
    ["src/client/planted.ts", "../core/broker.ts"],
    ["src/client/planted.ts", "../wire/json.ts"],
    ["src/client/planted.ts", "../sockets.ts"],
    ["src/client/planted.ts", "node:fs"],
    ["src/client/planted.ts", "valibot"],
    ["src/client/terminal/planted.ts", "../../core/broker.ts"],
    ["src/client/terminal/planted.ts", "../../wire/json.ts"],
    ["src/client/demo/planted.ts", "../../chat-room.ts"],
    ["src/page/planted.ts", "../core/broker.ts"],
    ["src/page/planted.ts", "../chat-room.ts"],
    ["src/page/planted.ts", "../wire/json.ts"],
    ["src/page/planted.ts", "../client/session.ts"],
    ["src/page/planted.ts", "../client/terminal/clean.ts"],
    ["src/page/planted.ts", "valibot"],
    ["src/page/view/planted.ts", "../../client/link.ts"],
    ["src/page/view/planted.ts", "../../worker.ts"],
    ["src/page/model/planted.ts", "../../core/peers.ts"],
    ["src/page/model/planted.ts", "node:fs"],
  ])("%s may not import %s", (file, from) => expect(isRefused(file, from)).toBe(true));

  test.each([
    ["src/core/planted.ts", "./names.ts"],
    ["src/wire/planted.ts", "../core/event.ts"],
    ["src/wire/planted.ts", "./frames.ts"],
    ["src/wire/planted.ts", "valibot"],
    ["src/wire/frames.ts", "../core/names.ts"],
    ["src/wire/frames.ts", "../core/limits.ts"],
    ["src/store/planted.ts", "../core/storage.ts"],
    ["src/worker.ts", "./chat-room.ts"],
    ["src/chat-room.ts", "./core/broker.ts"],
    ["src/chat-room.ts", "./store/storage.ts"],
    ["src/client/planted.ts", "../wire/frames.ts"],
    ["src/client/planted.ts", "../core/names.ts"],
    ["src/client/planted.ts", "./link.ts"],
    ["src/client/terminal/planted.ts", "../index.ts"],
    ["src/client/terminal/planted.ts", "../../core/names.ts"],
    ["src/client/demo/planted.ts", "node:net"],
    ["src/page/planted.ts", "../client/index.ts"],
    ["src/page/planted.ts", "./view/dom.ts"],
    ["src/page/view/planted.ts", "../../core/names.ts"],
    ["src/page/view/planted.ts", "../../client/index.ts"],
    ["src/page/view/planted.ts", "../room.ts"],
  ])("%s may import %s", (file, from) => expect(isRefused(file, from)).toBe(false));
});
