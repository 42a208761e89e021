/** Tokens, valid and invalid. */
import { SignJWT } from "jose/jwt/sign";

export const SECRET = "a secret of thirty-two bytes, at least";
export const ISSUER = "https://login.example.com/";
export const AUDIENCE = "chat";

/** Converts a secret into a key for jose. */
export const secretKey = (secret: string): Uint8Array => new TextEncoder().encode(secret);

/** Seconds since 1970. */
export const nowS = (): number => Math.floor(Date.now() / 1_000);

/** Returns the claims of a valid token for alice; `undefined` removes one. */
export const claimsOf = (other: Record<string, unknown> = {}): Record<string, unknown> => {
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: "alice", exp: nowS() + 3_600, ...other };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
};

interface Signing {
  readonly alg?: string;
  readonly kid?: string | undefined;
  readonly key?: Uint8Array | CryptoKey;
}

/** Signs `claims`, valid or not. */
export function tokenOf(
  claims: Record<string, unknown>,
  { alg = "HS256", kid, key = secretKey(SECRET) }: Signing = {},
): Promise<string> {
  const header = { alg, ...(kid !== undefined && { kid }) };
  return new SignJWT(claims).setProtectedHeader(header).sign(key);
}

/** Encodes one part of a token by hand. */
export const part = (value: unknown): string =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
