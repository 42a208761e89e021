/**
 * `npm run test:chaos`: runs rounds, prints a verdict for each rule, and exits non-zero on a violation.
 *
 * Invariant: however this process ends, everything that it started ends with it.
 */
// Must be imported before the client library, which uses the global WebSocket.
import "./websocket-spy.ts";
import { appendFileSync } from "node:fs";
import { styleText } from "node:util";
import { isGood, type Verdict } from "./checker.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { runRound } from "./round.ts";

/** Longest time of disturbances in one round. */
const ROUND_MS = 60_000;
/** Exit codes of a shell for a process ended by a signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Number of violations printed per rule. */
const SHOWN = 5;

process.exit(await main());

async function main(): Promise<number> {
  const parsed = readOptions(process.argv.slice(2), Date.now() % 1_000_000);
  switch (parsed.type) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "wrong":
      return printUsageError(parsed.why);
    case "chaos":
      return runRounds(parsed.options);
    default:
      return parsed satisfies never;
  }
}

async function runRounds({ url, seed, minutes, clients, log }: Options): Promise<number> {
  if (log !== undefined && !canBeWritten(log))
    return printUsageError(`--log: ${log} cannot be written`);
  const stop = new AbortController();
  let signalled = 0;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The second signal exits at once; everything started here ends with this process.
      if (stop.signal.aborted) process.exit(code);
      signalled = code;
      stop.abort();
    });
  }
  const total = Math.ceil(minutes * 60_000);
  const failedSeeds: number[] = [];
  print(
    `chaos: seed ${seed}, ${minutes} min, ${clients} clients, ${url?.origin ?? "a server of its own"}`,
  );
  for (let round = 0; round * ROUND_MS < total && !stop.signal.aborted; round++) {
    const roundSeed = (seed + round) % 2 ** 32;
    const ms = Math.min(ROUND_MS, total - round * ROUND_MS);
    try {
      const options = { seed: roundSeed, ms, clients, url, log, stop: stop.signal };
      const { summary, verdicts } = await runRound(options);
      print(`\nround ${round + 1}, seed ${roundSeed}: ${summary}`);
      for (const line of verdicts.flatMap(linesOf)) print(line);
      if (!isGood(verdicts)) failedSeeds.push(roundSeed);
    } catch (error) {
      if (signalled !== 0) return signalled;
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(`\nChaos could not run (seed ${roundSeed}): ${why}\n`);
      return failedSeeds.length > 0 ? 1 : 3;
    }
  }
  const again = `npm run test:chaos -- --seed ${failedSeeds[0] ?? seed} --minutes ${Math.min(minutes, 1)} --clients ${clients}`;
  if (failedSeeds.length > 0)
    print(`\nVIOLATED with seed ${failedSeeds.join(", ")}. To run it again: ${again}`);
  else print(`\n${signalled === 0 ? "No rule" : "So far no rule"} was violated with seed ${seed}.`);
  return signalled === 0 ? Number(failedSeeds.length > 0) : signalled;
}

function printUsageError(why: string): number {
  process.stderr.write(`${why}. "npm run test:chaos -- --help" lists the options.\n`);
  return 2;
}

function canBeWritten(file: string): boolean {
  try {
    appendFileSync(file, "");
    return true;
  } catch {
    return false;
  }
}

function linesOf({ rule, verdict, on, violations }: Verdict): readonly string[] {
  const colour = verdict === "VIOLATED" ? "red" : verdict === "held" ? "green" : "dim";
  const shown = violations.slice(0, SHOWN).map((violation) => `      ${violation}`);
  const more = violations.length > SHOWN ? [`      and ${violations.length - SHOWN} more`] : [];
  return [`  ${rule.padEnd(3)} ${styleText(colour, verdict)}: ${on}`, ...shown, ...more];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
