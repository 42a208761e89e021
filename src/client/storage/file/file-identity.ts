/**
 * Identifies a process, so that another one can check whether it is still alive. For Node.js.
 *
 * A pid alone does not: it is used again after the process ended, and every container has its own pid 1.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own units; empty where the system has no such value. */
  readonly started: string;
  /** The scope of its pid: two processes of the same place see each other's pids. */
  readonly place: string;
  /** For people. */
  readonly host: string;
}

export function ownIdentity(): ProcessIdentity {
  const host = hostname();
  const started = isProcOurs() ? processOf(process.pid)?.started : undefined;
  return { pid: process.pid, started: started ?? "", place: placeOf(host), host };
}

/**
 * Returns whether the process is alive, as far as `own` can see.
 * @returns undefined if that cannot be seen: another machine, another container, or a system without `/proc`
 */
export function isAlive(other: ProcessIdentity, own: ProcessIdentity): boolean | undefined {
  if (other.place !== own.place) return undefined;
  if (!hasProcess(other.pid)) return false;
  const now = processOf(other.pid);
  if (now === undefined || own.started === "" || other.started === "") return undefined;
  // A zombie has ended, and waits for its parent to notice.
  return now.started === other.started && !"ZX".includes(now.state);
}

/** @returns undefined for an incomplete text: its process may have ended while it wrote */
export function readIdentity(text: string): ProcessIdentity | undefined {
  try {
    const { pid, started, place, host } = JSON.parse(text) as Record<string, unknown>;
    const areTexts = [started, place, host].every((one) => typeof one === "string");
    if (!Number.isSafeInteger(pid) || !areTexts) return undefined;
    return { pid, started, place, host } as ProcessIdentity;
  } catch {
    return undefined;
  }
}

/** Returns whether a process with this pid exists here. It may be another one than the one that had the pid before. */
export function hasProcess(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** On Linux one boot of one machine, and its namespaces. Elsewhere the name of the host. */
function placeOf(host: string): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // A start time is counted in the time namespace.
    const [pids, time] = ["pid", "time"].map((name) => readlinkSync(`/proc/self/ns/${name}`));
    return `${boot} ${pids} ${time}`;
  } catch {
    return `${process.platform} ${host}`;
  }
}

/** Inside a pid namespace, `/proc` may be that of another namespace. */
function isProcOurs(): boolean {
  try {
    return readlinkSync("/proc/self") === String(process.pid);
  } catch {
    return false;
  }
}

function processOf(pid: number): { state: string; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, which may have any character in it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state, started] = [fields[0], fields[19]];
    return state === undefined || started === undefined ? undefined : { state, started };
  } catch {
    return undefined;
  }
}
