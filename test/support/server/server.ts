/**
 * The server as a user starts it: the "start" script of package.json, on a free port and with storage of its own.
 *
 * Invariants:
 * - All processes of a server are one group (process-group.ts), led by the one that was started.
 * - A storage has one server at a time: the next one starts when no process of the last one is alive.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { waitUntilEmpty, endGroup, type Leader, startGroup } from "./process-group.ts";
import { Notifier } from "../wait-for.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const READY_MS = 60_000;
/**
 * Attempts to start on a free port: it is chosen first and bound seconds later, when another process may have taken it.
 */
const STARTS = 4;
const ADDRESS_IN_USE = "Address already in use";

const ERROR_LINE = /error|uncaught|exception/i;
/**
 * Errors that the runtime prints by itself: a client left without sending anything, or reset its connection during a
 * write; a client violated the WebSocket protocol.
 */
const RUNTIME_ERROR =
  /Network connection lost|disconnected: ::write\(.*Connection reset by peer|WebSocket protocol error/;

interface Running {
  readonly url: string;
  /** The server's output so far. */
  readonly output: () => string;
  /** Waits until the server has printed this text. */
  readonly prints: (text: string) => Promise<unknown>;
  readonly child: Leader;
  /** Resolves when the leader of the group has exited and no process holds its output. */
  readonly gone: Promise<void>;
}

export type Vars = Readonly<Record<string, string | number>>;

interface Settings {
  readonly vars: Vars;
  readonly script?: string;
  readonly more?: readonly string[];
}

export class Server {
  readonly #settings: Settings;
  readonly #folder: string;
  #running: Running;
  /** The output before the last restart. */
  #before = "";
  #isKilled = false;

  private constructor(settings: Settings, folder: string, running: Running) {
    this.#settings = settings;
    this.#folder = folder;
    this.#running = running;
  }

  /**
   * @param vars   differences from the [vars] of wrangler.toml
   * @param script another entry than that of wrangler.toml
   * @param more   further flags for wrangler
   */
  static async starts(
    vars: Vars = {},
    script?: string,
    more: readonly string[] = [],
  ): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "chat-room-e2e-"));
    folders.add(folder);
    const settings = script === undefined ? { vars, more } : { vars, script, more };
    return new Server(settings, folder, await start(settings, folder, 0));
  }

  /** Returns the lines with this text since the last start. */
  printed(text: string): string[] {
    return this.#running
      .output()
      .split("\n")
      .filter((line) => line.includes(text));
  }

  /** Returns the database files of all rooms, with a hash of their bytes. */
  stored(): Map<string, string> {
    const files = readdirSync(this.#folder, { recursive: true, encoding: "utf8" });
    const databases = files.filter(
      (file) => /\.sqlite(-wal)?$/.test(file) && file.includes("ChatRoom"),
    );
    const hash = (file: string): string =>
      createHash("sha256")
        .update(readFileSync(join(this.#folder, file)))
        .digest("hex");
    return new Map(databases.map((file) => [file, hash(file)]));
  }

  /** `http://…`, without a path. A restart keeps it, unless another process has taken the port. */
  get url(): string {
    return this.#running.url;
  }

  /** The process group of the whole server. */
  get group(): number {
    return this.#running.child.pid ?? 0;
  }

  /** Kills every process of the server with SIGKILL, whatever it is doing. */
  async killNine(): Promise<void> {
    if (this.#isKilled) return;
    endGroup(this.#running.child);
    await this.#running.gone;
    await waitUntilEmpty(this.group);
    this.#before += this.#running.output();
    this.#isKilled = true;
  }

  /** Starts again after `killNine`, on the same storage and, if it is still free, the same port. */
  async restart(): Promise<void> {
    if (!this.#isKilled) throw new Error("the server is running or starting");
    this.#isKilled = false;
    this.#running = await start(this.#settings, this.#folder, Number(new URL(this.url).port));
  }

  /** The output since the last start. */
  get output(): string {
    return this.#running.output();
  }

  /** Returns the output up to now. `output` may lag behind it. */
  async allPrinted(): Promise<string> {
    // Output is in order: once this request is logged, everything before it is.
    const marker = `/${randomUUID()}`;
    await fetch(this.url + marker);
    await this.#running.prints(marker);
    return this.#running.output();
  }

  /** The output before the last kill. */
  get pastOutput(): string {
    return this.#before;
  }

  /** Returns the lines that look like errors, since the first start. */
  async loggedErrors(): Promise<string[]> {
    const lines = (this.#before + (await this.allPrinted())).split("\n");
    return lines.filter((line) => ERROR_LINE.test(line) && !RUNTIME_ERROR.test(line));
  }

  async stop(): Promise<void> {
    const reloaded = /^.*reload.*$/im.exec(this.#running.output())?.[0];
    await this.killNine();
    remove(this.#folder);
    if (reloaded !== undefined) {
      throw new Error(
        `the source changed while the tests ran, which cuts connections: ${reloaded}`,
      );
    }
  }
}

/** @param port 0 for any free port */
async function start(settings: Settings, folder: string, port: number): Promise<Running> {
  for (let left = STARTS - 1; ; left--) {
    try {
      return await startOnce(settings, folder, left === STARTS - 1 ? port : 0);
    } catch (error) {
      if (left === 0 || !String(error).includes(ADDRESS_IN_USE)) throw error;
    }
  }
}

async function startOnce(
  { vars, script, more = [] }: Settings,
  folder: string,
  port: number,
): Promise<Running> {
  const flags = ["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  flags.push("--persist-to", join(folder, "state"));
  for (const [name, value] of Object.entries(vars)) flags.push("--var", `${name}:${value}`);
  flags.push(...more);
  if (script !== undefined) flags.push(script);
  const command = [...startScript().split(" "), ...flags];
  const child = startGroup(command, folder, { cwd: ROOT, env: environment(folder) });
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const notifier = new Notifier();
  let output = "";
  let failure: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      notifier.notify();
    });
  }
  child.on("error", (error) => {
    failure = `cannot be started: ${error.message}`;
    resolve();
    notifier.notify();
  });
  child.on("close", () => {
    failure = "exited";
    resolve();
    notifier.notify();
  });
  const ready = (): string | undefined => {
    const url = /Ready on (https?:\/\/[\w.:-]+)/.exec(output)?.[1];
    if (url !== undefined) return url;
    if (failure !== undefined) throw new Error(`the server ${failure}\n${output}`);
    return undefined;
  };
  try {
    const what = (): string => `"Ready on http://…" from the server, which printed:\n${output}`;
    const url = await notifier.until(ready, what, READY_MS);
    const prints = (text: string): Promise<boolean> =>
      notifier.until(
        () => output.includes(text),
        () => `${text} in the output, which is:\n${output}`,
      );
    return { url, output: () => output, prints, child, gone };
  } catch (error) {
    endGroup(child);
    // The next attempt must not meet a process of this one.
    if (child.pid !== undefined) await waitUntilEmpty(child.pid);
    throw error;
  }
}

function startScript(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return (manifest as { scripts: { start: string } }).scripts.start;
}

/** npm's environment without the test runner's variables; all files stay in the folder. */
function environment(folder: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$)/.test(name));
  return {
    ...Object.fromEntries(own),
    PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
    // npm builds the page, and would leave a compile cache in the temporary folder.
    NODE_DISABLE_COMPILE_CACHE: "1",
    WRANGLER_LOG_PATH: join(folder, "logs"),
    WRANGLER_REGISTRY_PATH: join(folder, "registry"),
  };
}

const folders = new Set<string>();

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  folders.delete(folder);
}

process.on("exit", () => {
  for (const folder of folders) remove(folder);
});
