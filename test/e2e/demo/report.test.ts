/** The table at the end of the demo. */
import { expect, test } from "vitest";
import { formatReport } from "../../../src/apps/demo/report.ts";

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

test("numbers are aligned with the ends of their headings", () => {
  expect(formatReport([ALICE, BOB])).toEqual([
    "       sent  received  lost  doubled  reordered",
    "alice    34        75     0        0          0",
    "bob       3       175    12        1          2",
  ]);
});

test("there is a column for strange messages if there are any", () => {
  expect(formatReport([{ ...ALICE, strange: 2 }])).toEqual([
    "       sent  received  lost  doubled  reordered  strange",
    "alice    34        75     0        0          0        2",
  ]);
});
