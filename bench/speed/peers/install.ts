/** The peers that come from npm: a package.json and a lock file of their own, so that nobody else pays for them. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const BENCH = new URL("../../", import.meta.url);
/** How long npm may try: without a network it tries for minutes. */
const INSTALL_MS = 60_000;

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Installs what is missing. @returns what the peers cannot take part for, as a sentence; nothing if they can */
export function installPeers(): string | undefined {
  if (areInstalled()) return undefined;
  process.stderr.write("installing the peers from npm: npm ci --prefix bench\n");
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
  return "npm ci --prefix bench failed, which needs the network once";
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
