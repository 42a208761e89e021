/**
 * Parses the command line.
 *
 * Invariant: the result is valid options, a text to show, or a sentence that says what to correct.
 */
import { parseArgs } from "node:util";
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { readEndpoint } from "../../client/endpoint.ts";
import { HELP } from "./help.ts";
import { WHOLE_NUMBER } from "../../protocol/whole-number.ts";

export interface Options {
  readonly name: string;
  readonly room: string;
  readonly url: URL;
  readonly key?: string;
  readonly since?: number;
  readonly json: boolean;
  /** Each message begins with its number. */
  readonly numbers: boolean;
  /** How long the room may be unreachable or silent in non-interactive mode, in ms; Infinity for no limit. */
  readonly timeoutMs: number;
}

export type ParsedArguments =
  | { readonly type: "chat"; readonly options: Options }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "version" }
  | { readonly type: "invalid"; readonly why: string };

const FLAGS = {
  url: { type: "string" },
  key: { type: "string" },
  since: { type: "string" },
  timeout: { type: "string" },
  json: { type: "boolean" },
  numbers: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

const TIMEOUT_S = 30;
const TIMEOUT_MAX_S = 86_400;

class UsageError extends Error {}

export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ParsedArguments {
  try {
    return read(args, env);
  } catch (error) {
    if (error instanceof UsageError) return { type: "invalid", why: error.message };
    throw error;
  }
}

function read(args: readonly string[], env: NodeJS.ProcessEnv): ParsedArguments {
  const { tokens } = parseArgs({
    args: [...args],
    options: FLAGS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind === "option") given.set(token.name, valueOf(token));
  }
  if (given.has("help")) return { type: "help", text: HELP };
  if (given.has("version")) return { type: "version" };

  const [name, room = "lobby", ...more] = words;
  const address = words.find((word) => /^\w+:\/\//.test(word));
  if (address !== undefined) {
    throw new UsageError(`"${address}" looks like the address of a server: write --url ${address}`);
  }
  if (name === undefined) throw new UsageError("give a name: chat NAME [ROOM]");
  if (more.length > 0) {
    throw new UsageError(
      `too many arguments: "${more.join(" ")}"; messages are read from standard input`,
    );
  }
  const peer = parsePeerName(name);
  if (peer === undefined) throw new UsageError(`"${name}" is not a valid name: ${NAME_GRAMMAR}`);
  const place = parseRoomName(room);
  if (place === undefined)
    throw new UsageError(`"${room}" is not a valid room name: ${NAME_GRAMMAR}`);
  // An empty key means no key, as on the wire.
  const key = given.get("key") ?? env["CHAT_KEY"] ?? "";
  const since = given.get("since");
  const options: Options = {
    name: peer,
    room: place,
    url: readUrl(given.get("url") ?? "http://localhost:8787"),
    ...(key !== "" && { key: readKey(key) }),
    ...(since !== undefined && { since: readSince(since) }),
    json: given.has("json"),
    numbers: given.has("numbers"),
    timeoutMs: readTimeout(given.get("timeout") ?? String(TIMEOUT_S)),
  };
  return { type: "chat", options };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function valueOf({ name, rawName, value, inlineValue }: OptionToken): string {
  if (!Object.hasOwn(FLAGS, name)) {
    const all = Object.keys(FLAGS).map((flag) => `--${flag}`);
    throw new UsageError(`unknown option ${rawName}; the options are ${all.join(", ")}`);
  }
  const { type } = FLAGS[name as keyof typeof FLAGS];
  if (type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return "";
  }
  // In "--url --json" the address is missing; a value that begins with "-" can be given as --key=-x.
  const forgotten = value === undefined || (inlineValue !== true && /^-./.test(value));
  if (forgotten) throw new UsageError(`${rawName} needs a value: ${rawName}=…`);
  return value;
}

function readUrl(text: string): URL {
  const url = readEndpoint(text);
  if (typeof url === "string") throw new UsageError(`--url: ${url}`);
  return url;
}

function readKey(key: string): string {
  if (!key.isWellFormed()) throw new UsageError("the key is not well-formed Unicode");
  return key;
}

function readSince(text: string): number {
  const since = Number(text);
  if (!WHOLE_NUMBER.test(text) || !Number.isSafeInteger(since)) {
    throw new UsageError(
      `--since: expected a whole number, or 0 for all messages that concern you, not "${text}"`,
    );
  }
  return since;
}

function readTimeout(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds > TIMEOUT_MAX_S) {
    throw new UsageError(
      `--timeout: expected seconds, at most ${TIMEOUT_MAX_S}, or 0 for no limit, not "${text}"`,
    );
  }
  return seconds === 0 ? Infinity : seconds * 1000;
}
