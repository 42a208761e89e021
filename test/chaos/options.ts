/** The command line of `npm run test:chaos`. */
import { parseArgs } from "node:util";
import { readEndpoint } from "../../src/client/endpoint.ts";

export interface Options {
  readonly url: URL | undefined;
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
  /** Where to keep what the servers print. */
  readonly log: string | undefined;
}

export type ParsedArguments =
  | { readonly type: "help" }
  | { readonly type: "wrong"; readonly why: string }
  | { readonly type: "chaos"; readonly options: Options };

export const HELP = `npm run test:chaos -- [--url URL] [--seed N] [--minutes M] [--clients N] [--log FILE]

Tries to break the promises of the room: clients of the shipped library talk through links that are cut at any byte,
swallow everything, lag, and let handshakes overtake each other; clients die and come back from their records; people
with chat.line and hostile strangers are in the same room; the server is killed with SIGKILL and started again. Then all
of that ends, and everything must come right. It prints a verdict for each rule of docs/protocol.md, section 6.

  --url URL       an endpoint to try, http(s) or ws(s). Without it a server is started, on a storage that is thrown
                  away. Somebody else's server is not killed, and its limits are what they are: the defaults are expected.
                  The room gets a random name and stays behind
  --seed N        what goes wrong, and when; without it, a random one, which is printed
  --minutes M     how long; 1 if you do not say. It is played in rounds of a minute at most, each in a new room and with
                  the next seed, and each with some seconds more for the calm
  --clients N     how many clients, from 2 to 50; 5 if you do not say
  --log FILE      what the servers of all rounds print is added to FILE
  --help

The same seed plans the same troubles. Real time does the rest, so no two runs are quite alike: what a seed found, it
finds often, and not always.

It exits with
  0    every rule that can be seen from outside held
  1    a rule was violated
  2    the command line cannot work
  3    it could not be tried: the server does not start, or the endpoint is no chat room
  130  it was ended with Ctrl-C, which prints the verdict so far
`;

const MAX_MINUTES = 24 * 60;

/** @param random a seed for whoever names none */
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
