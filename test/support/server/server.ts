/**
 * The server as a user starts it: the "start" script of package.json, as processes of its own, on a free port and a
 * storage of its own.
 *
 * Invariants:
 * - All processes of a server are one group (group.ts), led by the one that was started.
 * - There is one server on a storage at a time: the next one starts when nothing of the last one is alive.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { waitUntilEmpty, endGroup, type Leader, startGroup } from "./process-group.ts";
import { Notifier } from "../wait-for.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const READY_MS = 60_000;
/** Starts until one finds its port free: it is looked for first and taken seconds later, by then perhaps somebody's. */
const STARTS = 4;
const PORT_TAKEN = "Address already in use";

const COMPLAINT = /error|uncaught|exception/i;
/**
 * What the runtime prints by itself: a client left that never said a word, or reset its link while something was being
 * written to it; a client broke the rules of WebSocket.
 */
const OF_THE_RUNTIME =
  /Network connection lost|disconnected: ::write\(.*Connection reset by peer|WebSocket protocol error/;

interface Running {
  readonly url: string;
  /** What the server printed so far. */
  readonly output: () => string;
  /** Waits until the server has printed something. */
  readonly prints: (text: string) => Promise<unknown>;
  readonly child: Leader;
  /** Resolved when the leader of the group is gone, and nobody holds its output any more. */
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
  /** What the server printed in the lives before this one. */
  #before = "";
  #isKilled = false;

  private constructor(settings: Settings, folder: string, running: Running) {
    this.#settings = settings;
    this.#folder = folder;
    this.#running = running;
  }

  /**
   * @param vars what differs from the [vars] of wrangler.toml
   * @param script another entry than the one of wrangler.toml
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

  /** The lines with this text that the server printed since it was last started. */
  printed(text: string): string[] {
    return this.#running
      .output()
      .split("\n")
      .filter((line) => line.includes(text));
  }

  /** What lies on the disk of all rooms: each file of a database, and a hash of its bytes. */
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

  /** `http://…`, without a path; after a restart the same, unless somebody took the port meanwhile. */
  get url(): string {
    return this.#running.url;
  }

  /** The process group in which all of the server runs. */
  get group(): number {
    return this.#running.child.pid ?? 0;
  }

  /** `kill -9` of every process of the server, in the middle of whatever they do. */
  async killNine(): Promise<void> {
    if (this.#isKilled) return;
    endGroup(this.#running.child);
    await this.#running.gone;
    await waitUntilEmpty(this.group);
    this.#before += this.#running.output();
    this.#isKilled = true;
  }

  /** Starts again, after `killNine`, on the same storage and, if it is still free, the same port. */
  async restart(): Promise<void> {
    if (!this.#isKilled) throw new Error("the server was not killed, or is starting already");
    this.#isKilled = false;
    this.#running = await start(this.#settings, this.#folder, Number(new URL(this.url).port));
  }

  /** All that the server printed since it was last started. */
  get output(): string {
    return this.#running.output();
  }

  /** All that it printed of what has happened by now: the rest may still be on its way to `output`. */
  async allPrinted(): Promise<string> {
    // The output comes in order: once this request is logged, so is what happened before it.
    const marker = `/${randomUUID()}`;
    await fetch(this.url + marker);
    await this.#running.prints(marker);
    return this.#running.output();
  }

  /** All that it has printed in the lives that are over. */
  get pastOutput(): string {
    return this.#before;
  }

  /** What it printed of errors, in all its lives. */
  async loggedErrors(): Promise<string[]> {
    const lines = (this.#before + (await this.allPrinted())).split("\n");
    return lines.filter((line) => COMPLAINT.test(line) && !OF_THE_RUNTIME.test(line));
  }

  async stop(): Promise<void> {
    const reloaded = /^.*reload.*$/im.exec(this.#running.output())?.[0];
    await this.killNine();
    remove(this.#folder);
    if (reloaded !== undefined) {
      throw new Error(`the source was changed while the tests ran, which cuts links: ${reloaded}`);
    }
  }
}

/** @param port 0 for any that is free */
async function start(settings: Settings, folder: string, port: number): Promise<Running> {
  for (let left = STARTS - 1; ; left--) {
    try {
      return await startOnce(settings, folder, left === STARTS - 1 ? port : 0);
    } catch (error) {
      if (left === 0 || !String(error).includes(PORT_TAKEN)) throw error;
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
    failure = "ended by itself";
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
    const what = (): string => `"Ready on http://…" from the server, which said:\n${output}`;
    const url = await notifier.until(ready, what, READY_MS);
    const prints = (text: string): Promise<boolean> =>
      notifier.until(
        () => output.includes(text),
        () => `${text} in the output, which is:\n${output}`,
      );
    return { url, output: () => output, prints, child, gone };
  } catch (error) {
    endGroup(child);
    // The next try must not meet what is left of this one.
    if (child.pid !== undefined) await waitUntilEmpty(child.pid);
    throw error;
  }
}

function startScript(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return (manifest as { scripts: { start: string } }).scripts.start;
}

/** What npm gives its scripts, nothing of the test runner's, and no trace outside of the folder. */
function environment(folder: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$)/.test(name));
  return {
    ...Object.fromEntries(own),
    PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
    // npm, which builds the page, leaves one in the temporary folder.
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
