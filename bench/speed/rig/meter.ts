/** The cost of a piece of work to the server and the generator. */
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "./system-under-test.ts";

export interface Cost {
  /** Wall time in seconds. */
  readonly seconds: number;
  /** CPU seconds of the server's whole process tree. */
  readonly server: number;
  /** CPU seconds of the generator, which is this process. */
  readonly generator: number;
}

/** Starts a measurement. @returns a function that returns the cost since then */
export function meter(server: Server): () => Cost {
  const { cpuMs } = server.stats();
  const generator = process.cpuUsage();
  const start = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(generator);
    return {
      seconds: (performance.now() - start) / 1_000,
      server: (server.stats().cpuMs - cpuMs) / 1_000,
      generator: (user + system) / 1e6,
    };
  };
}

/** Above this share of its one core, the generator and not the server sets the pace. */
const GENERATOR_BOUND = 0.9;

export const isGeneratorBound = ({ generator, seconds }: Cost): boolean =>
  generator / seconds > GENERATOR_BOUND;

/** A server is idle if it uses no CPU for this long: longer than a tick of its CPU count, and than the room's timers. */
const IDLE_MS = 400;
/** Longest wait, because some servers are never idle. */
const LONGEST_WAIT_MS = 20_000;

/** Waits until the server is idle. */
export async function untilIdle(server: Server): Promise<void> {
  const start = performance.now();
  let cpuMs = -1;
  let since = start;
  while (performance.now() - since < IDLE_MS && performance.now() - start < LONGEST_WAIT_MS) {
    const used = server.stats().cpuMs;
    if (used !== cpuMs) since = performance.now();
    cpuMs = used;
    await pause(50);
  }
}
