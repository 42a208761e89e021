/** The talk is worth watching: every kind of message, and no text twice. */
import { expect, test } from "vitest";
import { lastLineOf, lineOf, NAMES } from "../../../src/apps/demo/script.ts";

const LINES = Array.from({ length: 24 }, (_, index) => lineOf(index + 1));

test("everyone speaks to everyone, and to each of the others", () => {
  const kinds = new Set(LINES.map(({ from, to }) => `${from} to ${to?.join() ?? "all"}`));
  const wanted = NAMES.flatMap((from) =>
    ["all", ...NAMES.filter((name) => name !== from)].map((to) => `${from} to ${to}`),
  );
  expect([...kinds].sort()).toEqual(wanted.sort());
});

test("no text comes twice", () => {
  const texts = [...LINES, ...NAMES.map(lastLineOf)].map(({ text }) => text);
  expect(new Set(texts).size).toBe(texts.length);
});
