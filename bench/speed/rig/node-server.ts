/** Starts a system that is a Node process of its own and prints `port N` once it listens. */
import type { Server } from "./system-under-test.ts";
import { OwnProcess } from "./own-process.ts";

/** @param module the program to run */
export async function startNode(module: URL): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const server = new OwnProcess(process.execPath, [module.pathname], (line) =>
    resolve(line.slice("port ".length)),
  );
  void server.over.then(() => reject(new Error(`${module.pathname} ended before it listened`)));
  const port = await promise;
  return {
    url: `ws://127.0.0.1:${port}`,
    stats: () => server.stats(),
    stop: () => server.ends(),
  };
}
