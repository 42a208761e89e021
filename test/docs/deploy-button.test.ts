/** The form that a deploy button shows: descriptions of existing bindings and vars, and no example of a secret. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";

const root = join(import.meta.dirname, "../..");

test("every description in package.json is of a binding or a var that exists", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    cloudflare: { bindings: Record<string, { description: string }> };
  };
  const { vars, durable_objects } = readConfig({ config: join(root, "wrangler.toml") });
  const objects = (durable_objects.bindings as readonly { name: string }[]).map(({ name }) => name);
  const there = [...Object.keys(vars), ...objects];
  // Secrets are in none of wrangler's files; the button asks for those that an example names.
  const example = join(root, ".dev.vars.example");
  const secrets = existsSync(example) ? readFileSync(example, "utf8") : "";
  for (const [, name] of secrets.matchAll(/^(\w+)=/gm)) if (name !== undefined) there.push(name);
  const described = Object.keys(manifest.cloudflare.bindings);
  expect(described.filter((name) => !there.includes(name))).toEqual([]);
  for (const name of objects) expect(described).toContain(name);
  for (const { description } of Object.values(manifest.cloudflare.bindings)) {
    expect(description).toMatch(/^[A-Z].*\.$/);
  }
  // People deploy the value of an example.
  expect(secrets.match(/^\w+=[^\s#].*$/gm) ?? []).toEqual([]);
});
