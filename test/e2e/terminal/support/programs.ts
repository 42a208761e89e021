/**
 * Runs the terminal client as people and scripts do: at a pseudo-terminal, and between pipes.
 *
 * Invariant: only processes that were started here are ended, by their id, each at the end of its test at the latest.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { Notifier } from "../../../support/wait-for.ts";
import { Emulator } from "./emulator.ts";

const MAIN = new URL("../../../../src/apps/terminal/main.ts", import.meta.url).pathname;
/** Begins the control sequences of a terminal. */
export const ESCAPE = "\u001b";

export const hasScript = spawnSync("script", ["--version"]).status === 0;

type Env = Readonly<Record<string, string>>;

/** Creates a folder of its own for records. */
export function newHome(): { readonly XDG_STATE_HOME: string } {
  const folder = mkdtempSync(join(tmpdir(), "chat-room-terminal-"));
  homes.add(folder);
  return { XDG_STATE_HOME: folder };
}

const homes = new Set<string>();
process.on("exit", () => {
  for (const folder of homes) rmSync(folder, { recursive: true, force: true });
});

/** The environment of a person's shell, without the test runner's variables. */
const environment = (env: Env): Env => ({
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  TERM: "xterm-256color",
  LANG: "C.UTF-8",
  SHELL: "/bin/sh",
  ...env,
});

abstract class Program<Child extends ChildProcess> {
  protected readonly child: Child;
  protected readonly notifier = new Notifier();
  readonly #ended: Promise<number | null>;

  constructor(child: Child) {
    this.child = child;
    const { promise, resolve } = Promise.withResolvers<number | null>();
    this.#ended = promise;
    child.on("close", (code) => {
      this.notifier.notify();
      resolve(code);
    });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await this.#ended;
    });
  }

  /** The exit code; null after a signal. */
  async exit(): Promise<number | null> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`the program does not end; so far:\n${this.account()}`)),
      20_000,
    );
    try {
      return await Promise.race([this.#ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  protected abstract account(): string;
}

/** A program between pipes. */
export class Piped extends Program<ChildProcessByStdio<Writable, Readable, Readable>> {
  out = "";
  err = "";

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    super(child);
    for (const stream of ["stdout", "stderr"] as const) {
      const name = stream === "stdout" ? "out" : "err";
      child[stream].setEncoding("utf8");
      child[stream].on("data", (text: string) => {
        this[name] += text;
        this.notifier.notify();
      });
    }
    child.stdin.on("error", () => {});
  }

  static starts(args: readonly string[], env: Env): Piped {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: environment(env),
      stdio: ["pipe", "pipe", "pipe"],
    });
    return new Piped(child);
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN;
  }

  writes(text: string): void {
    this.child.stdin.write(text);
  }

  /** Ends the input. */
  ends(text = ""): this {
    this.child.stdin.end(text);
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Closes standard output. */
  stopsReading(): void {
    this.child.stdout.destroy();
  }

  async says(text: string): Promise<void> {
    await this.notifier.until(
      () => this.out.includes(text),
      () => `${JSON.stringify(text)} on standard output; ${this.account()}`,
    );
  }

  async complains(text: string): Promise<void> {
    await this.notifier.until(
      () => this.err.includes(text),
      () => `${JSON.stringify(text)} on standard error; ${this.account()}`,
    );
  }

  /** The JSON objects on standard output, one a line. */
  objects(type: string): unknown[] {
    const lines = this.out.split("\n").filter((line) => line !== "");
    const objects = lines.map((line) => JSON.parse(line) as { type: string });
    return objects.filter((object) => object.type === type);
  }

  protected override account(): string {
    return JSON.stringify({ out: this.out, err: this.err }, undefined, 1);
  }
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `echo INPUT | chat ARGS`. */
export async function run(args: readonly string[], env: Env, input = ""): Promise<Ended> {
  const program = Piped.starts(args, env).ends(input);
  const code = await program.exit();
  return { code, out: program.out, err: program.err };
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** A person at a pseudo-terminal, which util-linux's `script` provides. */
export class Person extends Program<ChildProcessByStdio<Writable, Readable, null>> {
  readonly #emulator: Emulator;
  /** Everything that was written to the terminal. */
  raw = "";
  #failure: unknown;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    { columns }: { columns: number },
  ) {
    super(child);
    this.#emulator = new Emulator(columns);
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      this.raw += text;
      try {
        this.#emulator.write(text);
      } catch (error) {
        this.#failure = error;
      }
      this.notifier.notify();
    });
    child.stdin.on("error", () => {});
  }

  static sitsDown(args: readonly string[], env: Env, columns = 80): Person {
    const chat = [process.execPath, MAIN, ...args].map(quoted).join(" ");
    const command = `stty cols ${columns} rows 24; exec ${chat}`;
    const child = spawn("script", ["-qfec", command, "/dev/null"], {
      env: environment(env),
      stdio: ["pipe", "pipe", "ignore"],
    });
    return new Person(child, { columns });
  }

  /** The rows on the screen. */
  get rows(): string[] {
    return this.#emulator.rows;
  }

  types(keys: string): void {
    this.child.stdin.write(keys);
  }

  /**
   * Presses keys and waits until the last row shows them. Readline recognizes a key only if it arrives alone: keys in
   * one piece are a paste, in which Tab is a character.
   */
  async strikes(keys: string, row: string): Promise<void> {
    this.types(keys);
    await this.seesAtBottom(row);
  }

  /** Sends a signal to the program, which is the only child of `script`. */
  signals(signal: NodeJS.Signals): void {
    const children = `/proc/${this.child.pid}/task/${this.child.pid}/children`;
    process.kill(Number(readFileSync(children, "utf8").trim()), signal);
  }

  /** Closes the terminal. */
  vanishes(): void {
    this.child.kill("SIGKILL");
  }

  /** Waits until the screen satisfies `look`. */
  async sees(what: string, look: (rows: readonly string[]) => boolean): Promise<void> {
    await this.notifier.until(
      () => {
        if (this.#failure !== undefined) throw this.#failure as Error;
        return look(this.rows);
      },
      () => `${what}; ${this.account()}`,
      20_000,
    );
  }

  /** Waits until these are the last rows of the screen. */
  seesAtBottom(...rows: readonly (string | RegExp)[]): Promise<void> {
    return this.sees(`at the bottom ${rows.map(String).join(" / ")}`, (all) => {
      const last = all.slice(-rows.length);
      return rows.every((row, index) => {
        const seen = last[index] ?? "";
        return typeof row === "string" ? seen === row : row.test(seen);
      });
    });
  }

  protected override account(): string {
    return `the screen:\n${this.rows.join("\n")}`;
  }
}
