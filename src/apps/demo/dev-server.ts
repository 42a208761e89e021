/**
 * A room server of the demo's own: what `npm start` starts, on a free port and a storage that is thrown away.
 *
 * Invariants:
 * - All its processes are one group, led by the one that is started here; only that group is ever ended.
 * - It is silent. If it fails, its output is in the error.
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
  /** Holds its storage and its logs; undefined before the first start. */
  #folder: string | undefined;
  /** The leader of the group; undefined when nothing runs. */
  #leader: ChildProcess | undefined;
  #output = "";
  #port = 0;

  /** @param bell rung when it is ready; told if it ends by itself */
  constructor(bell: Notifier) {
    this.#notifier = bell;
  }

  /** On loopback; 0 before the first start. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Starts, or starts again on the same storage and, if it is still free, the same port. */
  async start(): Promise<void> {
    const folder = (this.#folder ??= newFolder());
    this.#output = "";
    const leader = spawn(process.execPath, [...WRANGLER, ...this.#flags(folder)], {
      cwd: ROOT,
      env: {
        ...process.env,
        // It leaves no trace outside of the folder.
        WRANGLER_LOG_PATH: join(folder, "logs"),
        WRANGLER_REGISTRY_PATH: join(folder, "registry"),
      },
      // The leader of a new group. Ctrl-C does not reach it; `dispose` does.
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
    leader.on("error", (error) => this.#fails(leader, `cannot be started (${error.message})`));
    leader.on("close", () => this.#fails(leader, "ended by itself"));
    await this.#notifier.until(
      () => this.#readyPort() !== undefined,
      READY_MS,
      () => `the server did not become ready.${this.#said()}`,
    );
    this.#port = this.#readyPort() ?? this.#port;
  }

  /** SIGKILL to every process of the server, in the middle of whatever they do. Resolved when all are gone. */
  async kill(): Promise<void> {
    const leader = this.#leader;
    if (leader === undefined) return;
    const gone = new Promise((resolve) => leader.once("close", resolve));
    this.#endGroup();
    await gone;
  }

  /** Ends everything and removes the storage, at once: for the moment in which the process exits. */
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

  /** A process that was killed on purpose is nobody's leader any more, and its end no news. */
  #fails(leader: ChildProcess, how: string): void {
    if (this.#leader !== leader) return;
    this.#leader = undefined;
    this.#notifier.fail(`the server ${how}.${this.#said()}`);
  }

  #said(): string {
    const output = this.#output.trim();
    return output === "" ? " It said nothing." : ` It said:\n\n${output}\n`;
  }

  /** Once: later, the number of the group could be somebody else's. */
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
      throw new DemoError(`the server (process group ${String(group)}) could not be ended`, {
        cause: error,
      });
    }
  }
}

function newFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "chat-room-demo-"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DemoError(`no folder for the server's storage could be made: ${why}`);
  }
}
