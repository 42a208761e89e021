/** Chaos as a user runs it: a process of its own, with its own server or against an endpoint. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Server } from "../support/server/server.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** Two server starts, the disturbances and the final quiet phase, on a busy machine. */
const RUN_MS = 120_000;
/** Rules that can be checked from outside. */
const OBSERVABLE = ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R11"];

/** The run's temporary folder, which must be empty at the end. */
let folder: string;
let running: Set<ChildProcess>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chaos-test-"));
  running = new Set();
});

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly code: Promise<number | null>;
}

function chaos(flags: readonly string[], vars: Readonly<Record<string, string>> = {}): Run {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|FORCE_)/.test(name),
  );
  const child = spawn(process.execPath, [MAIN, ...flags], {
    env: { ...Object.fromEntries(own), TMPDIR: folder, TEMP: folder, ...vars },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, out: () => out, err: () => err, code };
}

/** Returns the rules with this verdict. */
const having = (verdict: string, { out }: Run): string[] =>
  Array.from(
    out().matchAll(new RegExp(`^ {2}(R\\d+) +${verdict}:`, "gm")),
    ([, rule = ""]) => rule,
  );

test(
  "a short run of seed 1 violates no rule",
  async () => {
    const log = join(folder, "server.log");
    const run = chaos(["--seed", "1", "--minutes", "0.1", "--log", log]);
    expect(await run.code, run.out() + run.err()).toBe(0);
    expect(having("held", run)).toEqual(OBSERVABLE);
    expect(having("not observable", run)).toEqual(["R9", "R10"]);
    expect(run.out()).toMatch(
      /round 1, seed 1: WINDOW=.*5 clients in \d+ lives, .*1 kill.*hostile actions/,
    );
    expect(run.out()).toMatch(/\nNo rule was violated with seed 1\.\n$/);
    expect(run.err()).toBe("");
    expect(readdirSync(folder)).toEqual(["server.log"]);
    // The server that was killed and its successor.
    expect(readFileSync(log, "utf8").split("Ready on http")).toHaveLength(3);
  },
  RUN_MS,
);

test(
  "an endpoint with TLS is tested under its own name, and is not killed",
  async () => {
    const server = await Server.starts({}, undefined, ["--local-protocol", "https"]);
    try {
      const url = new URL(server.url);
      url.hostname = "localhost";
      const ca = join(folder, "ca.pem");
      writeFileSync(ca, await certificateOf(url));
      const run = chaos(
        ["--url", url.origin, "--seed", "2", "--minutes", "0.05", "--clients", "3"],
        { NODE_EXTRA_CA_CERTS: ca },
      );
      expect(await run.code, run.out() + run.err()).toBe(0);
      expect(having("held", run)).toEqual(OBSERVABLE.filter((rule) => rule !== "R3"));
      expect(having("not tested", run)).toEqual(["R3"]);
      expect(run.out()).not.toMatch(/[1-9]\d* kill/);
    } finally {
      await server.stop();
    }
  },
  RUN_MS,
);

test(
  "Ctrl-C ends everything and prints the verdicts so far",
  async () => {
    const run = chaos(["--seed", "3", "--minutes", "5"]);
    await expect
      .poll(() => readdirSync(folder).some((name) => name.startsWith("chat-room-chaos-")), {
        timeout: 60_000,
      })
      .toBe(true);
    run.child.kill("SIGINT");
    expect(await run.code, run.out() + run.err()).toBe(130);
    expect(having("not tested", run)).toEqual(["R2", "R3", "R11"]);
    expect(run.out()).toMatch(/\nSo far no rule was violated with seed 3\.\n$/);
    expect(readdirSync(folder)).toEqual([]);
  },
  RUN_MS,
);

test(
  "an endpoint that is no chat room is an error",
  async () => {
    const other = createServer((_request, response) => response.end("hello"));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const run = chaos(["--url", `http://127.0.0.1:${port}`, "--seed", "1", "--minutes", "0.05"]);
    expect(await run.code, run.out() + run.err()).toBe(3);
    expect(run.err()).toMatch(/^\nChaos could not run \(seed 1\): .*everyone to join/);
    other.close();
  },
  RUN_MS,
);

test.each(["--help", "-h"])("%s prints the help", async (flag) => {
  const run = chaos([flag]);
  expect(await run.code).toBe(0);
  expect(run.out()).toMatch(/^npm run test:chaos -- /);
  expect(run.err()).toBe("");
});

test.each([
  ["an unknown flag", ["--fast"], "Unknown option '--fast'"],
  ["an argument", ["fast"], "Unexpected argument 'fast'"],
  [
    "a seed that is no number",
    ["--seed", "x"],
    '--seed: expected a whole number from 0 to 4294967295, not "x"',
  ],
  [
    "a seed below 0",
    ["--seed=-1"],
    '--seed: expected a whole number from 0 to 4294967295, not "-1"',
  ],
  ["no minutes", ["--minutes", "0"], '--minutes: expected more than 0 and at most 1440, not "0"'],
  ["one client", ["--clients", "1"], '--clients: expected a whole number from 2 to 50, not "1"'],
  [
    "an address with a path",
    ["--url", "http://localhost/rooms/x"],
    '--url: expected only the server, as in https://chat.example.com, not "http://localhost/rooms/x"',
  ],
  [
    "a secret in the address",
    ["--url", "http://me:secret@localhost"],
    "--url: no user or password belongs into an address: give a key instead",
  ],
  ["a log nowhere", ["--log", "/nowhere/log"], "--log: /nowhere/log cannot be written"],
  [
    "another protocol",
    ["--url", "ftp://localhost"],
    '--url: expected an address like https://chat.example.com or localhost:8787, not "ftp://localhost"',
  ],
])("%s is rejected with a sentence", async (_case, flags, sentence) => {
  const run = chaos(flags);
  expect(await run.code).toBe(2);
  expect(run.err()).toBe(`${sentence}. "npm run test:chaos -- --help" lists the options.\n`);
  expect(run.out()).toBe("");
});

/** Returns the server's own certificate as PEM, to be trusted for one test. */
function certificateOf({ hostname, port }: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: hostname, port: Number(port), rejectUnauthorized: false },
      () => {
        const { raw } = socket.getPeerX509Certificate() ?? {};
        const body = raw?.toString("base64").replaceAll(/(.{64})/g, "$1\n") ?? "";
        socket.destroy();
        resolve(`-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
      },
    );
    socket.on("error", reject);
  });
}
