/** The client library runs unchanged in browsers, Deno, Bun and Workers: its graph has no platform module. */
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("the library bundles for a browser, from its own files alone", async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: [join(root, "src/client/index.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
  });
  const files = Object.keys(metafile.inputs);
  expect(
    files.filter((file) => !/^src\/(client|client\/storage|protocol)\/[\w-]+\.ts$/.test(file)),
  ).toEqual([]);
  expect(files).not.toContain("src/client/storage/file/file-storage.ts");
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  expect(imports.filter(({ external }) => external)).toEqual([]);
  const text = outputFiles[0]?.text ?? "";
  expect(text).not.toMatch(/cloudflare:|node:/);
  expect(text.length).toBeLessThan(50_000);
});
