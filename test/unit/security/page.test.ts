/** docs/security.md states the cost of a flood: the numbers that the tests count. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROWS, TABLE, thousands } from "../../support/flood-bounds.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/security.md");

describe("docs/security.md", () => {
  test.each(TABLE)("states the cost: %s", (flood, rows) => {
    expect(page).toContain(`\n| ${flood} | ${rows} |\n`);
  });

  test("lists no other flood", () => {
    const [, section = ""] = page.split("## What a flood costs");
    const lines = section.split("\n").filter((line) => /^\| .* \| [\d,]+ \|$/.test(line));
    expect(lines).toHaveLength(TABLE.length);
  });

  test("states what one address can cause in a minute, by the limit of wrangler.toml", () => {
    const limit = Number(
      /simple = \{ limit = (\d+), period = 60 \}/.exec(read("wrangler.toml"))?.[1],
    );
    const each = ROWS.freshRoom + ROWS.claim + ROWS.end;
    const sum = `${thousands(limit)} times ${each}, which is ${thousands(limit * each)} rows`;
    expect(page.replaceAll(/\s+/g, " ")).toContain(sum);
  });
});
