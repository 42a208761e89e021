/**
 * A server's processes, as one group: ended together, and waited for until nothing of them is left.
 *
 * Invariants:
 * - Only a group that was started here is ever ended, and once: later, its number could be somebody else's.
 * - No process stays behind, however this process ends, by `kill -9` too.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

/** How long the killed may take to be gone, on a machine that is busy. */
const DYING_MS = 60_000;

/**
 * The leader of a server's group. It ends the whole group when its input ends, which it does with the test process,
 * whatever that dies of; and when the server ends by itself.
 */
const LEADER = 'folder=$1; shift; ("$@"; kill -9 0) & cat; rm -rf "$folder"; kill -9 0';

export type Leader = ChildProcessByStdio<Writable, Readable, Readable>;

const groups = new Set<Leader>();

/** @param folder is removed when the group ends */
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

/** Ends the whole group that `leader` leads. */
export function endGroup(leader: Leader): void {
  if (!groups.delete(leader) || leader.pid === undefined) return;
  try {
    process.kill(-leader.pid, "SIGKILL");
  } catch {
    // All of it is gone already.
  }
}

/**
 * Waits until nothing of the group is alive: on a busy machine the runtime dies after its leader, and until then holds its
 * port and its database; whoever starts another server on that database meets SQLITE_BUSY. Nothing tells when, so this
 * one asks by the clock.
 * @throws if that takes too long
 */
export async function waitUntilEmpty(group: number): Promise<void> {
  for (const start = performance.now(); performance.now() - start < DYING_MS;) {
    if (!isAlive(group)) return;
    await pause(10);
  }
  throw new Error(`the killed server, process group ${group}, is still there after ${DYING_MS} ms`);
}

/** The dead whom nobody has reaped stay listed; but a process whose threads are not all dead still holds its files. */
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
 * @returns state, parent, group and what else stands behind the name, which may hold anything; "X" of what has just ended
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
