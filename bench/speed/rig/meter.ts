/** What a stretch of work cost the server and the generator. */
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "./system-under-test.ts";

export interface Cost {
  /** Seconds on the wall. */
  readonly seconds: number;
  /** CPU seconds of the server's whole process tree. */
  readonly server: number;
  /** CPU seconds of the generator: this process. */
  readonly generator: number;
}

/** @returns what, when called, tells the cost since */
export function meter(server: Server): () => Cost {
  const { cpuMs } = server.usage();
  const generator = process.cpuUsage();
  const start = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(generator);
    return {
      seconds: (performance.now() - start) / 1_000,
      server: (server.usage().cpuMs - cpuMs) / 1_000,
      generator: (user + system) / 1e6,
    };
  };
}

/** The generator runs on one core: above this share of it, it and not the server set the pace. */
const BOUND = 0.9;

export const isGeneratorBound = ({ generator, seconds }: Cost): boolean =>
  generator / seconds > BOUND;

/** How long a server that rests uses no CPU: longer than the ticks in which it is counted, and than the room's timers. */
const REST_MS = 400;
/** Some never rest. */
const SETTLED_MS = 20_000;

/** Waits until the server has done what it has to do. */
export async function settled(server: Server): Promise<void> {
  const start = performance.now();
  let cpuMs = -1;
  let since = start;
  while (performance.now() - since < REST_MS && performance.now() - start < SETTLED_MS) {
    const used = server.usage().cpuMs;
    if (used !== cpuMs) since = performance.now();
    cpuMs = used;
    await pause(50);
  }
}
