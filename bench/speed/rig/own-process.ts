/**
 * A server in a process of its own. It has its own process group, for which memory and CPU are counted.
 *
 * Invariant: it ends with `ends`, or with this process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { killGroup, waitUntilEmpty } from "../../../test/support/server/process-group.ts";
import { type ProcessStats, processStats } from "../../support/process-stats.ts";

export class OwnProcess {
  readonly #child: ChildProcess;
  readonly #pid: number;
  /** Resolves when it has ended. */
  readonly over: Promise<void>;
  readonly #kill = (): void => {
    if (this.#child.exitCode === null && this.#child.signalCode === null) killGroup(this.#pid);
  };

  /** @param onLine receives the output, line by line */
  constructor(command: string, parameters: readonly string[], onLine?: (line: string) => void) {
    const output = onLine === undefined ? "ignore" : "pipe";
    this.#child = spawn(command, parameters, {
      stdio: ["ignore", output, "inherit"],
      detached: true,
    });
    const { pid, stdout } = this.#child;
    if (pid === undefined) throw new Error(`${command} cannot be started`);
    this.#pid = pid;
    if (stdout !== null && onLine !== undefined) createInterface(stdout).on("line", onLine);
    this.over = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    // Kill it before other exit handlers remove the folder that it writes to.
    process.prependOnceListener("exit", this.#kill);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null;
  }

  stats(): ProcessStats {
    return processStats(this.#pid);
  }

  async ends(): Promise<void> {
    this.#kill();
    await this.over;
    await waitUntilEmpty(this.#pid);
    process.off("exit", this.#kill);
  }
}
