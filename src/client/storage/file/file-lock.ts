/**
 * A lock that one client at a time holds: among clients of one process, processes, containers on one volume, and hosts on
 * one network disk. For Node.js.
 *
 * The lock is a folder. A client that wants it puts a *claim* there: a file whose random name is never used again.
 *
 * Invariants:
 * - A client owns the lock if it has seen, after it made its claim, that there is no other one. Of two clients at least
 *   one sees the claim of the other, so there are never two owners.
 * - No client moves or writes a claim of another one. A stale claim is removed by its name, which no newer claim can have:
 *   however late the removal, it hits no living owner.
 * - A claim is stale if its process is known to have ended, or, where that cannot be seen, if it was not renewed for
 *   `STALE_MS` while it was observed. The clocks of two machines are never compared.
 * - A client whose claim was removed no longer owns the lock, and cannot write: see `commit`.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, openSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import {
  hasProcess,
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  readIdentity,
} from "./file-identity.ts";
import { codeOf, readIfThere, writeAt } from "./file-io.ts";

/** How often an owner renews its claim. */
export const RENEW_MS = 3_000;
/** How long a claim of a process that cannot be seen is observed, without a renewal, before it is stale. */
export const STALE_MS = 15_000;
/** The most that counts of the time between two checks: an observer that slept has seen nothing. */
const LOOK_MS = 1_000;
/** The time between two checks: 20 to 80 ms. */
const pauseMs = (): number => 20 + Math.random() * 60;

const CLAIM = /^[0-9a-f]{24}$/;
type Stage = "claims" | "owns";
const stageLine = (stage: Stage, turn: number): string =>
  `${stage.padEnd(6)} ${String(turn).padStart(15, "0")}\n`;

/** The claims that this copy of the module holds: its own process is not seen from outside. */
const held = new Set<string>();

/** A claim of another client, and what was observed of it. */
interface Claim {
  readonly name: string;
  readonly text: string;
  readonly owns: boolean;
  readonly identity: ProcessIdentity | undefined;
  /** Whether its process is alive; undefined: that cannot be seen from here. */
  readonly isAlive: boolean | undefined;
  readonly wasRenewed: boolean;
  /** How long it was observed without a renewal, by the monotonic clock. */
  readonly silentMs: number;
  /** The last check, by the monotonic clock. */
  readonly at: number;
}

/** Another client has the lock. The message says which one. */
export class HeldError extends Error {}

/** This client has lost the lock. The message says why. */
export class LostError extends Error {}

export class FileLock {
  readonly #folder: string;
  readonly #own: ProcessIdentity;
  readonly #observed = new Map<string, Claim>();
  #name = "";
  /** The byte at which the line of the stage begins in the claim. */
  #stageAt = 0;
  #turn = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param folder its parent must exist */
  constructor(folder: string, own: ProcessIdentity = ownIdentity()) {
    this.#folder = folder;
    this.#own = own;
  }

  /**
   * Takes the lock: at once if no other client wants it, or if its last owner is known to have ended. It waits for a claim of
   * a process that cannot be seen: `RENEW_MS` if that is alive, `STALE_MS` if it is not.
   * @throws HeldError if another client has it, and what the file system throws
   */
  async take(): Promise<void> {
    try {
      for (let renewedAt = 0; ;) {
        const others = this.#others();
        const holder = others.find((claim) => claim.owns && (claim.isAlive || claim.wasRenewed));
        if (holder !== undefined) throw new HeldError(this.#describe(holder));
        if (others.length === 0) {
          if (this.#name === "") {
            this.#claim();
            renewedAt = performance.now();
            continue;
          }
          if (this.#renew("owns")) break;
          this.#withdraw();
          continue;
        }
        // Of several simultaneous claims, the first by name stays, and the others retry when it has decided.
        if (others.some(({ name }) => name < this.#name)) this.#withdraw();
        await new Promise((resolve) => setTimeout(resolve, pauseMs()));
        if (this.#name !== "" && performance.now() - renewedAt >= RENEW_MS) {
          renewedAt = performance.now();
          if (!this.#renew("claims")) this.#withdraw();
        }
      }
    } catch (error) {
      this.release();
      throw error;
    }
    this.#timer = setInterval(() => this.#keep(), RENEW_MS);
    // The timer keeps no process alive. In Deno it may be a number.
    if (typeof this.#timer === "object") this.#timer.unref();
  }

  /** The file that `commit` moves. It belongs to the claim, and is removed with it. */
  get scratch(): string {
    return `${this.#path(this.#name)}.new`;
  }

  /** Whether this client still owns the lock. */
  isOwned(): boolean {
    const stats =
      this.#name === "" ? undefined : statSync(this.#path(this.#name), { throwIfNoEntry: false });
    return stats !== undefined;
  }

  /**
   * Moves the scratch file to `path`, if this client still owns the lock. A client that was suspended and lost it cannot
   * overwrite what the next owner wrote: a client that removes its claim then removes its scratch file, before it reads.
   * @throws LostError if it was taken over, and what the file system throws
   */
  commit(path: string): void {
    if (!this.isOwned()) throw this.#lost();
    try {
      renameSync(this.scratch, path);
    } catch (error) {
      throw this.isOwned() ? error : this.#lost();
    }
  }

  /** Releases the lock. Never throws: a claim that stays behind is stale. */
  release(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#withdraw();
  }

  #lost(): LostError {
    const next = this.#others().find(({ owns }) => owns);
    if (next === undefined) return new LostError("its lock was removed");
    return new LostError(`${this.#describe(next)} took it over while this client was suspended`);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  #claim(): void {
    const { pid, started, place, host } = this.#own;
    const head = `${JSON.stringify({ pid, started, place, host })}\n`;
    this.#stageAt = Buffer.byteLength(head);
    const name = randomBytes(12).toString("hex");
    for (;;) {
      try {
        mkdirSync(this.#folder, { mode: 0o700 });
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      try {
        const file = openSync(this.#path(name), "wx", 0o600);
        this.#name = name;
        held.add(name);
        writeAt(file, `${head}${stageLine("claims", ++this.#turn)}`, 0);
        return;
      } catch (error) {
        // The last owner has removed the folder, or a file is in its place; the next check decides.
        if (codeOf(error) === "ENOTDIR") return;
        if (codeOf(error) !== "ENOENT") throw error;
      }
    }
  }

  /** @returns whether the claim still exists */
  #renew(stage: Stage): boolean {
    try {
      const file = openSync(this.#path(this.#name), "r+");
      writeAt(file, stageLine(stage, ++this.#turn), this.#stageAt);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    return this.isOwned();
  }

  #keep(): void {
    try {
      if (this.#renew("owns")) return;
      clearInterval(this.#timer);
    } catch {
      // A full or distant disk. If that lasts, another client may take over, and the next save reports it.
    }
  }

  #withdraw(): void {
    const name = this.#name;
    this.#name = "";
    if (name === "") return;
    held.delete(name);
    try {
      this.#remove(name);
      rmdirSync(this.#folder);
    } catch {
      // Another client claims it, or it has gone.
    }
  }

  /** In this order, see `commit`. */
  #remove(name: string): void {
    rmSync(this.#path(name), { force: true });
    rmSync(`${this.#path(name)}.new`, { force: true });
  }

  /** Returns the claims of others that are not stale. Removes stale ones. */
  #others(): Claim[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      if (codeOf(error) !== "ENOTDIR") throw error;
      this.#removeFile();
      return [];
    }
    const others: Claim[] = [];
    for (const name of names) {
      if (!CLAIM.test(name) || name === this.#name) continue;
      const claim = this.#observe(name);
      if (claim === undefined) continue;
      if (this.#isStale(claim)) this.#remove(name);
      else others.push(claim);
    }
    return others;
  }

  #observe(name: string): Claim | undefined {
    const text = readIfThere(this.#path(name))?.toString();
    if (text === undefined) return undefined;
    const before = this.#observed.get(name);
    const isSame = before?.text === text;
    const at = performance.now();
    const [head = "", stage = ""] = text.split("\n");
    const identity = readIdentity(head);
    const claim: Claim = {
      name,
      text,
      owns: stage.startsWith("owns"),
      identity,
      isAlive: this.#isAlive(name, identity),
      wasRenewed: before !== undefined && (before.wasRenewed || !isSame),
      silentMs: isSame ? before.silentMs + Math.min(LOOK_MS, at - before.at) : 0,
      at,
    };
    this.#observed.set(name, claim);
    return claim;
  }

  #isAlive(name: string, identity: ProcessIdentity | undefined): boolean | undefined {
    if (held.has(name)) return true;
    const lives = identity && isAlive(identity, this.#own);
    // The process is this one: another thread or another copy of this module may hold the claim, or none.
    return lives && identity.pid === this.#own.pid ? undefined : lives;
  }

  /** A live owner may be suspended for as long as it likes. A client that only claims must not hold up all others. */
  #isStale({ isAlive: lives, owns, silentMs }: Claim): boolean {
    if (lives === false) return true;
    return silentMs >= STALE_MS && !(owns && lives === true);
  }

  /** Earlier releases had a file here, with the number of a process in it. */
  #removeFile(): void {
    const text = readIfThere(this.#folder)?.toString();
    if (text === undefined) return;
    const pid = Number(text);
    if (pid !== this.#own.pid && hasProcess(pid)) {
      throw new HeldError(
        `process ${pid}, with an earlier release of this client (if it is none, remove that file)`,
      );
    }
    try {
      rmSync(this.#folder);
    } catch (error) {
      // Another client was faster, and a folder may exist already.
      if (!["ENOENT", "EISDIR", "EPERM", "ERR_FS_EISDIR"].includes(codeOf(error))) throw error;
    }
  }

  #describe({ identity }: Claim): string {
    if (identity === undefined) return "an unknown process";
    const { pid, place, host } = identity;
    if (place !== this.#own.place) {
      return `process ${pid} on host ${host}, in another container or on another machine`;
    }
    return pid === this.#own.pid ? "another client of this process" : `process ${pid}`;
  }
}
