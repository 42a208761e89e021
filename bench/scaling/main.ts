/**
 * `npm run bench:scaling`: measures how the cost of a message depends on the number of people, the length of the log and
 * the number of known names; and how long the replay of a long log delays other peers.
 *
 * Each round covers all points of an axis; the figures are medians. They go to a JSON file, axis by axis; the file keeps
 * the figures that a run does not measure.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { statisticsOf } from "../support/statistics.ts";
import { absent } from "./absent.ts";
import type { Axis, Point, RoundOptions } from "./axis.ts";
import { type Interference, measureInterference } from "./interference.ts";
import { log } from "./log.ts";
import { interferenceTable, type Curve, curveTable, drawings, putIn, section } from "./page.ts";
import { peers } from "./peers.ts";

const AXES: readonly Axis[] = [peers, log, absent];
const INTERFERENCE = "interference";
const NAMES = [...AXES.map(({ name }) => name), INTERFERENCE];
const ROUNDS = 3;
const PAGE = new URL("../../docs/performance.md", import.meta.url);
const PLOTS = new URL("../../docs/performance/", import.meta.url);

const HELP = `npm run bench:scaling -- [--quick] [--rounds N] [--at N,N] [--out FILE] [--docs] [AXIS...]

  --quick     less than two minutes: one round, at most 1,000 peers, 1,000 names and 10,000 entries
  --rounds N  number of rounds (${ROUNDS})
  --at N,N    only these points of the axes, or these scenarios of "interference"
  --out FILE  the JSON file (bench/results/scaling.json); it keeps the figures that this run does not measure
  --docs      write all figures of the JSON file into docs/performance.md, and draw its plots

Axes: ${NAMES.join(", ")}. The default is all; "none" measures nothing.
`;

interface Results {
  curves: Curve[];
  interference: Interference[];
}

// A signal alone would skip the exit handlers that stop servers and remove folders.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
process.exitCode = await main();

/** @returns the arguments, or the sentence that says what is wrong with them */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        at: { type: "string", default: "" },
        out: { type: "string", default: "bench/results/scaling.json" },
        docs: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return (error as Error).message;
  }
}

async function main(): Promise<number> {
  const given = readArguments();
  if (typeof given === "string") {
    process.stderr.write(`${given}\n\n${HELP}`);
    return 2;
  }
  const { values, positionals } = given;
  const { quick, out, docs, help } = values;
  const at = values.at.split(",").filter((one) => one !== "");
  const rounds = Number(values.rounds ?? (quick ? 1 : ROUNDS));
  const unknownAxis = positionals.find((name) => name !== "none" && !NAMES.includes(name));
  if (help || unknownAxis !== undefined || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(
      unknownAxis === undefined ? HELP : `unknown axis: ${unknownAxis}\n${HELP}`,
    );
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
  if (isWanted(INTERFERENCE)) {
    for await (const scenario of measureInterference(folder, { rounds, quick, at })) {
      results.interference = [
        ...results.interference.filter(({ name }) => name !== scenario.name),
        scenario,
      ];
      write(out, results);
      process.stdout.write(`\n${interferenceTable([scenario])}\n`);
    }
  }
  process.stdout.write(`\nAll figures: ${out}\n`);
  return docs ? document(results) : 0;
}

async function measure(axis: Axis, rounds: number, options: RoundOptions): Promise<Curve> {
  const all: Point[] = [];
  for (let round = 0; round < rounds; round++) {
    for await (const point of axis.round(options)) all.push(point);
  }
  const xs = [...new Set(all.map(({ x }) => x))];
  const points = xs.map((x) => {
    const here = all.filter((point) => point.x === x).map(({ figures }) => figures);
    const names = Object.keys(here[0] ?? {});
    const statistics = names.map((name) => [
      name,
      statisticsOf(here.map((some) => some[name] ?? NaN)),
    ]);
    return { x, figures: Object.fromEntries(statistics) as Curve["points"][number]["figures"] };
  });
  return { axis: axis.name, rounds, points };
}

/** Returns the new points, with the earlier points that this run did not measure. */
function merged(before: Curve | undefined, now: Curve): Curve {
  const others = before?.points.filter(({ x }) => now.points.every((point) => point.x !== x)) ?? [];
  return { ...now, points: [...others, ...now.points].sort((a, b) => a.x - b.x) };
}

function read(file: string): Results {
  if (!existsSync(file)) return { curves: [], interference: [] };
  return JSON.parse(readFileSync(file, "utf8")) as Results;
}

function write(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
}

function document({ curves, interference: scenarios }: Results): number {
  const measured = AXES.flatMap((axis) => {
    const curve = curves.find((one) => one.axis === axis.name);
    return curve === undefined ? [] : [[axis, curve] as const];
  });
  const page = putIn(readFileSync(PAGE, "utf8"), section(measured, scenarios));
  if (page === undefined) {
    process.stderr.write("docs/performance.md lacks the markers of the measured section\n");
    return 1;
  }
  writeFileSync(PAGE, page);
  mkdirSync(PLOTS, { recursive: true });
  for (const [axis, curve] of measured) {
    for (const [file, svg] of drawings(axis, curve)) writeFileSync(new URL(file, PLOTS), svg);
  }
  return 0;
}
