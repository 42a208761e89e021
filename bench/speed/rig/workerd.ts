/** Runs a Worker and its Durable Object on plain workerd: no wrangler, no proxy in front, storage in a given folder. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { build } from "esbuild";
import type { Server } from "./system-under-test.ts";
import { OwnProcess } from "./own-process.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const START_MS = 20_000;
/** The unique key of the object's class: the name of its storage folder, and an input of its ids. */
export const UNIQUE_KEY = "bench";

export interface Worker {
  /** The Worker's entry, relative to the project's root. */
  readonly entry: string;
  readonly className: string;
  readonly binding: string;
  readonly vars?: Readonly<Record<string, string | number>>;
}

export interface WorkerOptions {
  /** The port of V8's inspector, for profiling; none by default. */
  readonly inspector?: number;
  /** Called with the server's own folder before it starts. */
  prepare?(home: string): void;
  /** Called with each pause of V8's garbage collector, in ms. */
  onPause?(ms: number): void;
}

/** @param folder the folder for the storage, on a real disk or a tmpfs */
export async function startWorkerd(
  worker: Worker,
  folder: string,
  { inspector, prepare, onPause }: WorkerOptions = {},
): Promise<Server> {
  const home = mkdtempSync(join(folder, "chat-room-bench-"));
  prepare?.(home);
  const bundled = join(home, "worker.js");
  await build({
    entryPoints: [join(ROOT, worker.entry)],
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*", "node:*"],
    outfile: bundled,
    logLevel: "error",
  });
  const port = await freePort();
  const vars = Object.entries(worker.vars ?? {}).map(
    ([name, value]) => `(name = "${name}", text = "${value}")`,
  );
  const bindings = [
    `(name = "${worker.binding}", durableObjectNamespace = "${worker.className}")`,
    ...vars,
  ];
  writeFileSync(
    join(home, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "${home}", writable = true)),
  ],
  v8Flags = [${onPause === undefined ? "" : '"--trace-gc"'}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-08-15",
  durableObjectNamespaces = [(className = "${worker.className}", uniqueKey = "${UNIQUE_KEY}", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [${bindings.join(", ")}],
);
`,
  );
  const binary = join(ROOT, "node_modules/workerd/bin/workerd");
  const inspect = inspector === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspector}`];
  const parameters = ["serve", ...inspect, join(home, "config.capnp")];
  const server = new OwnProcess(
    binary,
    parameters,
    onPause && ((line) => pausesIn(line).forEach((ms) => onPause(ms))),
  );
  await untilListening(port, server);
  return {
    url: `ws://127.0.0.1:${port}`,
    stats: () => server.stats(),
    stop: async () => {
      await server.ends();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Parses the pauses from a line of `--trace-gc`, in ms: `… 12.1 (15.4) -> 3.1 (12.9) MB, pooled: 2.5 MB, 4.96 / 0.00 ms …`. */
const pausesIn = (line: string): number[] =>
  Array.from(line.matchAll(/ MB, ([\d.]+) \/ [\d.]+ ms /g), ([, ms]) => Number(ms));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number, server: OwnProcess): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && !server.hasEnded) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (answers) return;
    await pause(20);
  }
  throw new Error("workerd did not start to listen");
}
