/** The import arrows, tried with planted imports, because a linter's patterns can be wrong without a sign. */
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

/** Whether the linter rejects this import in this file. */
function isRefused(file: string, from: string, type: "type " | "" = ""): boolean {
  const path = join(copy, file);
  mkdirSync(dirname(path), { recursive: true });
  const use = type === "" ? "const y = x" : "type Y = x";
  writeFileSync(path, `import ${type}{ x } from "${from}";\nexport ${use};\n`);
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const { stdout } = spawnSync(process.execPath, [oxlint, "-f", "json", file], { cwd: copy });
  rmSync(path);
  const { diagnostics } = JSON.parse(stdout.toString()) as { diagnostics: { code: string }[] };
  return diagnostics.some(({ code }) => code.includes("no-restricted-imports"));
}

describe("imports point one way", () => {
  test.each([
    ["src/protocol/planted.ts", "../core/entry.ts"],
    ["src/protocol/planted.ts", "../client/session.ts"],
    ["src/protocol/planted.ts", "node:fs"],
    ["src/core/planted.ts", "../codec/json.ts"],
    ["src/core/planted.ts", "../store/sql.ts"],
    ["src/core/planted.ts", "../durable-object/connections.ts"],
    ["src/core/planted.ts", "../config/limits.ts"],
    ["src/core/planted.ts", "valibot"],
    ["src/core/planted.ts", "cloudflare:workers"],
    ["src/core/planted.ts", "node:fs"],
    ["src/core/peers/planted.ts", "../delivery/pump.ts"],
    ["src/core/peers/planted.ts", "../broker.ts"],
    ["src/core/peers/planted.ts", "../../store/sql.ts"],
    ["src/core/delivery/planted.ts", "../membership/join.ts"],
    ["src/core/delivery/planted.ts", "../broker.ts"],
    ["src/core/delivery/planted.ts", "valibot"],
    ["src/core/membership/planted.ts", "../commands/queries.ts"],
    ["src/core/membership/planted.ts", "../state.ts"],
    ["src/core/commands/planted.ts", "../admin/commands.ts"],
    ["src/core/commands/planted.ts", "../broker.ts"],
    ["src/core/admin/planted.ts", "../broker.ts"],
    ["src/core/admin/planted.ts", "../../durable-object/rpc.ts"],
    ["src/core/planted.ts", "../worker.ts"],
    ["src/codec/planted.ts", "../store/sql.ts"],
    ["src/codec/planted.ts", "../core/commands/send.ts"],
    ["src/codec/planted.ts", "../durable-object/chat-room.ts"],
    ["src/codec/planted.ts", "node:fs"],
    ["src/store/planted.ts", "../codec/json.ts"],
    ["src/store/planted.ts", "node:fs"],
    ["src/store/planted.ts", "../core/broker.ts"],
    ["src/config/planted.ts", "../durable-object/env.ts"],
    ["src/config/planted.ts", "../store/sql.ts"],
    ["src/config/planted.ts", "../core/context.ts"],
    ["src/observability/planted.ts", "../store/sql.ts"],
    ["src/observability/planted.ts", "../core/state.ts"],
    ["src/durable-object/planted.ts", "../http/handshake.ts"],
    ["src/durable-object/planted.ts", "../client/index.ts"],
    ["src/http/planted.ts", "../core/broker.ts"],
    ["src/http/planted.ts", "../store/sql.ts"],
    ["src/http/planted.ts", "../core/peers/peers.ts"],
    ["src/http/admin/planted.ts", "../../core/admin/commands.ts"],
    ["src/http/auth/planted.ts", "../../store/sql.ts"],
    ["src/worker.ts", "./store/sql.ts"],
    ["src/worker.ts", "./core/broker.ts"],
    ["src/client/planted.ts", "../core/entry.ts"],
    ["src/client/planted.ts", "../codec/json.ts"],
    ["src/client/planted.ts", "../apps/terminal/input.ts"],
    ["src/client/planted.ts", "valibot"],
    ["src/client/planted.ts", "node:fs"],
    ["src/client/storage/planted.ts", "node:fs"],
    ["src/client/storage/file/planted.ts", "../../../core/entry.ts"],
    ["src/client/storage/file/planted.ts", "cloudflare:workers"],
    ["src/client/storage/file/planted.ts", "nanoid"],
    ["src/model/planted.ts", "../core/patch.ts"],
    ["src/model/planted.ts", "../apps/page/model/log.ts"],
    ["src/model/planted.ts", "../client/index.ts"],
    ["src/model/planted.ts", "valibot"],
    ["src/apps/terminal/planted.ts", "../../core/broker.ts"],
    ["src/apps/terminal/planted.ts", "../../codec/json.ts"],
    ["src/apps/terminal/planted.ts", "../demo/fault-proxy.ts"],
    ["src/apps/demo/planted.ts", "../terminal/input.ts"],
    ["src/apps/demo/planted.ts", "../../durable-object/chat-room.ts"],
    ["src/apps/token/planted.ts", "../../core/broker.ts"],
    ["src/apps/page/planted.ts", "../../core/broker.ts"],
    ["src/apps/page/planted.ts", "../../durable-object/chat-room.ts"],
    ["src/apps/page/planted.ts", "../../codec/json.ts"],
    ["src/apps/page/planted.ts", "../../client/session.ts"],
    ["src/apps/page/planted.ts", "../terminal/sanitize.ts"],
    ["src/apps/page/planted.ts", "valibot"],
    ["src/apps/page/planted.ts", "../../client/storage/file/file-storage.ts"],
    ["src/apps/page/view/planted.ts", "../../../client/connection-state.ts"],
    ["src/apps/page/view/planted.ts", "../../../http/handshake.ts"],
    ["src/apps/page/model/planted.ts", "../../../core/peers/peers.ts"],
    ["src/apps/page/model/planted.ts", "node:fs"],
    ["examples/planted.ts", "../src/client/index.ts"],
    ["examples/page/planted.ts", "../../src/client/index.ts"],
  ])("%s may not import %s", (file, from) => expect(isRefused(file, from)).toBe(true));

  test("src/model/planted.ts may import types of ../client/events.ts", () =>
    expect(isRefused("src/model/planted.ts", "../client/events.ts", "type ")).toBe(false));

  test.each([
    ["src/protocol/planted.ts", "./ids.ts"],
    ["src/protocol/planted.ts", "valibot"],
    ["src/core/planted.ts", "./event.ts"],
    ["src/core/planted.ts", "../protocol/ids.ts"],
    ["src/core/peers/planted.ts", "../ports.ts"],
    ["src/core/delivery/planted.ts", "../peers/peers.ts"],
    ["src/core/membership/planted.ts", "../delivery/turn-output.ts"],
    ["src/core/commands/planted.ts", "../membership/leave.ts"],
    ["src/core/admin/planted.ts", "../commands/send.ts"],
    ["src/codec/planted.ts", "../core/event.ts"],
    ["src/codec/planted.ts", "valibot"],
    ["src/store/planted.ts", "../core/ports.ts"],
    ["src/config/planted.ts", "../core/limits.ts"],
    ["src/durable-object/planted.ts", "../core/broker.ts"],
    ["src/durable-object/planted.ts", "cloudflare:workers"],
    ["src/http/planted.ts", "../durable-object/join-request.ts"],
    ["src/http/planted.ts", "../core/event.ts"],
    ["src/http/auth/planted.ts", "jose/jwt/verify"],
    ["src/worker.ts", "./durable-object/chat-room.ts"],
    ["src/client/planted.ts", "../protocol/frames.ts"],
    ["src/client/storage/planted.ts", "../record.ts"],
    ["src/client/storage/file/planted.ts", "node:fs"],
    ["src/model/planted.ts", "../protocol/ids.ts"],
    ["src/apps/page/planted.ts", "../../model/index.ts"],
    ["src/apps/terminal/planted.ts", "../../client/index.ts"],
    ["src/apps/terminal/planted.ts", "../../protocol/ids.ts"],
    ["src/apps/demo/planted.ts", "node:net"],
    ["src/apps/token/planted.ts", "../../config/jwt.ts"],
    ["src/apps/page/planted.ts", "../../client/index.ts"],
    ["src/apps/page/planted.ts", "./view/dom.ts"],
    ["src/apps/page/view/planted.ts", "../../../protocol/ids.ts"],
    ["src/apps/page/view/planted.ts", "../../../client/index.ts"],
    ["src/apps/page/view/planted.ts", "../room-session.ts"],
    ["examples/planted.ts", "chat-room/client/node"],
    ["examples/embed/planted.ts", "../../src/http/router.ts"],
  ])("%s may import %s", (file, from) => expect(isRefused(file, from)).toBe(false));
});
