/** Installs the systems from npm. Their own package.json and lock file keep them out of the project's dependencies. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const BENCH = new URL("../../", import.meta.url);
/** Time limit for npm, which retries for minutes without a network. */
const INSTALL_MS = 60_000;

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Installs missing packages. @returns the reason for a failure, as a sentence; undefined on success */
export function installNpmSystems(): string | undefined {
  if (areInstalled()) return undefined;
  process.stderr.write("installing the systems from npm: npm ci --prefix bench\n");
  const { status } = spawnSync(
    "npm",
    ["ci", "--prefix", "bench", "--no-audit", "--fetch-retries=0"],
    {
      cwd: new URL("..", BENCH),
      stdio: ["ignore", 2, 2],
      timeout: INSTALL_MS,
      shell: process.platform === "win32",
    },
  );
  if (status === 0 && areInstalled()) return undefined;
  return "npm ci --prefix bench failed; it needs the network once";
}

function areInstalled(): boolean {
  const { dependencies = {} } = read("package.json");
  return Object.entries(dependencies).every(([name, version]) => {
    const manifest = `node_modules/${name}/package.json`;
    return existsSync(new URL(manifest, BENCH)) && read(manifest).version === version;
  });
}

const read = (file: string): Manifest =>
  JSON.parse(readFileSync(new URL(file, BENCH), "utf8")) as Manifest;
