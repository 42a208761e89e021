/**
 * `npm run token`: makes a token for a room whose secret is at hand, to try tokens with.
 *
 * Invariants:
 * - Only the token goes to standard output, so that `$(npm run -s token -- alice)` is a key.
 * - The secret is read from the environment or from `.dev.vars`, never from the command line, where others can see it.
 */
import { readFileSync } from "node:fs";
import { parseArgs, parseEnv } from "node:util";
import { SignJWT } from "jose/jwt/sign";
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { DEFAULT_ISSUER, readTokenSettings, type TokenVars } from "../../config/jwt.ts";

const HELP = `Makes a token that lets NAME into a room, to try tokens with.

  npm run -s token -- NAME [--room ROOM]... [--for 1h]

  --room ROOM   a room that it lets into, or the beginning of several, as in "team-*";
                may come more than once; every room, if you do not say
  --for TIME    how long it is good for: a number and s, m, h or d; 1h if you do not say

JWT_SECRET must be what the room has, from the environment or the file .dev.vars; JWT_ISSUER
and JWT_AUDIENCE too, if the room has them. Then, as alice:

  CHAT_KEY=$(npm run -s token -- alice) npm run chat -- alice
  npx wscat -H "Authorization: Bearer $(npm run -s token -- alice)" \\
    -c 'ws://localhost:8787/rooms/lobby?name=alice'
`;

const VARS = ["JWT_SECRET", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"] as const;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LONGEST_DAYS = 366;

/** What the person who called has to mend. */
class Wrong extends Error {}

interface Arguments {
  readonly name: string;
  readonly rooms: readonly string[];
  readonly seconds: number;
}

function readArguments(args: string[]): Arguments | "help" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "help";
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0) throw new Wrong("give one name");
  const name = parsePeerName(given);
  if (name === undefined) throw new Wrong(`"${given}" is no name: ${NAME_GRAMMAR}`);
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
    throw new Wrong(error instanceof Error ? error.message : String(error));
  }
}

function readRoom(text: string): string {
  const isMany = text.endsWith("*");
  const beginning = isMany ? text.slice(0, -1) : text;
  if (isMany && beginning === "") return text;
  const room = parseRoomName(beginning);
  if (room === undefined) {
    throw new Wrong(`--room: "${text}" is no room, and no beginning of one with a star behind it`);
  }
  return isMany ? `${room}*` : room;
}

function readTime(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? 0);
  if (!(seconds > 0 && seconds <= LONGEST_DAYS * 86_400)) {
    throw new Wrong(`--for: "${text}" is not like 30m, 1h or 7d, and at most ${LONGEST_DAYS}d`);
  }
  return seconds;
}

/** Of the environment if it says how tokens are checked, else of the file. */
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

function mint({ name, rooms, seconds }: Arguments): Promise<string> {
  const settings = readTokenSettings(readVars());
  if (settings === undefined) {
    throw new Wrong(
      "there is no JWT_SECRET: put the room's into the environment or into the file .dev.vars",
    );
  }
  if (typeof settings === "string") throw new Wrong(settings);
  const { keys, issuer, audience = DEFAULT_ISSUER } = settings;
  if (!(keys instanceof Uint8Array)) {
    throw new Wrong("the tokens of this room come from the issuer whose keys are at JWKS_URL");
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
  const wish = readArguments(process.argv.slice(2));
  process.stdout.write(wish === "help" ? HELP : `${await mint(wish)}\n`);
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  process.stderr.write(`token: ${error.message}\nnpm run -s token -- --help tells the rest\n`);
  process.exitCode = 2;
}
