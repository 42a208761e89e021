/** The counter of a text that comes near the limit of one message, or exceeds it. */
import { expect, test } from "vitest";
import { lengthOf } from "../../../../src/apps/page/model/length.ts";

const LIMIT = 8_192;

test.each([
  ["nothing", "", "fine", ""],
  ["a sentence", "hello, all", "fine", ""],
  ["seven eighths", "x".repeat(7_168), "fine", ""],
  ["one byte more", "x".repeat(7_169), "near", "1,023 bytes left"],
  ["one byte left", "x".repeat(8_191), "near", "1 byte left"],
  ["exactly the limit", "x".repeat(8_192), "near", "0 bytes left"],
  [
    "one byte above it",
    "x".repeat(8_193),
    "over",
    "1 byte too long: shorten it, or send it in parts",
  ],
])("%s", (_case, text, state, count) => {
  const length = lengthOf(text, LIMIT);
  expect(length).toMatchObject({ state, count });
  expect(length.announcement).toBe(
    {
      fine: "",
      near: `The message is almost too long: ${count}.`,
      over: `The message cannot be sent: ${count}.`,
    }[state],
  );
});

test.each([
  ["umlauts", "ü".repeat(4_097), "over", "2 bytes too long"],
  ["Chinese", "字".repeat(2_730), "near", "2 bytes left"],
  ["emoji", "😀".repeat(2_049), "over", "4 bytes too long"],
  ["a family of one sign", "👨‍👩‍👧".repeat(456), "over", "16 bytes too long"],
])("bytes are counted as the room counts them: %s", (_case, text, state, count) => {
  const length = lengthOf(text, LIMIT);
  expect(length.state).toBe(state);
  expect(length.count).toContain(count);
});

test("the limit is the room's", () => {
  expect(lengthOf("hello", 4)).toMatchObject({ state: "over" });
  expect(lengthOf("x".repeat(10_000), 1_000_000)).toMatchObject({ state: "fine" });
  expect(lengthOf("x".repeat(10_000), Infinity)).toMatchObject({ state: "fine" });
});
