/** Both environments of wrangler.toml run the same room: settings that wrangler does not inherit are compared. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";

const config = join(import.meta.dirname, "../../wrangler.toml");

const asWranglerSees = (env?: string): Record<string, unknown> => ({
  ...readConfig({ config, ...(env !== undefined && { env }) }),
});

/** Removes the differences between the environments; a rate limit counts by the id of its namespace. */
const OWN = new Set(["name", "topLevelName", "targetEnvironment", "definedEnvironments"]);
const comparable = (settings: Record<string, unknown>): unknown =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([key]) => !OWN.has(key))
      .map(([key, value]) => [key, withoutNamespaces(value)]),
  );

function withoutNamespaces(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) =>
    item !== null && typeof item === "object" ? { ...item, namespace_id: undefined } : item,
  );
}

test("staging has the bindings, vars and migrations of production", () => {
  const [production, staging] = [asWranglerSees(), asWranglerSees("staging")];
  expect(staging["vars"]).not.toEqual({});
  expect(comparable(staging)).toEqual(comparable(production));
});

test("staging is a Worker of its own, and shares no rate limit with production", () => {
  const [production, staging] = [asWranglerSees(), asWranglerSees("staging")];
  expect([production["name"], staging["name"]]).toEqual(["chat-room", "chat-room-staging"]);
  const namespaces = [production, staging].flatMap(
    ({ ratelimits }) => ratelimits as { namespace_id: string }[],
  );
  const ids = namespaces.map(({ namespace_id }) => namespace_id);
  expect(new Set(ids).size).toBe(ids.length);
});
