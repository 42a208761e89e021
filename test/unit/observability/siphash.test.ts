/** The hash of names in log lines, checked against the vectors of its authors (siphash24, `vectors_sip64`). */
import { expect, test } from "vitest";
import { sipHash } from "../../../src/observability/siphash.ts";

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index);

/** The vectors list bytes, lowest first. */
test.each([
  [0, "310e0edd47db6f72"],
  [1, "fd67dc93c539f874"],
  [7, "37d1018bf50002ab"],
  [8, "6224939a79f5f593"],
  [15, "e545be4961ca29a1"],
])("the hash of the first %i numbers", (length, bytes) => {
  const expected = bytes.match(/../g)?.toReversed().join("");
  expect(sipHash(counting(16), counting(length))).toBe(expected);
});
