/** Equal secrets compare as equal, and no others do. */
import { expect, test } from "vitest";
import { timingSafeEqual } from "../../../src/core/timing-safe-equal.ts";

test.each([
  ["the same", "abcdef", "abcdef", true],
  ["both empty", "", "", true],
  ["another first character", "xbcdef", "abcdef", false],
  ["another one in the middle", "abxdef", "abcdef", false],
  ["another last character", "abcdex", "abcdef", false],
  ["one that has the same beginning", "abcdef0", "abcdef", false],
  ["the beginning", "abcde", "abcdef", false],
  ["nothing", "", "abcdef", false],
  ["something against nothing", "a", "", false],
  ["one longer by the character 0", "abcdef\0", "abcdef", false],
  ["one shorter by the character 0", "abcdef", "abcdef\0", false],
  ["two differences that would cancel out", "ba", "ab", false],
])("%s", (_case, given, kept, same) => {
  expect(timingSafeEqual(given, kept)).toBe(same);
});

test("it compares every character, wherever the first difference is", () => {
  const compared: number[] = [];
  const given = {
    length: 4,
    charCodeAt: (index: number): number => compared.push(index),
  } as unknown as string;
  expect(timingSafeEqual(given, "zzzz")).toBe(false);
  expect(compared).toEqual([0, 1, 2, 3]);
});
