/** A Worker with its Durable Object on plain workerd: no wrangler, no proxy in front, storage on a folder of our own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { build } from "esbuild";
import type { Server } from "./system-under-test.ts";
import { OwnProcess } from "./own-process.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const START_MS = 20_000;
/** Of the object's class: the folder of its storage, and part of what ids are made of. */
export const UNIQUE_KEY = "bench";

export interface Worker {
  /** The Worker's entry, from the project's root. */
  readonly entry: string;
  readonly className: string;
  readonly binding: string;
  readonly vars?: Readonly<Record<string, string | number>>;
}

export interface Wishes {
  /** A port for V8's inspector, to profile; none by default. */
  readonly inspector?: number;
  /** Is given the server's own folder before it starts. */
  prepare?(home: string): void;
  /** Hears how long V8's collector held everything up each time, in ms. */
  onPause?(ms: number): void;
}

/** @param folder where the storage goes: a real disk, or a tmpfs */
export async function startWorkerd(
  worker: Worker,
  folder: string,
  { inspector, prepare, onPause }: Wishes = {},
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
    usage: () => server.usage(),
    stop: async () => {
      await server.ends();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The pause that a line of `--trace-gc` tells of, in ms: `… 12.1 (15.4) -> 3.1 (12.9) MB, pooled: 2.5 MB, 4.96 / 0.00 ms …`. */
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
  throw new Error("workerd does not listen");
}
