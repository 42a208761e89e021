/** Helpers that the unit tests share: names, seqs, arbitrary texts, and one seed. */
import * as fc from "fast-check";
import type { Command } from "../../src/core/event.ts";
import {
  parsePeerName,
  parseRoomName,
  parseSeq,
  type PeerName,
  type RoomName,
  type Seq,
} from "../../src/protocol/ids.ts";

const { CI, SEED = CI === undefined ? undefined : "20261123" } = process.env;

/** Returns fast-check's parameters. `SEED` or CI fixes the seed; otherwise it is random, and printed on a failure. */
export const fuzz = (numRuns: number): fc.Parameters<unknown> => ({
  numRuns,
  ...(SEED !== undefined && { seed: Number(SEED) }),
});

function parsed<T>(value: T | undefined, source: unknown): T {
  if (value === undefined) throw new Error(`the test's own ${String(source)} is invalid`);
  return value;
}

export const peer = (text: string): PeerName => parsed(parsePeerName(text), text);
export const room = (text: string): RoomName => parsed(parseRoomName(text), text);
export const seq = (value: number): Seq => parsed(parseSeq(value), value);

/** Returns `count` different names: a1, a2, … */
export const peers = (count: number, prefix = "a"): PeerName[] =>
  Array.from({ length: count }, (_, index) => peer(`${prefix}${index + 1}`));

type Code = Extract<Command, { type: "Invalid" }>["refusal"]["code"];

/** An expected error, and how its sentence begins: with the field, where there is one. */
export interface Refusal {
  readonly code: Code;
  readonly begins: string;
  readonly id?: string;
}

/** Any UTF-16: lone surrogates, controls, astral characters. */
export const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc
    .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x7f)), {
      maxLength: 40,
    })
    .map((units) => String.fromCharCode(...units)),
);

/** Texts that the room may store: well-formed Unicode, including controls. */
export const keptText = anyText.map((text) => text.toWellFormed());

/** Valid names in many scripts. */
export const anyName: fc.Arbitrary<PeerName> = fc
  .tuple(
    fc.constantFrom(...Array.from("aZ9éß你Ω٣𝒜𐐷")),
    fc.array(fc.constantFrom(...Array.from("bY0_-.ö你\u0301\u0327𝒜")), { maxLength: 15 }),
  )
  .map(([first, rest]) => peer(first + rest.join("")));
