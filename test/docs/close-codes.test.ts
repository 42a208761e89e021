/** The close codes: each is in the table of docs/protocol.md, and each fixed reason fits a Close frame. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as closeFrames from "../../src/core/close-frames.ts";
import { CLOSE, REASON_BYTES } from "../../src/protocol/close-codes.ts";

test.each(Object.entries(closeFrames))("the reason of %s fits a Close frame", (_name, frame) => {
  expect(frame.reason.length).toBeLessThanOrEqual(REASON_BYTES);
  expect(frame.reason).toMatch(/^[\x20-\x7e]+$/);
});

test.each(Object.entries(CLOSE).filter(([, code]) => code >= 4000))(
  "docs/protocol.md says what %s is and what a client does (%i)",
  (_name, code) => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
    const rows = page.split("\n").filter((row) => /^\| 4[0-2]xx/.test(row));
    expect(rows.join("\n")).toMatch(new RegExp(`\\b${code} \\w`));
  },
);
