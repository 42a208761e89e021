/**
 * The numbers of the protocol, and how an operator may change them.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LINE_FRAME_BYTES } from "../../../src/codec/line.ts";
import { CHECKPOINT_ENTRIES } from "../../../src/core/broker.ts";
import { HISTORY_BYTES } from "../../../src/core/commands/queries.ts";
import { ROOM_FLIGHT_BYTES } from "../../../src/core/delivery/flow-control.ts";
import { UNPROVEN_LINE_BYTES, UNPROVEN_ROOM_BYTES } from "../../../src/core/delivery/proof.ts";
import { READY_ENTRIES, SWEEP_ENTRIES } from "../../../src/core/delivery/ready-reports.ts";
import {
  BUDGET_BYTES,
  BUDGET_BYTES_PER_SECOND,
  STALL_MS,
  STRETCH_BYTES,
} from "../../../src/core/limits.ts";
import { EVICT_AWAY_MS } from "../../../src/core/membership/name-eviction.ts";
import { PRESENCE_TURN_FRAMES } from "../../../src/core/membership/presence-broadcast.ts";
import { PING_AGE_MS } from "../../../src/core/membership/timeouts.ts";
import {
  GRACE_MS,
  NAMES_LISTED,
  PRESENCE_FRAMES_PER_SECOND,
  PRESENCE_MS,
} from "../../../src/core/peers/presence.ts";
import {
  HISTORY_MAX,
  HISTORY_DEFAULT,
  QUERY_COST,
  SIGNAL_BYTES,
  WHO_NAMES,
} from "../../../src/protocol/limits.ts";
import { ROW_BYTES } from "../../../src/store/sql.ts";
import { LIMITS, defaultLimits, readLimits } from "../../../src/config/limits.ts";
import { spreadMs } from "../../../src/core/membership/join.ts";

test.each(
  // As docs/protocol.md has them.
  Object.entries({
    text: 8_192,
    frame: 65_536,
    recipients: 64,
    window: 256,
    windowBytes: 262_144,
    rate: 50,
    burst: 500,
    online: 5_000,
    names: 20_000,
    logEntries: 100_000,
    logDays: 30,
    logMebibytes: 256,
    share: 25,
    commitInterval: 0,
  }),
)("the default of %s is the protocol's", (name, value) => {
  expect(defaultLimits()).toHaveProperty(name, value);
  expect(readLimits({})).toHaveProperty(name, value);
});

test.each<readonly [string, number, number]>([
  ["bytes in flight to a room", ROOM_FLIGHT_BYTES, 32 * 1_024 * 1_024],
  ["bytes that one connection may be sent at once", BUDGET_BYTES, 4 * 1_024 * 1_024],
  ["their refill a second", BUDGET_BYTES_PER_SECOND, 4 * 1_024 * 1_024],
  ["no progress is a dead link after", STALL_MS, 90_000],
  ["the age of a ping", PING_AGE_MS, 150_000],
  ["bytes from one mark to the next", STRETCH_BYTES, 256 * 1_024],
  ["bytes sent and not proven to be read", UNPROVEN_ROOM_BYTES, 24 * 1_024 * 1_024],
  ["the same for lines", UNPROVEN_LINE_BYTES, 24 * 1_024 * 1_024],
  ["presence is batched for", PRESENCE_MS, 200],
  ["frames of presence a second", PRESENCE_FRAMES_PER_SECOND, 5_000],
  ["frames of presence a turn", PRESENCE_TURN_FRAMES, 500],
  ["grace", GRACE_MS, 15_000],
  ["names in a list", NAMES_LISTED, 100],
  ["history, by default", HISTORY_DEFAULT, 50],
  ["history, at most", HISTORY_MAX, 100],
  ["history, in bytes", HISTORY_BYTES, 65_536],
  ["names of who", WHO_NAMES, 200],
  ["bytes of a signal", SIGNAL_BYTES, 1_024],
  ["what a query costs", QUERY_COST, 10],
  ["bytes of a line frame", LINE_FRAME_BYTES, 262_144],
  ["entries that may pass before ready", READY_ENTRIES, 1_000],
  ["entries in which every peer is checked", SWEEP_ENTRIES, 32],
  ["entries between checkpoints", CHECKPOINT_ENTRIES, 256],
  ["bytes of a row", ROW_BYTES, 524_288],
  ["age at which an away name may be evicted", EVICT_AWAY_MS, 30 * 86_400_000],
])("the protocol's number: %s", (_what, value, number) => expect(value).toBe(number));

test.each([
  ["an empty room", 0, 0],
  ["one", 1, 5],
  ["a hundred", 100, 500],
  ["just below the cap", 5_999, 29_995],
  ["the cap", 6_000, 30_000],
  ["the most that return within it", 25_000, 30_000],
  ["more, at 833 a second as before", 32_000, 38_400],
])("a first reconnect is spread: %s", (_what, online, ms) => expect(spreadMs(online)).toBe(ms));

describe("an operator's vars", () => {
  const specs = Object.entries(LIMITS).map(([name, spec]) => [spec.variable, name, spec] as const);

  test.each(specs)(
    "%s accepts its minimum and maximum, as number and as text",
    (variable, name, spec) => {
      // So that the rules between two vars hold.
      const others = {
        FRAME_BYTES: LIMITS.frame.max,
        TEXT_BYTES: 1,
        MAX_ONLINE: 1,
        MAX_NAMES: LIMITS.names.max,
      };
      for (const value of [spec.min, spec.max, spec.default]) {
        expect(readLimits({ ...others, [variable]: value })).toHaveProperty(name, value);
        expect(readLimits({ ...others, [variable]: String(value) })).toHaveProperty(name, value);
      }
      expect(readLimits({ ...others, [variable]: undefined })).toHaveProperty(name);
    },
  );

  test("data is never larger than a frame", () => {
    const limits = readLimits({ TEXT_BYTES: 1, FRAME_BYTES: 512, DATA_BYTES: 4_096 });
    expect(limits).toMatchObject({ frame: 512, data: 512 });
  });

  test.each(specs)("%s unset or empty is the default", (variable, name, { default: value }) => {
    expect(readLimits({ [variable]: undefined })).toHaveProperty(name, value);
    expect(readLimits({ [variable]: "" })).toHaveProperty(name, value);
  });

  describe.each(specs)("a bad %s is reported by its name and range", (variable, _name, spec) => {
    test.each<readonly [string, unknown]>([
      ["below the least", spec.min - 1],
      ["above the most", spec.max + 1],
      ["above the most, as text", String(spec.max + 1)],
      ["negative", -1 - spec.default],
      ["a fraction", spec.default + 0.5],
      ["an exponent", "1e3"],
      ["hexadecimal", "0x100"],
      ["a sign", "+100"],
      ["a unit", "100 KiB"],
      ["a separator", "8,192"],
      ["white space", " 100"],
      ["a line feed", "100\n"],
      ["digits of another script", "١٠٠"],
      ["a word", "lots"],
      ["an infinite number", Infinity],
      ["not a number", NaN],
      ["a huge number", "9".repeat(400)],
      ["null", null],
      ["true", true],
      ["a list", [spec.default]],
      ["a list of text", [String(spec.default)]],
      ["an object", {}],
    ])("%s", (_what, value) => {
      const { min, max, unit } = spec;
      expect(readLimits({ [variable]: value })).toBe(
        `${variable} must be a whole number of ${unit} from ${min} to ${max}: correct it in wrangler.toml`,
      );
    });
  });

  test("a text limit that fits no frame is reported by both names", () => {
    const sentence = readLimits({ TEXT_BYTES: 1_024, FRAME_BYTES: "512" });
    expect(sentence).toMatch(/TEXT_BYTES \(1024\).*FRAME_BYTES \(512\).*wrangler\.toml/);
    expect(readLimits({ TEXT_BYTES: 512, FRAME_BYTES: 512 })).toMatchObject({ text: 512 });
  });

  test("more peers than names is reported by both names", () => {
    const sentence = readLimits({ MAX_ONLINE: 101, MAX_NAMES: "100" });
    expect(sentence).toMatch(/MAX_ONLINE \(101\).*MAX_NAMES \(100\).*wrangler\.toml/);
    expect(readLimits({ MAX_ONLINE: 100, MAX_NAMES: 100 })).toMatchObject({ online: 100 });
  });

  test("vars of other parts are ignored", () => {
    expect(readLimits({ EPOCH: "2", CHAT_ROOM: {}, ALLOWED_ORIGINS: "lots" })).toEqual(
      defaultLimits(),
    );
  });

  test("every default is within its range", () => {
    for (const { default: value, min, max } of Object.values(LIMITS)) {
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(max);
    }
  });

  test("a burst covers at least one query, whatever the operator sets", () => {
    expect(LIMITS.burst.min).toBeGreaterThanOrEqual(QUERY_COST);
  });
});

test("wrangler.toml sets every limit, to its default", () => {
  const toml = readFileSync(new URL("../../../wrangler.toml", import.meta.url), "utf8");
  const vars = toml.split(/^\[vars\]$/m)[1]?.split(/^\[/m)[0] ?? "";
  const numbers = [...vars.matchAll(/^([A-Z_]+)\s*=\s*(\d+)/gm)].map(
    ([, name, value]) => [name, Number(value)] as const,
  );
  const expected = Object.values(LIMITS).map(
    ({ variable, default: value }) => [variable, value] as const,
  );
  expect(numbers).toEqual(expected);
});
