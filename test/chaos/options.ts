/** The command line of `npm run test:chaos`. */
import { parseArgs } from "node:util";
import { readEndpoint } from "../../src/client/endpoint.ts";

export interface Options {
  readonly url: URL | undefined;
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
  /** The file for the servers' output. */
  readonly log: string | undefined;
}

export type ParsedArguments =
  | { readonly type: "help" }
  | { readonly type: "wrong"; readonly why: string }
  | { readonly type: "chaos"; readonly options: Options };

export const HELP = `npm run test:chaos -- [--url URL] [--seed N] [--minutes M] [--clients N] [--log FILE]

Tries to break the promises of the room. Clients of the shipped library connect through proxies that cut at any byte, go
silent, lag, and let handshakes overtake each other. They send, react, change and erase. Clients crash and start again
from their records. chat.line clients and hostile clients are in the same room; an operator erases messages. The server
is killed with SIGKILL and restarted. Then all disturbances end, and every message must be delivered and settled. The
command prints a verdict for each rule of docs/protocol.md, section 6.

  --url URL       an endpoint to test, http(s) or ws(s). Without it, chaos starts a server on temporary storage. The
                  server of an endpoint is not killed, has no operator here, and must have the default limits. The room
                  gets a random name and remains there
  --seed N        the seed of the schedule; random by default, and printed
  --minutes M     how long; 1 by default. It runs in rounds of at most a minute, each in a new room and with the next
                  seed, and each followed by some seconds without faults
  --clients N     number of clients, from 2 to 50; 5 by default
  --log FILE      appends the output of all servers to FILE
  --help          prints this text

A seed fixes the schedule of disturbances, not the timing: a seed that found something finds it often again, but not
always.

Exit codes
  0    every observable rule held
  1    a rule was violated
  2    the command line is invalid
  3    chaos could not run: the server does not start, or the endpoint is no chat room
  130  ended with Ctrl-C, after printing the verdicts so far
`;

const MAX_MINUTES = 24 * 60;

/** @param random the seed if the arguments name none */
export function readOptions(args: readonly string[], random: number): ParsedArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: "string" },
        seed: { type: "string", default: String(random) },
        minutes: { type: "string", default: "1" },
        clients: { type: "string", default: "5" },
        log: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) return { type: "help" };
    const url = values.url === undefined ? undefined : readUrl(values.url);
    const seed = readNumber("--seed", values.seed, 0, 2 ** 32 - 1);
    const clients = readNumber("--clients", values.clients, 2, 50);
    const minutes = Number(values.minutes);
    if (!/^\d+(\.\d+)?$/.test(values.minutes) || minutes <= 0 || minutes > MAX_MINUTES) {
      throw new TypeError(
        `--minutes: expected more than 0 and at most ${MAX_MINUTES}, not "${values.minutes}"`,
      );
    }
    return { type: "chaos", options: { url, seed, minutes, clients, log: values.log } };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error);
    return { type: "wrong", why };
  }
}

function readNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return value;
  throw new TypeError(`${flag}: expected a whole number from ${min} to ${max}, not "${text}"`);
}

function readUrl(text: string): URL {
  const url = readEndpoint(text);
  if (typeof url === "string") throw new TypeError(`--url: ${url}`);
  if (url.pathname !== "/") {
    throw new TypeError(
      `--url: expected only the server, as in https://chat.example.com, not "${text}"`,
    );
  }
  return url;
}
