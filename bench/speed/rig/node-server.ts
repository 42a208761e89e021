/**
 * A contender that is a Node process of its own. It prints `port N` once it listens.
 *
 * Invariant: the process ends with `stop`, or with this process.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { usageOf } from "../../support/usage.ts";
import type { Server } from "./contender.ts";

/** @param module what it runs */
export async function startNode(module: URL): Promise<Server> {
  const child = spawn(process.execPath, [module.pathname], {
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, which is what its usage is counted by.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${module.pathname} cannot be started`);
  const over = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const end = (): void => {
    child.kill("SIGKILL");
  };
  process.prependOnceListener("exit", end);
  const port = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => resolve(line.slice("port ".length)));
    child.once("exit", () => reject(new Error(`${module.pathname} ended before it listened`)));
  });
  return {
    url: `ws://127.0.0.1:${port}`,
    usage: () => usageOf(pid),
    stop: async () => {
      end();
      await over;
      process.off("exit", end);
    },
  };
}
