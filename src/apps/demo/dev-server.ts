/**
 * The demo's own room server: the one of `npm start`, on a free port and with a temporary storage.
 *
 * Invariants:
 * - All its processes are one group, led by the one that is started here; only that group is ever ended.
 * - It prints nothing. If it fails, its output is in the error.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Notifier, DemoError } from "./notifier.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const WRANGLER = ["--env-file=.dev-server.env", "node_modules/wrangler/bin/wrangler.js", "dev"];
const READY_MS = 30_000;

export class DevServer {
  readonly #notifier: Notifier;
  /** The folder of its storage and logs; undefined before the first start. */
  #folder: string | undefined;
  /** The leader of the group; undefined while no server runs. */
  #leader: ChildProcess | undefined;
  #output = "";
  #port = 0;

  /** @param notifier notified of output, and of a failure if the server ends by itself */
  constructor(notifier: Notifier) {
    this.#notifier = notifier;
  }

  /** The port on loopback; 0 before the first start. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Starts; a restart uses the same storage and, if it is still free, the same port. */
  async start(): Promise<void> {
    const folder = (this.#folder ??= createFolder());
    this.#output = "";
    const leader = spawn(process.execPath, [...WRANGLER, ...this.#flags(folder)], {
      cwd: ROOT,
      env: {
        ...process.env,
        // The server leaves nothing outside the folder.
        WRANGLER_LOG_PATH: join(folder, "logs"),
        WRANGLER_REGISTRY_PATH: join(folder, "registry"),
      },
      // The leader of a new group: Ctrl-C does not reach it, but `dispose` ends it.
      detached: true,
      windowsHide: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#leader = leader;
    for (const stream of [leader.stdout, leader.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#notifier.notify();
      });
    }
    leader.on("error", (error) => this.#onEnd(leader, `cannot be started (${error.message})`));
    leader.on("close", () => this.#onEnd(leader, "ended by itself"));
    await this.#notifier.until(
      () => this.#readyPort() !== undefined,
      READY_MS,
      () => `the server did not become ready.${this.#printed()}`,
    );
    this.#port = this.#readyPort() ?? this.#port;
  }

  /** Sends SIGKILL to every process of the server, at any moment. Resolves when all are gone. */
  async kill(): Promise<void> {
    const leader = this.#leader;
    if (leader === undefined) return;
    const gone = new Promise((resolve) => leader.once("close", resolve));
    this.#endGroup();
    await gone;
  }

  /** Ends the server and removes the storage, synchronously, for the exit of the process. */
  dispose(): void {
    this.#endGroup();
    if (this.#folder === undefined) return;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #flags(folder: string): readonly string[] {
    const flags = ["--show-interactive-dev-session=false", "--ip", "127.0.0.1"];
    flags.push("--port", String(this.#port), "--inspector-port", "0");
    flags.push("--persist-to", join(folder, "state"));
    return flags;
  }

  #readyPort(): number | undefined {
    const port = /Ready on http:\/\/[^\s:]+:(\d+)/.exec(this.#output)?.[1];
    return port === undefined ? undefined : Number(port);
  }

  /** Reports an unexpected end. `kill` and `dispose` clear `#leader` first, so that their kill is not reported. */
  #onEnd(leader: ChildProcess, how: string): void {
    if (this.#leader !== leader) return;
    this.#leader = undefined;
    this.#notifier.fail(`the server ${how}.${this.#printed()}`);
  }

  #printed(): string {
    const output = this.#output.trim();
    return output === "" ? " It printed nothing." : ` It printed:\n\n${output}\n`;
  }

  /** Ends the group once: later, its number could belong to another group. */
  #endGroup(): void {
    const group = this.#leader?.pid;
    this.#leader = undefined;
    if (group === undefined) return;
    if (process.platform === "win32") {
      spawnSync("taskkill", ["/pid", String(group), "/t", "/f"], { windowsHide: true });
      return;
    }
    try {
      process.kill(-group, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return;
      throw new DemoError(`cannot end the server (process group ${String(group)})`, {
        cause: error,
      });
    }
  }
}

function createFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "chat-room-demo-"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DemoError(`cannot create a folder for the server's storage: ${why}`);
  }
}
