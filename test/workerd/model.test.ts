/**
 * Model-based runs of the real object: sequences of joins, messages, acks, silent deaths, failure signals of old and
 * new sockets, takeovers, hibernation, eviction, crashes, a trimmed log and failing storage, compared with a model
 * after every step, for safety and for liveness (test/support/model-run/comparison.ts lists the comparisons).
 */
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { ModelRun } from "../support/model-run/run.ts";
import type { How, Signal, Step, To } from "../support/model-run/steps.ts";
import { LOG_ENTRIES, WINDOW } from "../support/model-run/room-model.ts";
import type { Fault } from "../support/storage/fault-injection.ts";
import { withVars } from "../support/harness/workerd.ts";

const VARS = {
  WINDOW: `${WINDOW}`,
  LOG_ENTRIES: `${LOG_ENTRIES}`,
  LOG_SHARE: "0",
  RATE: "100000",
  BURST: "1000000",
};

const KEYS = { ann: "", bob: "bob's key", cat: "", dan: "" };

const who = fc.constantFrom(...Object.keys(KEYS));
const which = fc.nat(3);
const to = fc.oneof(
  { weight: 6, arbitrary: fc.subarray(Object.keys(KEYS), { minLength: 1 }) },
  { weight: 3, arbitrary: fc.constant("everyone" as const) },
  { weight: 1, arbitrary: fc.constant("nobody" as const) },
);
const signal = fc.constantFrom("close" as const, "error" as const);
const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, "commit" as const) },
);

const a = <T extends string>(type: T) => fc.constant(type);
const dialect = fc.oneof(
  { weight: 3, arbitrary: fc.constant("chat.v1" as const) },
  { weight: 1, arbitrary: fc.constant("chat.line" as const) },
);
const how = fc.oneof(
  { weight: 5, arbitrary: fc.constant("resume" as const) },
  { weight: 2, arbitrary: fc.constant("own cursor" as const) },
  { weight: 1, arbitrary: fc.constant("from zero" as const) },
  { weight: 1, arbitrary: fc.constant("overtaken" as const) },
  { weight: 1, arbitrary: fc.constant("wrong key" as const) },
);
const count = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
  // Past a checkpoint of the cursors.
  { weight: 1, arbitrary: fc.constant(260) },
);
const race = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom("before" as const, "behind" as const) },
);
const signals = fc.array(signal, { minLength: 1, maxLength: 2 });
const ack = fc.constantFrom("all" as const, "all" as const, "one" as const, "again" as const);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ type: a("join"), who, dialect, how, race, fault }) },
  { weight: 8, arbitrary: fc.record({ type: a("say"), who, to, count, fault }) },
  { weight: 6, arbitrary: fc.record({ type: a("ack"), who, how: ack, fault }) },
  { weight: 2, arbitrary: fc.record({ type: a("vanish"), who }) },
  { weight: 1, arbitrary: fc.record({ type: a("leave"), who, fault }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: a("signal"),
      who,
      which,
      signals,
      inOneTurn: fc.boolean(),
      fault,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: a("stale"), who, which }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("sleep", "evict", "crash") }) },
  { weight: 2, arbitrary: fc.record({ type: a("pass"), seconds: fc.constantFrom(16, 95) }) },
);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const joins = (who: string, how: How = "resume"): Step & { type: "join" } => {
  return { type: "join", who, dialect: "chat.v1", how };
};
const says = (who: string, to: To, count = 1, fault?: Fault): Step => {
  return { type: "say", who, to, count, fault };
};
const acks = (who: string, how: "all" | "one" = "all"): Step => ({ type: "ack", who, how });
const fails = (who: string, which: number, ...signals: Signal[]): Step => {
  return { type: "signal", who, which, signals, inOneTurn: true };
};

async function play(steps: readonly Step[]): Promise<void> {
  const run = new ModelRun(KEYS);
  for (const name of Object.keys(KEYS)) await run.takes(joins(name));
  for (const one of steps) await run.takes(one);
  await run.heals();
}

/** The sequences that matter most, and those that once failed: pinned, so that every run tries them. */
const sequences: [string, Step[]][] = [
  // Replay heals what this breaks: only a comparison of who is online sees it.
  [
    "R2: a failure behind the takeover that it belongs before, and late signals",
    [{ ...joins("ann"), race: "behind" }, fails("ann", 0, "close", "error")],
  ],
  [
    "R2: sleep after a takeover whose older socket never answered",
    [joins("ann"), { type: "leave", who: "ann" }, { type: "sleep" }, says("bob", ["ann"])],
  ],
  [
    "R5: both signals of a socket with something in flight",
    [says("ann", ["bob"], 3), acks("bob", "one"), fails("bob", 0, "error", "close")],
  ],
  [
    "R5: an ack, then storage that fails with more in flight than was acknowledged",
    [says("ann", ["bob"], 3), acks("bob", "one"), says("cat", ["dan"], 1, "commit"), acks("bob")],
  ],
  [
    "R3: storage that fails with the second write of a takeover's message",
    [says("ann", "everyone", 260), joins("ann"), says("ann", "everyone", 20, 2), joins("ann")],
  ],
  [
    "R5: a crash behind a checkpoint of the cursors",
    [says("ann", ["bob"], 260), acks("bob"), { type: "crash" }, joins("bob", "own cursor")],
  ],
  [
    "R6: trimmed while away, and while a window was full",
    [
      says("ann", ["bob", "cat"], 6),
      { type: "leave", who: "cat" },
      ...Array.from({ length: 6 }, () => says("ann", ["dan"], 3)),
      acks("ann"),
      joins("cat", "own cursor"),
    ],
  ],
  [
    "R11: a dead link is given up, and its grace ends",
    [
      { type: "vanish", who: "bob" },
      says("ann", ["bob"]),
      { type: "pass", seconds: 95 },
      { type: "pass", seconds: 16 },
    ],
  ],
];

test.each(sequences)("%s", (_title, steps) => withVars(VARS, () => play(steps)));

test("R5: the real object and its model agree after every step", { timeout: 60_000 }, async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 40, size: "max" }),
    (steps) => {
      runs++;
      return withVars(VARS, () => play(steps));
    },
  );
  let runs = 0;
  // As many as time allows: a slow machine tries fewer, and reports only those it tried.
  const bounds = { numRuns: 40, interruptAfterTimeLimit: 20_000, endOnFailure: true };
  await fc.assert(property, { ...bounds, seed: inject("seed") });
  expect(runs).toBeGreaterThan(1);
});
