/**
 * `npm run token`: makes a token for a room whose secret you have, to try tokens.
 *
 * Invariants:
 * - Only the token goes to standard output, so that `$(npm run -s token -- alice)` is a key.
 * - The secret comes from the environment or from `.dev.vars`, never from the command line, which other users can read.
 */
import { readFileSync } from "node:fs";
import { parseArgs, parseEnv } from "node:util";
import { SignJWT } from "jose/jwt/sign";
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { DEFAULT_ISSUER, readTokenSettings, type TokenVars } from "../../config/jwt.ts";

const HELP = `Makes a token with which NAME may join a room, to try tokens.

  npm run -s token -- NAME [--room ROOM]... [--for 1h]

  --room ROOM   a room that the token is for, or a prefix such as "team-*"; may be given
                several times; the default is every room
  --for TIME    how long the token is valid: a number and s, m, h or d; the default is 1h

JWT_SECRET must be the room's, in the environment or the file .dev.vars; so must JWT_ISSUER
and JWT_AUDIENCE, if the room has them. Then, as alice:

  CHAT_KEY=$(npm run -s token -- alice) npm run chat -- alice
  npx wscat -H "Authorization: Bearer $(npm run -s token -- alice)" \\
    -c 'ws://localhost:8787/rooms/lobby?name=alice'
`;

const VARS = ["JWT_SECRET", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"] as const;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const MAX_DAYS = 366;

/** An error that the user can correct; the message is a sentence. */
class UsageError extends Error {}

interface Arguments {
  readonly name: string;
  readonly rooms: readonly string[];
  readonly seconds: number;
}

function readArguments(args: string[]): Arguments | "help" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "help";
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0) throw new UsageError("give one name");
  const name = parsePeerName(given);
  if (name === undefined) throw new UsageError(`"${given}" is not a valid name: ${NAME_GRAMMAR}`);
  return { name, rooms: (values.room ?? []).map(readRoom), seconds: readTime(values.for ?? "1h") };
}

function parse(args: string[]) {
  const options = {
    room: { type: "string", multiple: true },
    for: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readRoom(text: string): string {
  const isPrefix = text.endsWith("*");
  const start = isPrefix ? text.slice(0, -1) : text;
  if (isPrefix && start === "") return text;
  const room = parseRoomName(start);
  if (room === undefined) {
    throw new UsageError(
      `--room: "${text}" is neither a room name nor the beginning of one followed by a star`,
    );
  }
  return isPrefix ? `${room}*` : room;
}

function readTime(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS[unit] ?? 0);
  if (!(seconds > 0 && seconds <= MAX_DAYS * 86_400)) {
    throw new UsageError(
      `--for: expected a time like 30m, 1h or 7d, at most ${MAX_DAYS}d, not "${text}"`,
    );
  }
  return seconds;
}

/** Reads the vars of the environment if it has JWT_SECRET or JWKS_URL, else those of the file. */
function readVars(): TokenVars {
  const { JWT_SECRET, JWKS_URL } = process.env;
  const vars = (JWT_SECRET ?? JWKS_URL) === undefined ? readFile() : process.env;
  const given = VARS.map((name) => [name, vars[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function readFile(): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(new URL("../../../.dev.vars", import.meta.url), "utf8"));
  } catch {
    return {};
  }
}

function mintToken({ name, rooms, seconds }: Arguments): Promise<string> {
  const settings = readTokenSettings(readVars());
  if (settings === undefined) {
    throw new UsageError(
      "JWT_SECRET is not set: put the room's into the environment or into the file .dev.vars",
    );
  }
  if (typeof settings === "string") throw new UsageError(settings);
  const { keys, issuer, audience = DEFAULT_ISSUER } = settings;
  if (!(keys instanceof Uint8Array)) {
    throw new UsageError("the tokens of this room come from the issuer whose keys are at JWKS_URL");
  }
  return new SignJWT(rooms.length > 0 ? { rooms } : {})
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(name)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(keys);
}

try {
  const parsed = readArguments(process.argv.slice(2));
  process.stdout.write(parsed === "help" ? HELP : `${await mintToken(parsed)}\n`);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`token: ${error.message}\nsee npm run -s token -- --help\n`);
  process.exitCode = 2;
}
