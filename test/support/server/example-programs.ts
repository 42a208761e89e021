/**
 * Runs the programs of examples/ as processes that can be killed: their own text, with another address and folder, and
 * with work in place of the reader's own. README.md shows the same text (test/docs/examples.test.ts).
 *
 * Invariant: only processes that were started here are ended, by their id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** @param file in examples/ */
export const exampleCode = (file: string): string =>
  readFileSync(join(ROOT, "examples", file), "utf8");

/** Replaces a part of the program. @throws if the program does not have that part */
export function replaced(code: string, part: string, by: string): string {
  if (!code.includes(part)) throw new Error(`the example has no ${part}`);
  return code.replace(part, by);
}

export class Program {
  readonly folder = mkdtempSync(join(tmpdir(), "chat-room-example-"));
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  output = "";

  /** @param code written to a file beside its storage */
  constructor(code: string, url: string) {
    const here = replaced(code, "http://localhost:8787", url)
      .replace('"chat-room/client"', JSON.stringify(join(ROOT, "src/client/index.ts")))
      .replace(
        '"chat-room/client/node"',
        JSON.stringify(join(ROOT, "src/client/storage/file/file-storage.ts")),
      );
    writeFileSync(join(this.folder, "program.ts"), here);
  }

  starts(): void {
    const child = spawn(process.execPath, ["program.ts"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => (this.output += data.toString()));
    }
    this.#gone = new Promise((resolve) => child.once("close", () => resolve()));
    this.#child = child;
  }

  /** `kill -9`. */
  async dies(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#gone;
  }

  /** The lines that it has appended to a file of its folder. */
  lines(file: string): string[] {
    try {
      return readFileSync(join(this.folder, file), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  async ends(): Promise<void> {
    await this.dies();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
