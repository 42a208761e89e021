#!/usr/bin/env node
/**
 * The terminal client: reads the command line, and hands over to the screen or to the pipes.
 *
 * Invariant: whatever goes wrong, the person reads a sentence and a script an exit code; never a stack trace.
 */
import { readFileSync, writeSync } from "node:fs";
import { fileStorage } from "../../client/storage/file.ts";
import { ChatClient } from "../../client/index.ts";
import { cleanLine } from "./sanitize.ts";
import { EXIT, type Exit } from "./exit.ts";
import { runInteractive } from "./interactive.ts";
import { type Options, readOptions } from "./options.ts";
import { runNonInteractive } from "./non-interactive.ts";
import { recordPath } from "./record-path.ts";

const { stdin, stdout, stderr, env } = process;

/** How long a goodbye may take. */
const GOODBYE_MS = 2_000;

async function main(): Promise<Exit> {
  const wish = readOptions(process.argv.slice(2), env);
  switch (wish.type) {
    case "help":
      stdout.write(wish.text);
      return EXIT.fine;
    case "version":
      stdout.write(`chat ${version()}\n`);
      return EXIT.fine;
    case "wrong":
      stderr.write(`chat: ${cleanLine(wish.why)}\nchat --help tells the rest\n`);
      return EXIT.usage;
    case "chat":
      return chat(wish.options);
    default:
      return wish satisfies never;
  }
}

function chat(options: Options): Promise<Exit> {
  const { url, room, name, key, since, json, timeoutMs } = options;
  const dumb = env["TERM"] === "dumb";
  const colour = stdout.isTTY && !dumb && !json && (env["NO_COLOR"] ?? "") === "";
  const told = toldToEnd();
  const client = new ChatClient({
    url,
    room,
    name,
    ...(key !== undefined && { key }),
    ...(since !== undefined && { since }),
    storage: fileStorage(recordPath({ url, room, name }, env)),
  });
  if (stdin.isTTY && stdout.isTTY && !dumb && !json) {
    return runInteractive(client, { input: stdin, output: stdout, colour, url, told });
  }
  const streams = { input: stdin, output: stdout, errors: stderr };
  return runNonInteractive(client, { ...streams, colour, json, timeoutMs, url, told });
}

/**
 * A signal, or nobody at the other end: leaves in good order. A second Ctrl-C ends at once; a terminal that goes away
 * may hang up more than once.
 */
function toldToEnd(): Promise<Exit> {
  return new Promise((resolve) => {
    process.on("SIGHUP", () => resolve(EXIT.hungUp));
    stdin.on("error", () => resolve(EXIT.hungUp));
    process.once("SIGINT", () => resolve(EXIT.interrupted));
    process.once("SIGTERM", () => resolve(EXIT.terminated));
    stdout.on("error", () => resolve(EXIT.brokenPipe));
    stderr.on("error", () => {});
  });
}

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  );
  return String((manifest as { version?: unknown }).version);
}

/** Lets what was written and the goodbye to the room go out, which an exit at once would cut off. */
function leave(exit: Exit): void {
  process.exitCode = exit;
  stdin.destroy();
  setTimeout(() => process.exit(), GOODBYE_MS).unref();
}

/** At once: what is on record is safe, and what would come next cannot be trusted. */
function giveUp(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  const lines = [`chat: this is a bug, please report it: ${cleanLine(why)}`];
  if ((env["CHAT_DEBUG"] ?? "") !== "" && error instanceof Error) lines.push(error.stack ?? "");
  try {
    writeSync(stderr.fd, `${lines.join("\n")}\n`);
  } catch {
    // Nobody listens.
  }
  process.exit(EXIT.bug);
}

process.on("uncaughtException", giveUp);
main().then(leave, giveUp);
