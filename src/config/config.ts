/**
 * What an operator configures, read from the environment and checked as a whole.
 *
 * Invariant: a configuration with a mistake is never half used; it is one sentence that says what to mend.
 */
import { type Limits } from "../core/limits.ts";
import { readLimits } from "./limits.ts";
import { readTokenSettings, type TokenSettings, type TokenVars } from "./jwt.ts";

/** The least length of `ADMIN_KEY`, in characters. */
export const ADMIN_KEY_CHARACTERS = 16;

/** The vars and secrets of the environment. Types are not checked there: a var of wrangler.toml may be anything. */
export interface Vars extends TokenVars {
  /** Raised with every restore from a backup, so that nobody's cursor points into another history. */
  readonly EPOCH?: string | number;
  /** Origins besides the endpoint's own whose pages may connect, separated by spaces or commas. */
  readonly ALLOWED_ORIGINS?: string;
  /** A secret. With it, the operator's API is there. */
  readonly ADMIN_KEY?: string;
}

export interface Config {
  readonly limits: Limits;
  readonly epoch: string;
  readonly origins: ReadonlySet<string>;
  /** Absent: a key is whatever somebody chose. */
  readonly tokens?: TokenSettings;
  /** Absent: there is no operator's API. */
  readonly adminKey?: string;
}

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;

const read = new WeakMap<Vars, Config | string>();

/** `readConfig`, once for each environment: none changes while it is in use, and every join asks. */
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
    return 'EPOCH must be 1 to 32 of A-Z, a-z, 0-9, "_" and "-": mend it in wrangler.toml';
  }
  const origins = readOrigins(env.ALLOWED_ORIGINS ?? "");
  if (typeof origins === "string") return origins;
  const tokens = readTokenSettings(env);
  if (typeof tokens === "string") return tokens;
  const adminKey = readAdminKey(env.ADMIN_KEY);
  if (adminKey !== undefined && "complaint" in adminKey) return adminKey.complaint;
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
      return `ALLOWED_ORIGINS: ${origin} would allow nobody, as a star stands for nothing here; name every origin`;
    }
    if (url === null || !isWeb) {
      return `ALLOWED_ORIGINS: ${origin} is not an origin; write it as https://chat.example.com, without a path`;
    }
    // Browsers write an origin in one way only: another one would never match.
    if (url.origin !== origin) {
      return `ALLOWED_ORIGINS: ${origin} is not how browsers write an origin; write it as ${url.origin}`;
    }
  }
  return new Set(origins);
}

/** The complaint never shows what was set. */
function readAdminKey(
  text: unknown,
): { readonly adminKey: string } | { readonly complaint: string } | undefined {
  if (text === undefined || text === "") return undefined;
  if (typeof text === "string" && VISIBLE.test(text) && text.length >= ADMIN_KEY_CHARACTERS) {
    return { adminKey: text };
  }
  const complaint = `ADMIN_KEY must have at least ${ADMIN_KEY_CHARACTERS} characters, letters, digits and signs of ASCII: set it again with wrangler secret put ADMIN_KEY`;
  return { complaint };
}

/** What fits into a header as it is. */
const VISIBLE = /^[\x21-\x7e]+$/;
