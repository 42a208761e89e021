/**
 * How tokens are checked, read from the environment: by a secret of one's own, or by the public keys of an issuer.
 *
 * Invariants:
 * - Tokens are off only if nothing about them is set. What is half set is a mistake, never a room without a guard.
 * - The issuer is always pinned; the audience too, unless the operator writes that any will do.
 * - No sentence holds a secret.
 */

/** How tokens are checked. */
export interface TokenSettings {
  /** The secret of HS256, or where the issuer's public keys are. */
  readonly keys: Uint8Array | URL;
  readonly issuer: string;
  /** Undefined: any. */
  readonly audience: string | undefined;
}

/** What the environment may say about tokens. Vars of wrangler.toml need not be texts. */
export interface TokenVars {
  readonly JWT_SECRET?: unknown;
  readonly JWKS_URL?: unknown;
  readonly JWT_ISSUER?: unknown;
  readonly JWT_AUDIENCE?: unknown;
}

/** The issuer and the audience of tokens that are made with one's own secret, unless the operator names others. */
export const DEFAULT_ISSUER = "chat-room";
/** The audience of an operator who takes tokens for whomever they were made. */
const ANY = "*";
/** Bytes of a secret for HS256: as many as its hash has (RFC 7518, section 3.2). */
const SECRET_BYTES = 32;

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

const NAMES = ["JWT_SECRET", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"] as const;

/** @returns how tokens are checked, `undefined` if there are none, or one sentence on what to mend */
export function readTokenSettings(vars: TokenVars): TokenSettings | string | undefined {
  const given = NAMES.filter((name) => vars[name] !== undefined);
  if (given.length === 0) return undefined;
  for (const name of given) {
    const value = vars[name];
    if (typeof value !== "string") return `${name} must be a text in quotation marks`;
    if (value.trim() === "") return `${name} is empty: give it a value, or take it away altogether`;
  }
  const { JWT_SECRET: secret, JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = vars;
  if (typeof secret === "string" && typeof url === "string") {
    return "JWT_SECRET and JWKS_URL are both set: tokens are checked in one way, take the other away";
  }
  if (typeof secret === "string") {
    const keys = new TextEncoder().encode(secret);
    if (keys.length < SECRET_BYTES) {
      return `JWT_SECRET has ${keys.length} bytes, and needs ${SECRET_BYTES} or more: make one with "openssl rand -base64 48"`;
    }
    return {
      keys,
      issuer: pinned(issuer) ?? DEFAULT_ISSUER,
      audience: anyOr(pinned(audience) ?? DEFAULT_ISSUER),
    };
  }
  if (typeof url !== "string") {
    return `${given.join(" and ")} alone check no token: set JWT_SECRET or JWKS_URL, too, or take them away`;
  }
  const keys = URL.parse(url);
  const isSafe =
    keys?.protocol === "https:" || (keys?.protocol === "http:" && LOOPBACK.has(keys.hostname));
  if (keys === null || !isSafe || keys.username !== "" || keys.password !== "") {
    return "JWKS_URL must be an address like https://login.example.com/.well-known/jwks.json, without user and password";
  }
  // Many services share the keys of one issuer: what was made for another of them must not open this one.
  const missing = (["JWT_ISSUER", "JWT_AUDIENCE"] as const).find((name) => !given.includes(name));
  if (missing !== undefined) {
    const any = missing === "JWT_AUDIENCE" ? `, or "${ANY}" for any` : "";
    const claim = missing === "JWT_ISSUER" ? "iss" : "aud";
    return `JWKS_URL needs ${missing}: the claim ${claim} of the tokens that are meant for this room${any}`;
  }
  return { keys, issuer: String(issuer), audience: anyOr(String(audience)) };
}

const pinned = (value: unknown): string | undefined => value as string | undefined;

const anyOr = (audience: string): string | undefined => (audience === ANY ? undefined : audience);
