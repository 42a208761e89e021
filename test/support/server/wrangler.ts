/** `wrangler deploy --dry-run` as in the "deploy" script of package.json: nothing leaves this machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const ROOT = join(import.meta.dirname, "../../..");

export interface DryRun {
  readonly status: number | null;
  readonly output: string;
  /** Bytes of the Worker's own script, gzipped, without assets. */
  readonly gzipBytes: number;
  /** The Worker's source files with their bytes in the bundle before gzip, largest first. */
  readonly parts: readonly (readonly [string, number])[];
}

interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }
    >
  >;
}

/** @param flags appended to `npm run deploy --` */
export function dryRun(...flags: string[]): DryRun {
  const folder = mkdtempSync(join(tmpdir(), "chat-room-deploy-"));
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const [, ...script] = (manifest as { scripts: { deploy: string } }).scripts.deploy.split(" ");
    const meta = join(folder, "meta.json");
    const more = ["--dry-run", "--outdir", join(folder, "out"), "--metafile", meta, ...flags];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...script, ...more], {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, WRANGLER_LOG_PATH: join(folder, "logs"), NO_COLOR: "1" },
    });
    const output = stdout + stderr;
    if (status !== 0) return { status, output, gzipBytes: Number.NaN, parts: [] };
    const { outputs } = JSON.parse(readFileSync(meta, "utf8")) as Metafile;
    const inputs = Object.values(outputs).flatMap((file) => Object.entries(file.inputs));
    const parts = inputs.map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const);
    const gzipBytes = gzipSync(readFileSync(join(folder, "out/worker.js"))).byteLength;
    return { status, output, gzipBytes, parts: parts.sort(([, a], [, b]) => b - a) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
