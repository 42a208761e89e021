/**
 * `npm run bench:growth`: what a message costs the more people there are, the longer the log, the more names are known;
 * and whether somebody who returns to a long log holds up the others.
 *
 * Rounds over all of an axis' points, medians. Figures go to a JSON file, axis by axis: what is not measured anew stays.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { spreadOf } from "../support/statistics.ts";
import { absent } from "./absent.ts";
import type { Axis, Point, Wish } from "./axis.ts";
import { type Beside, besides } from "./interference.ts";
import { log } from "./log.ts";
import { besideTable, type Curve, curveTable, drawings, putIn, section } from "./page.ts";
import { peers } from "./peers.ts";

const AXES: readonly Axis[] = [peers, log, absent];
const BESIDE = "beside";
const NAMES = [...AXES.map(({ name }) => name), BESIDE];
const ROUNDS = 3;
const PAGE = new URL("../../docs/performance.md", import.meta.url);
const PLOTS = new URL("../../docs/performance/", import.meta.url);

const HELP = `npm run bench:growth -- [--quick] [--rounds N] [--out FILE] [--docs] [AXIS...]

  --quick     less than two minutes: one round, up to 1,000 peers and names and 10,000 entries
  --rounds N  rounds (${ROUNDS})
  --at N,N    only these points of the axes, or these scenes of "beside"
  --out FILE  the JSON file (bench/results/growth.json); of what is not measured now, what is in it stays
  --docs      writes all that is in the JSON file into docs/performance.md, and its plots beside it

Axes: ${NAMES.join(", ")}; all, if none is named; "none" measures nothing.
`;

interface Results {
  curves: Curve[];
  besides: Beside[];
}

// Servers and folders end with this process, which a signal alone would not let them know.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      at: { type: "string", default: "" },
      out: { type: "string", default: "bench/results/growth.json" },
      docs: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { quick, out, docs, help } = values;
  const at = values.at.split(",").filter((one) => one !== "");
  const rounds = Number(values.rounds ?? (quick ? 1 : ROUNDS));
  const stranger = positionals.find((name) => name !== "none" && !NAMES.includes(name));
  if (help || stranger !== undefined || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(stranger === undefined ? HELP : `there is no axis ${stranger}\n${HELP}`);
    return help ? 0 : 2;
  }
  const isWanted = (name: string): boolean =>
    positionals.length === 0 || positionals.includes(name);
  const folder = mkdtempSync(join(tmpdir(), "chat-room-growth-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const results = read(out);
  for (const axis of AXES.filter(({ name }) => isWanted(name))) {
    const curve = await measure(axis, rounds, { folder, quick, at: at.map(Number) });
    const others = results.curves.filter((one) => one.axis !== axis.name);
    const before = results.curves.find((one) => one.axis === axis.name);
    results.curves = [...others, merged(before, curve)];
    write(out, results);
    process.stdout.write(`\n${axis.about}\n${curveTable(axis, curve, true)}\n`);
  }
  if (isWanted(BESIDE)) {
    for await (const scene of besides(folder, { rounds, quick, at })) {
      results.besides = [...results.besides.filter(({ name }) => name !== scene.name), scene];
      write(out, results);
      process.stdout.write(`\n${besideTable([scene])}\n`);
    }
  }
  process.stdout.write(`\nAll figures: ${out}\n`);
  return docs ? document(results) : 0;
}

async function measure(axis: Axis, rounds: number, wish: Wish): Promise<Curve> {
  const all: Point[] = [];
  for (let round = 0; round < rounds; round++) {
    for await (const point of axis.round(wish)) all.push(point);
  }
  const xs = [...new Set(all.map(({ x }) => x))];
  const points = xs.map((x) => {
    const here = all.filter((point) => point.x === x).map(({ figures }) => figures);
    const names = Object.keys(here[0] ?? {});
    const spreads = names.map((name) => [name, spreadOf(here.map((some) => some[name] ?? NaN))]);
    return { x, figures: Object.fromEntries(spreads) as Curve["points"][number]["figures"] };
  });
  return { axis: axis.name, rounds, points };
}

/** What was not measured now stays. */
function merged(before: Curve | undefined, now: Curve): Curve {
  const others = before?.points.filter(({ x }) => now.points.every((point) => point.x !== x)) ?? [];
  return { ...now, points: [...others, ...now.points].sort((a, b) => a.x - b.x) };
}

function read(file: string): Results {
  if (!existsSync(file)) return { curves: [], besides: [] };
  return JSON.parse(readFileSync(file, "utf8")) as Results;
}

function write(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
}

function document({ curves, besides: scenes }: Results): number {
  const measured = AXES.flatMap((axis) => {
    const curve = curves.find((one) => one.axis === axis.name);
    return curve === undefined ? [] : [[axis, curve] as const];
  });
  const page = putIn(readFileSync(PAGE, "utf8"), section(measured, scenes));
  if (page === undefined) {
    process.stderr.write("docs/performance.md has no place for what was measured\n");
    return 1;
  }
  writeFileSync(PAGE, page);
  mkdirSync(PLOTS, { recursive: true });
  for (const [axis, curve] of measured) {
    for (const [file, svg] of drawings(axis, curve)) writeFileSync(new URL(file, PLOTS), svg);
  }
  return 0;
}
