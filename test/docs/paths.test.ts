/** The documentation names no path that does not exist: a file that moves must not leave a dead reference. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "bench/README.md",
  "test/README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
].filter((file) => existsSync(join(root, file)));

/** A path from the root of the repository, with or without a way up to it. */
const PATH = /(?<![\w/-])(?:\.\.?\/)*((?:src|test|bench|docs|examples)\/[\w./*{}<>…-]*)/g;
/** The target of a Markdown link to a file, without its anchor. */
const LINK = /\]\((?!\w+:)([^)#\s]+)/g;
/** A glob, a placeholder, or a result that a run of the bench writes. */
const isExempt = (path: string): boolean => /[*{}<>…]|NAME|NNN|^bench\/results/.test(path);

test.each(documents)("%s names only paths that exist", (document) => {
  const text = readFileSync(join(root, document), "utf8");
  const named = [...text.matchAll(PATH)].map(([, path = ""]) => path.replace(/[.-]+$/, ""));
  const linked = [...text.matchAll(LINK)].map(([, path = ""]) => join(dirname(document), path));
  const paths = [...new Set([...named, ...linked])].filter((path) => !isExempt(path));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("the search finds the paths of docs/architecture.md", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  expect([...text.matchAll(PATH)].length).toBeGreaterThan(10);
});
