/**
 * The settings of token verification, read from the environment: an own secret, or the public keys of an issuer.
 *
 * Invariants:
 * - Tokens are off only if none of the vars is set. An incomplete configuration is an error, never a room without tokens.
 * - The issuer is always pinned; the audience too, unless the operator allows any.
 * - No sentence contains a secret.
 */

/** The settings of token verification. */
export interface TokenSettings {
  /** The secret of HS256, or the URL of the issuer's public keys. */
  readonly keys: Uint8Array | URL;
  readonly issuer: string;
  /** Undefined: any. */
  readonly audience: string | undefined;
}

/** The vars and secrets of tokens. A var of wrangler.toml need not be a text. */
export interface TokenVars {
  readonly JWT_SECRET?: unknown;
  readonly JWKS_URL?: unknown;
  readonly JWT_ISSUER?: unknown;
  readonly JWT_AUDIENCE?: unknown;
}

/** The issuer and the audience of tokens that are made with an own secret, unless the operator sets others. */
export const DEFAULT_ISSUER = "chat-room";
/** `JWT_AUDIENCE` of an operator who accepts tokens for any audience. */
const ANY = "*";
/** Bytes of a secret for HS256: as many as its hash has (RFC 7518, section 3.2). */
const SECRET_BYTES = 32;

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

const NAMES = ["JWT_SECRET", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"] as const;

/** @returns the settings; undefined if tokens are off; or one sentence that says what to correct */
export function readTokenSettings(vars: TokenVars): TokenSettings | string | undefined {
  const given = NAMES.filter((name) => vars[name] !== undefined);
  if (given.length === 0) return undefined;
  for (const name of given) {
    const value = vars[name];
    if (typeof value !== "string") return `${name} must be a text in quotation marks`;
    if (value.trim() === "") return `${name} is empty: give it a value, or remove it`;
  }
  const { JWT_SECRET: secret, JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = vars;
  if (typeof secret === "string" && typeof url === "string") {
    return "JWT_SECRET and JWKS_URL are both set: tokens are verified in one way, remove the other";
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
    return `${given.join(" and ")} alone check no token: set JWT_SECRET or JWKS_URL, too, or remove them`;
  }
  const keys = URL.parse(url);
  const isSafe =
    keys?.protocol === "https:" || (keys?.protocol === "http:" && LOOPBACK.has(keys.hostname));
  if (keys === null || !isSafe || keys.username !== "" || keys.password !== "") {
    return "JWKS_URL must be an address like https://login.example.com/.well-known/jwks.json, without user and password";
  }
  // Many services share the keys of one issuer: a token for another service must not be accepted here.
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
