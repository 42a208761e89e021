/** The script has every kind of message, and no text twice. */
import { expect, test } from "vitest";
import { lastMessageOf, messageOf, NAMES } from "../../../src/apps/demo/script.ts";

const LINES = Array.from({ length: 24 }, (_, index) => messageOf(index + 1));

test("everyone sends to everyone, and to each of the others", () => {
  const kinds = new Set(LINES.map(({ from, to }) => `${from} to ${to?.join() ?? "all"}`));
  const wanted = NAMES.flatMap((from) =>
    ["all", ...NAMES.filter((name) => name !== from)].map((to) => `${from} to ${to}`),
  );
  expect([...kinds].sort()).toEqual(wanted.sort());
});

test("no text is sent twice", () => {
  const texts = [...LINES, ...NAMES.map(lastMessageOf)].map(({ text }) => text);
  expect(new Set(texts).size).toBe(texts.length);
});
