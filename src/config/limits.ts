/** The limits that an operator may set, read from the vars of wrangler.toml and checked as a whole. */
import { type Limits, MIB } from "../core/limits.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";

interface LimitSpec {
  /** The var of wrangler.toml that sets it. */
  readonly variable: string;
  readonly unit: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** Each limit: the var that sets it, its unit, its default and its range. */
export const LIMITS = {
  text: {
    variable: "TEXT_BYTES",
    unit: "bytes",
    default: DEFAULT_LIMITS.text,
    min: 1,
    max: 65_536,
  },
  data: {
    variable: "DATA_BYTES",
    unit: "bytes",
    default: DEFAULT_LIMITS.data,
    min: 0,
    max: 65_536,
  },
  patchHours: {
    variable: "PATCH_HOURS",
    unit: "hours",
    default: DEFAULT_LIMITS.patchHours,
    min: 0,
    max: 87_600,
  },
  frame: {
    variable: "FRAME_BYTES",
    unit: "bytes",
    default: DEFAULT_LIMITS.frame,
    min: 512,
    max: 262_144,
  },
  recipients: {
    variable: "RECIPIENTS",
    unit: "names",
    default: DEFAULT_LIMITS.recipients,
    min: 1,
    max: 256,
  },
  window: {
    variable: "WINDOW",
    unit: "entries",
    default: DEFAULT_LIMITS.window,
    min: 1,
    max: 10_000,
  },
  windowBytes: {
    variable: "WINDOW_BYTES",
    unit: "bytes",
    default: DEFAULT_LIMITS.windowBytes,
    min: 1_024,
    max: 8 * MIB,
  },
  rate: {
    variable: "RATE",
    unit: "items a second",
    default: DEFAULT_LIMITS.rate,
    min: 1,
    max: 100_000,
  },
  burst: {
    variable: "BURST",
    unit: "items",
    default: DEFAULT_LIMITS.burst,
    min: 10,
    max: 1_000_000,
  },
  online: { variable: "MAX_ONLINE", unit: "peers", default: 5_000, min: 1, max: 32_000 },
  names: { variable: "MAX_NAMES", unit: "names", default: 20_000, min: 1, max: 1_000_000 },
  logEntries: {
    variable: "LOG_ENTRIES",
    unit: "entries",
    default: 100_000,
    min: 1,
    max: 10_000_000,
  },
  logDays: { variable: "LOG_DAYS", unit: "days", default: 30, min: 1, max: 3_650 },
  logMebibytes: { variable: "LOG_MIB", unit: "MiB", default: 256, min: 1, max: 8_192 },
  /** The part of `logEntries` and of `logMebibytes` that one name may add in 24 hours; 0: no bound. */
  share: { variable: "LOG_SHARE", unit: "percent of the log", default: 25, min: 0, max: 100 },
  commitInterval: { variable: "COMMIT_INTERVAL_MS", unit: "ms", default: 0, min: 0, max: 1_000 },
} as const satisfies Record<keyof Limits, LimitSpec>;

/** Returns the limits of an environment that sets none. */
export const defaultLimits = (): Limits => {
  const limits = Object.entries(LIMITS).map(([name, { default: value }]) => [name, value]);
  return Object.fromEntries(limits);
};

/**
 * Reads the limits from the environment. A missing or empty var means its default.
 * @returns the limits, or one sentence that says which var is wrong and what it may be
 */
export function readLimits(vars: { readonly [name: string]: unknown }): Limits | string {
  const limits: Record<string, number> = {};
  for (const [name, spec] of Object.entries(LIMITS)) {
    const given = vars[spec.variable];
    const text =
      given === undefined || given === ""
        ? String(spec.default)
        : JSON.stringify(given).replaceAll('"', "");
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= spec.min && value <= spec.max)) {
      return `${spec.variable} must be a whole number of ${spec.unit} from ${spec.min} to ${spec.max}: correct it in wrangler.toml`;
    }
    limits[name] = value;
  }
  const read = limits as unknown as Limits;
  if (read.text > read.frame) {
    return `TEXT_BYTES (${read.text}) must not exceed FRAME_BYTES (${read.frame}): correct one of them in wrangler.toml`;
  }
  if (read.online > read.names) {
    return `MAX_ONLINE (${read.online}) must not exceed MAX_NAMES (${read.names}), because each peer has a name: change one of them in wrangler.toml`;
  }
  // What fits no frame cannot be sent: clients are shown what they can.
  return { ...read, data: Math.min(read.data, read.frame) };
}
