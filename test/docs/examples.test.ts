/** README.md shows the programs of examples/, word for word. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const examples = join(root, "examples");

const files = readdirSync(examples, { recursive: true, encoding: "utf8" })
  .filter((file) => /^(?!.*\.wrangler).*\.(ts|js|html)$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(examples, file), "utf8") }));

const blocks = Array.from(
  readFileSync(join(root, "README.md"), "utf8").matchAll(/^```(?:ts|js|html)\n([^]+?)^```$/gm),
  ([, code = ""]) => code,
);

test.each(["bot.ts", "bridge.ts", "page/index.html", "page/page.js", "embed/worker.ts"])(
  "README.md shows examples/%s",
  (file) => {
    const text = files.find((example) => example.file === file)?.text ?? "";
    expect(blocks.filter((block) => text.includes(block))).toHaveLength(1);
  },
);

test("README.md shows no program that is not in examples/", () => {
  const strangers = blocks.filter((block) => !files.some(({ text }) => text.includes(block)));
  expect(strangers).toEqual([]);
});
