/** The frames in the documentation are frames of the protocol, and the room takes them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { readFrame } from "../../src/codec/json.ts";
import { defaultLimits } from "../../src/config/limits.ts";
import { serverFrames } from "../../src/protocol/frames.ts";

const docs = join(import.meta.dirname, "../../docs");

/** A frame on an indented line of its own; `<` marks one of the room. */
const FRAME = /^ {4}(?:([<>]) )?(\{"type":.+\})$/gm;

const examples = ["protocol.md", "conventions.md"].flatMap((page) =>
  Array.from(
    readFileSync(join(docs, page), "utf8").matchAll(FRAME),
    ([, mark, frame = ""]) => [page, mark === "<" ? "the room" : "a client", frame] as const,
  ),
);

test.each(examples)("%s shows a frame that %s sends: %s", (_page, who, frame) => {
  if (who === "a client") {
    for (const command of readFrame(frame, defaultLimits())) {
      expect(command).not.toMatchObject({ type: "Invalid" });
    }
    return;
  }
  const { type } = JSON.parse(frame) as { type: keyof typeof serverFrames };
  expect(v.safeParse(serverFrames[type], JSON.parse(frame)).success).toBe(true);
});

test("the search finds frames of both sides", () => {
  expect(new Set(examples.map(([, who]) => who)).size).toBe(2);
});
