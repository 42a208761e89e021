/**
 * Process groups of servers: start one, kill it by its id, and wait until no thread of it is alive.
 *
 * Invariants:
 * - Only groups that this process started are killed, and only once: later, the id could belong to another process.
 * - No process of a started group stays behind, however this process ends, even by `kill -9`.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

/** Longest time for killed processes to be gone, on a busy machine. */
const DYING_MS = 60_000;

/**
 * The leader of a server's group. It kills the whole group when its input closes, as it does when the test process dies
 * for any reason, and when the server exits.
 */
const LEADER = 'folder=$1; shift; ("$@"; kill -9 0) & cat; rm -rf "$folder"; kill -9 0';

export type Leader = ChildProcessByStdio<Writable, Readable, Readable>;

const groups = new Set<Leader>();

/** @param folder removed when the group ends */
export function startGroup(
  command: readonly string[],
  folder: string,
  how: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Leader {
  const leader = spawn("sh", ["-c", LEADER, "sh", folder, ...command], {
    ...how,
    // The leader of a new group.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  groups.add(leader);
  leader.on("close", () => groups.delete(leader));
  return leader;
}

/** Kills the whole group of `leader`. */
export function endGroup(leader: Leader): void {
  if (groups.delete(leader) && leader.pid !== undefined) killGroup(leader.pid);
}

/** Kills every process of a group that the caller has started and not ended yet. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // All of it is gone already.
  }
}

/**
 * Waits until no process of the group is alive. On a busy machine the runtime dies after its leader, and until then
 * holds its port and its database, so the next server on that database would fail with SQLITE_BUSY. No event reports
 * the end, so this function polls.
 * @throws if that takes too long
 */
export async function waitUntilEmpty(group: number): Promise<void> {
  for (const start = performance.now(); performance.now() - start < DYING_MS;) {
    if (!isAlive(group)) return;
    await pause(10);
  }
  throw new Error(`the killed process group ${group} is still alive after ${DYING_MS} ms`);
}

/** Zombies stay listed until they are reaped; but a process with a living thread still holds its files. */
function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some(
    (pid) =>
      /^\d+$/.test(pid) &&
      statOf(`/proc/${pid}`)[2] === String(group) &&
      threadsOf(pid).some(([state]) => state !== "Z" && state !== "X"),
  );
}

function threadsOf(pid: string): (readonly string[])[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => statOf(`/proc/${pid}/task/${thread}`));
  } catch {
    return [];
  }
}

/**
 * @param folder of a process or a thread, in `/proc`
 * @returns state, parent, group and the other fields after the name, which may contain any character; "X" if it has
 *   just ended
 */
export function statOf(folder: string): readonly string[] {
  try {
    const stat = readFileSync(join(folder, "stat"), "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return ["X"];
  }
}

process.on("exit", () => {
  for (const leader of groups) endGroup(leader);
});
