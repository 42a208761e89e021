/**
 * A server that is a process of its own, in a group of its own, which is what its usage is counted by.
 *
 * Invariant: it ends with `ends`, or with this process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Usage, usageOf } from "../../support/process-stats.ts";

export class OwnProcess {
  readonly #child: ChildProcess;
  readonly #pid: number;
  /** Resolves when it has ended. */
  readonly over: Promise<void>;
  readonly #kill = (): void => void this.#child.kill("SIGKILL");

  /** @param hears is given what it prints, line by line */
  constructor(command: string, parameters: readonly string[], hears?: (line: string) => void) {
    const output = hears === undefined ? "ignore" : "pipe";
    this.#child = spawn(command, parameters, {
      stdio: ["ignore", output, "inherit"],
      detached: true,
    });
    const { pid, stdout } = this.#child;
    if (pid === undefined) throw new Error(`${command} cannot be started`);
    this.#pid = pid;
    if (stdout !== null && hears !== undefined) createInterface(stdout).on("line", hears);
    this.over = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    // Before whoever removes the folder in which it writes.
    process.prependOnceListener("exit", this.#kill);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null;
  }

  usage(): Usage {
    return usageOf(this.#pid);
  }

  async ends(): Promise<void> {
    this.#kill();
    await this.over;
    process.off("exit", this.#kill);
  }
}
