/** No code of the page makes markup of a text, or needs more than `default-src 'self'`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const sources = join(import.meta.dirname, "../../../../src/apps/page");

describe("the source of the page", () => {
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((file) => /\.(ts|html|css)$/.test(file))
    .map((file) => [file, readFileSync(join(sources, file), "utf8")] as const);

  test.each(texts)(
    "%s makes no markup of a text, and has no inline script or style",
    (_file, text) => {
      expect(text).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML/,
      );
      expect(text).not.toMatch(/\son[a-z]+="|\sstyle="|<style|javascript:/);
      expect(text).not.toMatch(/<script(?![^>]*\ssrc=)/);
      expect(text).not.toMatch(/\beval\(|new Function|createContextualFragment/);
    },
  );
});
