/** A copy of the project whose source is changed and restored for each mutant. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Edit } from "./list.ts";

const root = join(import.meta.dirname, "../..");
const PARTS = [
  "src",
  "test",
  "examples",
  "README.md",
  "wrangler.toml",
  "package.json",
  "tsconfig.json",
  ".dev-server.env",
];

/** @returns the folder of a copy, which is removed when this process ends */
export function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), "mutants-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  for (const part of PARTS) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Changes the copy. @returns a function that restores it. @throws if an edit does not fit: it is stale */
export function apply(copy: string, edits: readonly Edit[]): () => void {
  const before = new Map<string, string>();
  for (const { file, find, put } of edits) {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    if (!before.has(path)) before.set(path, text);
    if (text.split(find).length !== 2)
      throw new Error(`${file} does not contain this exactly once: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => put),
    );
  }
  return () => {
    for (const [path, text] of before) writeFileSync(path, text);
  };
}
