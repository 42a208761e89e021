/** What an operator may configure beside the limits. */
import { expect, test } from "vitest";
import { type Env, readConfig } from "../../src/config.ts";

const read = (vars: object) => readConfig(vars as Env);

test("without vars, everything has its default", () => {
  expect(read({})).toMatchObject({ epoch: "1", limits: { window: 256 } });
});

test.each([
  ["an origin", "https://a.example", ["https://a.example"]],
  [
    "several, by spaces and commas",
    " https://a.example, http://b.example:8080 ",
    ["https://a.example", "http://b.example:8080"],
  ],
  ["none", "", []],
])("ALLOWED_ORIGINS: %s", (_case, text, origins) => {
  expect(read({ ALLOWED_ORIGINS: text })).toMatchObject({ origins: new Set(origins) });
});

test.each([
  ["a path behind an origin", { ALLOWED_ORIGINS: "https://a.example/" }, "ALLOWED_ORIGINS"],
  ["a host alone", { ALLOWED_ORIGINS: "a.example" }, "ALLOWED_ORIGINS"],
  ["a star", { ALLOWED_ORIGINS: "*" }, "ALLOWED_ORIGINS"],
  ["an epoch with a space", { EPOCH: "a b" }, "EPOCH"],
  ["an empty epoch", { EPOCH: "" }, "EPOCH"],
  ["a limit that is no number", { RATE: "fast" }, "RATE"],
  ["a text longer than a frame", { TEXT_BYTES: 2_000, FRAME_BYTES: 1_000 }, "TEXT_BYTES"],
])("%s is one sentence that names the var", (_case, vars, name) => {
  const sentence = read(vars);
  expect(sentence).toBeTypeOf("string");
  expect(sentence).toContain(name);
});

test("an epoch may be a number, as wrangler.toml would have it", () => {
  expect(read({ EPOCH: 7 })).toMatchObject({ epoch: "7" });
});
