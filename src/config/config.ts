/**
 * The configuration of the operator, read from the environment and checked as a whole.
 *
 * Invariant: a configuration with an error is never used in part; it becomes one sentence that says what to correct.
 */
import { type Limits } from "../core/limits.ts";
import { readLimits } from "./limits.ts";
import { readTokenSettings, type TokenSettings, type TokenVars } from "./jwt.ts";

/** The least length of `ADMIN_KEY`, in characters. */
export const ADMIN_KEY_CHARACTERS = 16;

/** The vars and secrets of the environment. Types are not checked there: a var of wrangler.toml may be anything. */
export interface Vars extends TokenVars {
  /** Raised with every restore from a backup, so that no cursor points into another history. */
  readonly EPOCH?: string | number;
  /** Origins besides the endpoint's own whose pages may connect, separated by spaces or commas. */
  readonly ALLOWED_ORIGINS?: string;
  /** A secret that switches on the operator's API. */
  readonly ADMIN_KEY?: string;
}

export interface Config {
  readonly limits: Limits;
  readonly epoch: string;
  readonly origins: ReadonlySet<string>;
  /** Absent: a key is a text that the user chose. */
  readonly tokens?: TokenSettings;
  /** Absent: there is no operator's API. */
  readonly adminKey?: string;
}

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;

const read = new WeakMap<Vars, Config | string>();

/** `readConfig`, cached by environment: an environment does not change while it is in use, and every join needs it. */
export function configOf(env: Vars): Config | string {
  let config = read.get(env);
  if (config === undefined) read.set(env, (config = readConfig(env)));
  return config;
}

/** @returns the configuration, or one sentence that says which var is wrong and what it may be */
export function readConfig(env: Vars): Config | string {
  const limits = readLimits({ ...env });
  if (typeof limits === "string") return limits;
  const epoch = String(env.EPOCH ?? "1");
  if (!EPOCH.test(epoch)) {
    return 'EPOCH must be 1 to 32 of A-Z, a-z, 0-9, "_" and "-": correct it in wrangler.toml';
  }
  const origins = readOrigins(env.ALLOWED_ORIGINS ?? "");
  if (typeof origins === "string") return origins;
  const tokens = readTokenSettings(env);
  if (typeof tokens === "string") return tokens;
  const adminKey = readAdminKey(env.ADMIN_KEY);
  if (adminKey !== undefined && "error" in adminKey) return adminKey.error;
  return { limits, epoch, origins, ...(tokens && { tokens }), ...adminKey };
}

function readOrigins(text: unknown): ReadonlySet<string> | string {
  if (typeof text !== "string") {
    return 'ALLOWED_ORIGINS must be one text, like "https://a.example https://b.example"';
  }
  const origins = text.split(/[\s,]+/).filter((part) => part !== "");
  for (const origin of origins) {
    const url = URL.parse(origin);
    const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
    if (origin.includes("*")) {
      return `ALLOWED_ORIGINS: ${origin} would allow nobody, because a star is no wildcard here; name every origin`;
    }
    if (url === null || !isWeb) {
      return `ALLOWED_ORIGINS: ${origin} is not an origin; write it as https://chat.example.com, without a path`;
    }
    // Browsers write an origin in one way only: another spelling would never match.
    if (url.origin !== origin) {
      return `ALLOWED_ORIGINS: ${origin} is not how browsers write an origin; write it as ${url.origin}`;
    }
  }
  return new Set(origins);
}

/** The error never shows the value. */
function readAdminKey(
  text: unknown,
): { readonly adminKey: string } | { readonly error: string } | undefined {
  if (text === undefined || text === "") return undefined;
  if (typeof text === "string" && VISIBLE.test(text) && text.length >= ADMIN_KEY_CHARACTERS) {
    return { adminKey: text };
  }
  const error = `ADMIN_KEY must have at least ${ADMIN_KEY_CHARACTERS} characters, letters, digits and signs of ASCII: set it again with wrangler secret put ADMIN_KEY`;
  return { error };
}

/** Characters that a header takes unencoded. */
const VISIBLE = /^[\x21-\x7e]+$/;
