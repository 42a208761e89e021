/**
 * Reads the command line.
 *
 * Invariant: whatever is given, the answer is options that can work, a text to show, or a sentence on what to mend.
 */
import { parseArgs } from "node:util";
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { readEndpoint } from "../../client/endpoint.ts";
import { HELP } from "./help.ts";

export interface Options {
  readonly name: string;
  readonly room: string;
  readonly url: URL;
  readonly key?: string;
  readonly since?: number;
  readonly json: boolean;
  /** ms that the room may be out of reach, or silent, when not at a terminal; Infinity: for ever. */
  readonly timeoutMs: number;
}

export type ParsedArguments =
  | { readonly type: "chat"; readonly options: Options }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "version" }
  | { readonly type: "wrong"; readonly why: string };

const FLAGS = {
  url: { type: "string" },
  key: { type: "string" },
  since: { type: "string" },
  timeout: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

const TIMEOUT_S = 30;
const TIMEOUT_MAX_S = 86_400;

class Wrong extends Error {}

export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ParsedArguments {
  try {
    return read(args, env);
  } catch (error) {
    if (error instanceof Wrong) return { type: "wrong", why: error.message };
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
  if (name === undefined) throw new Wrong('who are you? Write "chat NAME [ROOM]"');
  if (more.length > 0) {
    throw new Wrong(
      `a name and a room are enough: what is "${more.join(" ")}"? Messages go in by standard input`,
    );
  }
  const peer = parsePeerName(name);
  if (peer === undefined) throw new Wrong(`"${name}" is no name: ${NAME_GRAMMAR}`);
  const place = parseRoomName(room);
  if (place === undefined)
    throw new Wrong(`"${room}" is no room, which is named as people are: ${NAME_GRAMMAR}`);
  // An empty key is no key, on the wire as well.
  const key = given.get("key") ?? env["CHAT_KEY"] ?? "";
  const since = given.get("since");
  const options: Options = {
    name: peer,
    room: place,
    url: readUrl(given.get("url") ?? "http://localhost:8787"),
    ...(key !== "" && { key: readKey(key) }),
    ...(since !== undefined && { since: readSince(since) }),
    json: given.has("json"),
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
    throw new Wrong(`there is no option ${rawName}; there are ${all.join(", ")}`);
  }
  const { type } = FLAGS[name as keyof typeof FLAGS];
  if (type === "boolean") {
    if (value !== undefined) throw new Wrong(`${rawName} stands alone, without a value`);
    return "";
  }
  // "--url --json" forgot the address; a value that begins with "-" can be given as --key=-x.
  const forgotten = value === undefined || (inlineValue !== true && /^-./.test(value));
  if (forgotten) throw new Wrong(`${rawName} needs a value: ${rawName}=…`);
  return value;
}

function readUrl(text: string): URL {
  const url = readEndpoint(text);
  if (typeof url === "string") throw new Wrong(`--url: ${url}`);
  return url;
}

function readKey(key: string): string {
  if (!key.isWellFormed()) throw new Wrong("the key is not well-formed Unicode");
  return key;
}

function readSince(text: string): number {
  const since = Number(text);
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(since)) {
    throw new Wrong(
      `--since: expected a whole number, 0 for all that still concerns you, not "${text}"`,
    );
  }
  return since;
}

function readTimeout(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds > TIMEOUT_MAX_S) {
    throw new Wrong(
      `--timeout: expected seconds, at most ${TIMEOUT_MAX_S}, or 0 for ever, not "${text}"`,
    );
  }
  return seconds === 0 ? Infinity : seconds * 1000;
}
