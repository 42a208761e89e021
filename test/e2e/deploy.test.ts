/**
 * The upload of `npm run deploy`, without uploading it: both environments, no warning, and no more than the stated
 * size. The page is not counted: it is assets, and this is the Worker's own script.
 */
import { expect, test } from "vitest";
import { LIMITS } from "../../src/config/limits.ts";
import { type DryRun, dryRun } from "../support/server/wrangler.ts";

/** The ceiling of the script, gzipped; jose, which checks tokens, takes 6 KiB of it. A larger script starts slower. */
const CEILING_KIB = 44;

/** Bytes before gzip by package, or by folder of this project, heaviest first. */
function heaviest({ parts }: DryRun): string {
  const sums = new Map<string, number>();
  for (const [file, bytes] of parts) {
    const part = file.split("/").slice(0, 2).join("/");
    sums.set(part, (sums.get(part) ?? 0) + bytes);
  }
  const lines = [...sums].sort(([, a], [, b]) => b - a).map(([part, sum]) => `${part}: ${sum}`);
  return lines.slice(0, 8).join("\n");
}

test.each<[string, readonly string[]]>([
  ["production", []],
  ["staging", ["--env", "staging"]],
])(
  "%s can be deployed, without a warning",
  (_case, flags) => {
    const run = dryRun(...flags);
    expect(run.output).not.toMatch(/warning|error|deprecated/i);
    expect(run.output).toContain("--dry-run: exiting now.");
    expect(run.output).toContain("env.CHAT_ROOM (ChatRoom)");
    for (const { variable } of Object.values(LIMITS))
      expect(run.output).toContain(`env.${variable} (`);
    const size = `${(run.gzipBytes / 1_024).toFixed(2)} KiB gzipped, of which before gzip\n${heaviest(run)}`;
    expect(run.gzipBytes, size).toBeLessThan(CEILING_KIB * 1_024);
    // A check that measures nothing would always pass.
    expect(run.gzipBytes).toBeGreaterThan(10 * 1_024);
    const said = Number(/gzip: ([\d.]+) KiB/.exec(run.output)?.[1]);
    expect(said).toBeCloseTo(run.gzipBytes / 1_024, 0);
  },
  120_000,
);
