/**
 * Parses a handshake: dialect, parameters, key.
 *
 * Invariants:
 * - The key is checked and hashed here, before a room is woken, and goes no further.
 * - Every rejection has a sentence that says what to do instead.
 */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";
import type { Dialect, Join, Session } from "../core/event.ts";
import { WHOLE_NUMBER } from "../protocol/whole-number.ts";
import { NAME_GRAMMAR, parsePeerName, type RoomName, type Seq } from "../protocol/ids.ts";
import { verifyToken } from "./auth/jwt.ts";
import type { TokenSettings } from "../config/jwt.ts";

const PARAMETERS = ["name", "since", "epoch", "session", "attempt"] as const;
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;
/** More characters than any epoch has: a part of the database's id, and the var EPOCH. */
const EPOCH_CHARACTERS = 128;
const BEARER = /^Bearer +([^ ].*)$/i;

/** The subprotocols that the client offers. */
const offered = (headers: Headers): string[] =>
  (headers.get("Sec-WebSocket-Protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");

export interface Offer {
  /** Undefined if something was offered, but no dialect. */
  readonly dialect: Dialect | undefined;
  /**
   * The subprotocol of the response: the dialect; without one, the first that was offered, because a browser otherwise
   * fails the connection before it reads the close; never a key. Undefined if nothing but keys was offered.
   */
  readonly echo: string | undefined;
}

/** None offered means `chat.line`, which is then not echoed. */
export function parseOffer(headers: Headers): Offer {
  const protocols = offered(headers);
  if (protocols.length === 0) return { dialect: "chat.line", echo: undefined };
  const dialect = (["chat.v1", "chat.line"] as const).find((one) => protocols.includes(one));
  return { dialect, echo: dialect ?? protocols.find(mayBeNamed) };
}

/** Returns whether the protocol may be echoed: it is not a key, and is a token of HTTP, as a header requires. */
const mayBeNamed = (protocol: string): boolean =>
  !protocol.toLowerCase().startsWith("key.") && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(protocol);

export const BAD_SUBPROTOCOL: CloseFrame = {
  code: CLOSE.BAD_REQUEST,
  reason: "offer the subprotocol chat.v1 or chat.line, or none, which means chat.line",
};

/** Reads the parameters and the key, in the order of the protocol. */
export async function parseHandshake(
  headers: Headers,
  query: URLSearchParams,
  room: RoomName,
  dialect: Dialect,
  tokens: TokenSettings | undefined,
): Promise<Join | CloseFrame> {
  const parameters = readParameters(query);
  if (typeof parameters === "string") return { code: CLOSE.BAD_REQUEST, reason: parameters };
  const key = readKey(headers);
  if (typeof key === "string") return { code: CLOSE.FORBIDDEN, reason: key };
  const { name } = parameters;
  const entry = { room, dialect, ...parameters };
  if (tokens === undefined) return { ...entry, owner: await ownerByKey(room, name, key) };
  const bearer = await verifyToken(new TextDecoder().decode(key), { room, name }, tokens);
  if ("code" in bearer) return bearer;
  const { issuer, subject, expiresAt } = bearer;
  return { ...entry, owner: await ownerByToken(room, name, issuer, subject), expiresAt };
}

type Parameters = Pick<Join, "name" | "since" | "epoch" | "session">;

function readParameters(query: URLSearchParams): Parameters | string {
  const repeated = PARAMETERS.find((parameter) => query.getAll(parameter).length > 1);
  if (repeated !== undefined) return `${repeated}: give it once`;
  const [given, since, epoch, token, attempt] = PARAMETERS.map((parameter) => query.get(parameter));

  if (typeof given !== "string") return "name: missing; connect to /rooms/ROOM?name=NAME";
  const name = parsePeerName(given);
  if (name === undefined) return `name: ${NAME_GRAMMAR}`;

  if (typeof since === "string") {
    if (!WHOLE_NUMBER.test(since))
      return "since: expected a whole number, 0 or the last seq you processed";
    if (since !== "0" && typeof epoch !== "string") {
      return "since: give welcome.epoch with it as epoch, or since=0 alone";
    }
  }
  if ((epoch ?? "").length > EPOCH_CHARACTERS) {
    return `epoch: expected welcome.epoch, at most ${EPOCH_CHARACTERS} characters`;
  }
  let session: Session | undefined;
  if (typeof token === "string" || typeof attempt === "string") {
    if (typeof token !== "string") return "session: missing; give session and attempt, or neither";
    if (typeof attempt !== "string")
      return "attempt: missing; give session and attempt, or neither";
    if (!TOKEN.test(token)) return "session: expected 1 to 64 of A-Z, a-z, 0-9, _ and -";
    if (!WHOLE_NUMBER.test(attempt))
      return "attempt: expected a whole number that rises with each connect";
    session = { token, attempt: Number(attempt) };
  }
  return {
    name,
    ...(typeof since === "string" && { since: toSeq(since) }),
    ...(typeof since === "string" && typeof epoch === "string" && { epoch }),
    ...(session && { session }),
  };
}

const toSeq = (digits: string): Seq => Math.min(Number(digits), Number.MAX_SAFE_INTEGER) as Seq;

/** @returns the bytes of the key, none for no key; or the error as a sentence */
function readKey(headers: Headers): Uint8Array | string {
  const authorization = headers.get("Authorization");
  if (authorization !== null) {
    const key = BEARER.exec(authorization)?.[1];
    if (key === undefined) return 'Authorization: expected "Bearer KEY"';
    // The runtime decodes headers as UTF-8; bytes that are not UTF-8 become replacement characters.
    if (key.includes("\ufffd")) return "Authorization: the key is not UTF-8";
    return new TextEncoder().encode(key);
  }
  const keys = offered(headers).filter((protocol) => protocol.startsWith("key."));
  const [encoded] = keys;
  if (encoded === undefined) return new Uint8Array();
  const bytes = fromBase64Url(encoded.slice("key.".length));
  if (keys.length > 1) return "the subprotocol key. was offered twice: give one key";
  return bytes && isUtf8(bytes)
    ? bytes
    : "the subprotocol key. must go on with the base64url of the key's UTF-8";
}

function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** @returns the owner of a name: empty without a key; otherwise a hash that is of no use elsewhere */
async function ownerByKey(room: string, name: string, key: Uint8Array): Promise<string> {
  return key.length === 0 ? "" : hash(JSON.stringify([room, name]), key);
}

/** No key gives the same hash: the hashed text has a comma where that of `ownerByKey` has the closing bracket. */
const ownerByToken = (...who: [room: string, name: string, issuer: string, subject: string]) =>
  hash(JSON.stringify(who));

async function hash(salt: string, bytes: Uint8Array = new Uint8Array()): Promise<string> {
  const all = new Uint8Array([...new TextEncoder().encode(salt), ...bytes]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
