/** The meaning of a key press, and the presses that belong to the input method. */
import { expect, test } from "vitest";
import { pressOf } from "../../../../src/apps/page/model/keys.ts";

const plain = { shiftKey: false, isComposing: false };

test.each([
  ["Enter", { ...plain, key: "Enter", keyCode: 13 }, "send"],
  ["Enter of the number pad", { ...plain, key: "Enter", keyCode: 13 }, "send"],
  ["Shift and Enter", { ...plain, key: "Enter", keyCode: 13, shiftKey: true }, undefined],
  ["Escape", { ...plain, key: "Escape", keyCode: 27 }, "escape"],
  ["the arrow up", { ...plain, key: "ArrowUp", keyCode: 38 }, "up"],
  ["Shift and the arrow up", { ...plain, key: "ArrowUp", keyCode: 38, shiftKey: true }, undefined],
  ["a letter", { ...plain, key: "a", keyCode: 65 }, undefined],
  [
    "Enter that ends a composition in Chromium and Firefox",
    { ...plain, key: "Enter", keyCode: 13, isComposing: true },
    undefined,
  ],
  [
    "Enter that ends a composition in Safari, which reports it after the end",
    { ...plain, key: "Enter", keyCode: 229 },
    undefined,
  ],
  [
    "Escape that cancels a composition in Chromium and Firefox",
    { ...plain, key: "Escape", keyCode: 27, isComposing: true },
    undefined,
  ],
  [
    "Escape that cancels a composition in Safari",
    { ...plain, key: "Escape", keyCode: 229 },
    undefined,
  ],
])("%s", (_case, press, expected) => expect(pressOf(press)).toBe(expected));
