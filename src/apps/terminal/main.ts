#!/usr/bin/env node
/**
 * The terminal client: parses the command line, and runs in interactive or non-interactive mode.
 *
 * Invariant: every failure gives a person a sentence and a script an exit code, never a stack trace.
 */
import { readFileSync, writeSync } from "node:fs";
import { fileStorage } from "../../client/storage/file/file-storage.ts";
import { ChatClient } from "../../client/index.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { EXIT, type Exit } from "./exit.ts";
import { runInteractive } from "./interactive.ts";
import { type Options, readOptions } from "./options.ts";
import { runNonInteractive } from "./non-interactive.ts";
import { recordPath } from "./record-path.ts";

const { stdin, stdout, stderr, env } = process;

/** Maximum time for the last output and the close frame. */
const EXIT_MS = 2_000;

async function main(): Promise<Exit> {
  const parsed = readOptions(process.argv.slice(2), env);
  switch (parsed.type) {
    case "help":
      stdout.write(parsed.text);
      return EXIT.success;
    case "version":
      stdout.write(`chat ${version()}\n`);
      return EXIT.success;
    case "invalid":
      stderr.write(`chat: ${sanitizeLine(parsed.why)}\nsee chat --help\n`);
      return EXIT.usage;
    case "chat":
      return chat(parsed.options);
    default:
      return parsed satisfies never;
  }
}

function chat(options: Options): Promise<Exit> {
  const { url, room, name, key, since, json, numbers, timeoutMs } = options;
  const dumb = env["TERM"] === "dumb";
  const colour = stdout.isTTY && !dumb && !json && (env["NO_COLOR"] ?? "") === "";
  const terminated = whenTerminated();
  const client = new ChatClient({
    url,
    room,
    name,
    ...(key !== undefined && { key }),
    ...(since !== undefined && { since }),
    storage: fileStorage(recordPath({ url, room, name }, env)),
  });
  const shared = { colour, numbers, url, hasKey: key !== undefined, terminated };
  if (stdin.isTTY && stdout.isTTY && !dumb && !json) {
    return runInteractive(client, { ...shared, input: stdin, output: stdout });
  }
  const streams = { input: stdin, output: stdout, errors: stderr };
  return runNonInteractive(client, { ...shared, ...streams, json, timeoutMs });
}

/**
 * Resolves on a signal, or when a stream is closed at its other end: the program then leaves in good order. A second
 * Ctrl-C ends it at once. SIGHUP is handled every time, because a closed terminal may send it more than once.
 */
function whenTerminated(): Promise<Exit> {
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

/** Exits after pending output and the close frame are sent, which an immediate exit would cut off. */
function exitSoon(exit: Exit): void {
  process.exitCode = exit;
  stdin.destroy();
  setTimeout(() => process.exit(), EXIT_MS).unref();
}

/** Exits at once: the record is safe, and nothing after an unexpected error can be trusted. */
function exitOnBug(error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  const lines = [`chat: this is a bug, please report it: ${sanitizeLine(why)}`];
  if ((env["CHAT_DEBUG"] ?? "") !== "" && error instanceof Error) lines.push(error.stack ?? "");
  try {
    writeSync(stderr.fd, `${lines.join("\n")}\n`);
  } catch {
    // Standard error is closed.
  }
  process.exit(EXIT.bug);
}

process.on("uncaughtException", exitOnBug);
main().then(exitSoon, exitOnBug);
