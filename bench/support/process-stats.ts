/** Memory and CPU time of a process group, read from `/proc`. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { statOf } from "../../test/support/server/process-group.ts";

export interface ProcessStats {
  /** Resident memory of all its processes, in bytes; shared memory counts for each process. */
  readonly rss: number;
  /** CPU time of all its processes so far, in ms. */
  readonly cpuMs: number;
  readonly processes: number;
}

const numberOf = (variable: string): number =>
  Number(execFileSync("getconf", [variable], { encoding: "utf8" }));
const PAGE_BYTES = numberOf("PAGESIZE");
const TICK_MS = 1_000 / numberOf("CLK_TCK");

export function processStats(group: number): ProcessStats {
  let rss = 0;
  let cpuMs = 0;
  let processes = 0;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const fields = statOf(`/proc/${pid}`);
    if (Number(fields[2]) !== group) continue;
    processes++;
    cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    rss += Number(fields[21]) * PAGE_BYTES;
  }
  if (processes === 0) throw new Error(`no process runs in process group ${group}`);
  return { rss, cpuMs, processes };
}
