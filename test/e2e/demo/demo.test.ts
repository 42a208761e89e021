/** The demo as a user runs it: a process of its own, until its end or Ctrl-C, which leaves nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../../src/apps/demo/main.ts", import.meta.url));
/** Enough for three returns with backoff and two starts of the server on a busy machine. */
const DEMO_MS = 120_000;
const ESCAPE = String.fromCharCode(27);
/** POSIX signals; on Windows a process cannot handle them. */
const hasSignals = process.platform !== "win32";

/** The temporary folder of the run, which must be empty afterwards. */
let folder: string;
let running: Set<Run>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chat-room-demo-test-"));
  running = new Set();
});

afterEach(async () => {
  // After a failed test: the demo ends its own server.
  for (const run of running) run.child.kill();
  await Promise.all(Array.from(running, ({ code }) => code));
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves with the exit code; null after an unhandled signal. */
  readonly code: Promise<number | null>;
  /** Waits until it has printed `text`. */
  readonly prints: (text: string) => Promise<void>;
}

function demo(flags: readonly string[] = [], vars: Readonly<Record<string, string>> = {}): Run {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|FORCE_)/.test(name),
  );
  const child = spawn(process.execPath, [MAIN, ...flags], {
    env: { ...Object.fromEntries(own), TMPDIR: folder, TEMP: folder, ...vars },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const prints = async (text: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (out.includes(text)) resolve();
    };
    child.stdout.on("data", look);
    look();
    const ended = code.then(() => {
      throw new Error(`the demo ended without "${text}":\n${out}${err}`);
    });
    await Promise.race([promise, ended]);
  };
  const run = { child, out: () => out, err: () => err, code, prints };
  running.add(run);
  return run;
}

/** Checks that a run has left nothing behind. */
async function isGone(run: Run): Promise<void> {
  const url = /ready on (http:\S+\d)/.exec(run.out())?.[1] ?? "no address";
  const answer = (): Promise<string> =>
    fetch(url).then(
      () => "answers",
      (error: unknown) => ((error as Error).cause as NodeJS.ErrnoException).code ?? "unclear",
    );
  expect(readdirSync(folder)).toEqual([]);
  // A killed process may keep its port open for a moment.
  await expect.poll(answer).toBe("ECONNREFUSED");
}

test(
  "runs to its end, and nothing is lost, doubled or reordered",
  async () => {
    const run = demo();
    expect(await run.code, run.out() + run.err()).toBe(0);
    expect(run.err()).toBe("");
    const story = [
      "A room server starts",
      "The three send 100 messages",
      "carol's connection is cut",
      "The server is killed with SIGKILL",
      "The server is started again on the same storage",
      "carol's connection is restored",
      "100 messages have been sent",
      "reordered",
      "Nothing was lost",
    ];
    const places = story.map((words) => run.out().indexOf(words));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const rows = run.out().matchAll(/^(\w+)((?: +\d+){5})$/gm);
    const table = Array.from(rows, ([, name, cells = ""]) => [
      name,
      ...cells.trim().split(/ +/).map(Number),
    ]);
    expect(table).toEqual([
      ["alice", 33, expect.any(Number), 0, 0, 0],
      ["bob", 34, expect.any(Number), 0, 0, 0],
      ["carol", 33, expect.any(Number), 0, 0, 0],
    ]);
    expect(run.out()).not.toContain(ESCAPE);
    await isGone(run);
  },
  DEMO_MS,
);

test.runIf(hasSignals).each([
  ["Ctrl-C", "SIGINT", 130, "carol's connection is cut"],
  ["the end of the terminal", "SIGHUP", 129, "ready on"],
  ["kill, while the server starts again", "SIGTERM", 143, "The server is started again"],
] as const)(
  "%s ends it, and nothing is left",
  async (_case, signal, code, moment) => {
    const run = demo();
    await run.prints(moment);
    run.child.kill(signal);
    expect(await run.code).toBe(code);
    expect(run.err()).toBe("");
    await isGone(run);
  },
  DEMO_MS,
);

test(
  "a server that cannot start is reported with its output",
  async () => {
    const run = demo([], { MINIFLARE_WORKERD_PATH: join(folder, "nowhere") });
    expect(await run.code).toBe(1);
    expect(run.err()).toMatch(/^\nThe demo failed: the server ended by itself\. It printed:\n/);
    expect(run.err()).toContain("nowhere ENOENT");
    expect(readdirSync(folder)).toEqual([]);
  },
  DEMO_MS,
);

test("a temporary folder that cannot be created is reported", async () => {
  const nowhere = join(folder, "nowhere");
  const run = demo([], { TMPDIR: nowhere, TEMP: nowhere });
  expect(await run.code).toBe(1);
  expect(run.err()).toMatch(
    /^\nThe demo failed: cannot create a folder for the server's storage: .*ENOENT/,
  );
});

test.each(["--help", "-h"])("%s prints the help", async (flag) => {
  const run = demo([flag]);
  expect(await run.code).toBe(0);
  expect(run.out()).toMatch(/^npm run demo\n/);
  expect(run.err()).toBe("");
});

test.each([
  ["an unknown flag", "--fast", "Unknown option '--fast'."],
  ["an argument", "fast", "Unexpected argument 'fast'."],
  [
    "a value for a flag that has none",
    "--help=me",
    "Option '-h, --help' does not take an argument.",
  ],
])("%s is rejected with a sentence", async (_case, word, sentence) => {
  const run = demo([word]);
  expect(await run.code).toBe(2);
  expect(run.err()).toBe(`${sentence} See "npm run demo -- --help".\n`);
  expect(run.out()).toBe("");
});
