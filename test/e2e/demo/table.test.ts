/** The table at the end. */
import { expect, test } from "vitest";
import { table } from "../../../src/apps/demo/table.ts";

const ALICE = {
  name: "alice",
  sent: 34,
  received: 75,
  lost: 0,
  doubled: 0,
  reordered: 0,
  strange: 0,
};
const BOB = { name: "bob", sent: 3, received: 175, lost: 12, doubled: 1, reordered: 2, strange: 0 };

test("numbers stand below the ends of their headings", () => {
  expect(table([ALICE, BOB])).toEqual([
    "       sent  received  lost  doubled  reordered",
    "alice    34        75     0        0          0",
    "bob       3       175    12        1          2",
  ]);
});

test("strange messages have a column if there are any", () => {
  expect(table([{ ...ALICE, strange: 2 }])).toEqual([
    "       sent  received  lost  doubled  reordered  strange",
    "alice    34        75     0        0          0        2",
  ]);
});
