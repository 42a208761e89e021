/**
 * Verifies tokens: whose name a token is good for.
 *
 * Invariants:
 * - No claim is used before the signature, algorithm, issuer, audience and times are checked.
 * - The result is an identity, or a close with a sentence. The token is in no sentence and in no log.
 * - Keys that cannot be fetched now give 4102 (reconnect later), never a bad token.
 */
import {
  JOSEAlgNotAllowed,
  JWKSMultipleMatchingKeys,
  JWSInvalid,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
  JWTInvalid,
} from "jose/errors";
import { jwtVerify, type JWTVerifyOptions } from "jose/jwt/verify";
import type { JWTPayload } from "jose";
import { EXPIRED } from "../../core/close-frames.ts";
import { CLOSE, type CloseFrame } from "../../protocol/close-codes.ts";
import { NAME_UNITS, type PeerName, parsePeerName, type RoomName } from "../../protocol/ids.ts";
import { type KeySet, keySetAt, KeysUnavailable } from "./jwks.ts";
import type { TokenSettings } from "../../config/jwt.ts";

/** The most characters of a token. Anyone can make the room verify one; real tokens have about a thousand. */
const TOKEN_LENGTH = 8_192;
/** The tolerance between the clocks of the issuer and of this server. */
const CLOCK_TOLERANCE_S = 10;
/** A secret allows no algorithm of public keys, and vice versa. */
const ALGORITHMS = {
  secret: ["HS256"],
  keySet: ["RS256", "ES256", "EdDSA", "Ed25519"],
};

/** The identity that the issuer asserts. */
export interface Identity {
  /** Issuer and subject own the name: a renewed token has the same. */
  readonly issuer: string;
  readonly subject: string;
  /** ms since 1970, with the tolerance of the clocks. */
  readonly expiresAt: number;
}

/** Verifies that `token` is good for `room` and `name`. */
export async function verifyToken(
  token: string,
  { room, name }: { readonly room: RoomName; readonly name: PeerName },
  settings: TokenSettings,
): Promise<Identity | CloseFrame> {
  const { keys, issuer, audience } = settings;
  if (token === "") {
    return forbidden(
      "this room asks for a token: give it as the key, in a header or a subprotocol",
    );
  }
  if (token.length > TOKEN_LENGTH) {
    return forbidden(`a token may have ${TOKEN_LENGTH} characters at most: get a shorter one`);
  }
  const isSecret = keys instanceof Uint8Array;
  const algorithms = isSecret ? ALGORITHMS.secret : ALGORITHMS.keySet;
  let claims: { readonly [claim: string]: unknown };
  try {
    claims = await verify(token, isSecret ? keys : keySetAt(keys).find, {
      algorithms,
      issuer,
      ...(audience !== undefined && { audience }),
      // A token without an expiry would be good for ever once it leaked.
      requiredClaims: ["exp", "sub"],
      clockTolerance: CLOCK_TOLERANCE_S,
    });
  } catch (error) {
    return refusalOf(error, algorithms);
  }
  const { sub: subject, name: given = subject, rooms, exp } = claims;
  if (typeof subject !== "string" || subject === "") {
    return forbidden("the token's claim sub must be a text that is not empty");
  }
  if (typeof given !== "string" || parsePeerName(given) === undefined) {
    return forbidden("what the token's claim name (without one, sub) says is no name for a room");
  }
  if (parsePeerName(given) !== name) {
    return forbidden("the token is for another name: join with the name that it was made for");
  }
  if (!isListOfRooms(rooms)) {
    return forbidden('the token\'s claim rooms must be a list of rooms, like ["lobby", "team-*"]');
  }
  if (!covers(rooms, room)) {
    return forbidden("the token is not for this room: join one that its claim rooms covers");
  }
  const expiresAt = Math.floor((Number(exp) + CLOCK_TOLERANCE_S) * 1_000);
  return { issuer, subject, expiresAt: Math.min(expiresAt, Number.MAX_SAFE_INTEGER) };
}

/** Verifies a token with the key that it names, or, if it names none, with each key of its kind. */
async function verify(
  token: string,
  keys: Uint8Array | KeySet["find"],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (keys instanceof Uint8Array) return (await jwtVerify(token, keys, options)).payload;
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (wrong) {
        if (!(wrong instanceof JWSSignatureVerificationFailed)) throw wrong;
      }
    }
    throw new JWSSignatureVerificationFailed();
  }
}

const forbidden = (reason: string): CloseFrame => ({ code: CLOSE.FORBIDDEN, reason });

function refusalOf(error: unknown, algorithms: readonly string[]): CloseFrame {
  if (error instanceof KeysUnavailable) {
    const reason = "the keys that tokens are verified with cannot be fetched now: come back later";
    return { code: CLOSE.UNAVAILABLE, reason };
  }
  if (error instanceof JWTExpired) return EXPIRED;
  if (error instanceof JWTClaimValidationFailed) {
    return forbidden(`the token's claim ${error.claim} is missing, or not what is expected here`);
  }
  if (error instanceof JOSEAlgNotAllowed) {
    return forbidden(`the token must be signed with ${algorithms.join(", ")}`);
  }
  if (error instanceof JWSInvalid || error instanceof JWTInvalid) {
    return forbidden("the key must be a token (a signed JWT) here, and this is none");
  }
  return forbidden("the token is not signed with a key that this room trusts: get a new one");
}

/** One room may stand without a list; an absent claim means every room. */
const isListOfRooms = (rooms: unknown): rooms is readonly string[] | string | undefined =>
  rooms === undefined ||
  typeof rooms === "string" ||
  (Array.isArray(rooms) && rooms.every((room) => typeof room === "string"));

/** @param rooms exact names, or `prefix*` */
function covers(rooms: readonly string[] | string | undefined, room: RoomName): boolean {
  if (rooms === undefined) return true;
  return [rooms].flat().some((given) => {
    // The star at the end does not belong to the name.
    if (given.length > NAME_UNITS + 1) return false;
    const pattern = given.normalize("NFC");
    return pattern.endsWith("*") ? room.startsWith(pattern.slice(0, -1)) : room === pattern;
  });
}
