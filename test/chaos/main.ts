/**
 * `npm run test:chaos`: plays rounds, prints a verdict for each rule, and exits non-zero if one was violated.
 *
 * Invariant: whatever ends it, everything that it started ends with it.
 */
// Before the client library is loaded: it takes the WebSocket that it finds.
import "./websocket-spy.ts";
import { appendFileSync } from "node:fs";
import { styleText } from "node:util";
import { isGood, type Verdict } from "./checker.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { playRound } from "./round.ts";

/** The longest storm of one round. */
const ROUND_MS = 60_000;
/** What a shell calls a process that a signal ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Of one rule, how many faults are shown. */
const SHOWN = 5;

process.exit(await main());

async function main(): Promise<number> {
  const wish = readOptions(process.argv.slice(2), Date.now() % 1_000_000);
  switch (wish.type) {
    case "help":
      process.stdout.write(HELP);
      return 0;
    case "wrong":
      return isWrong(wish.why);
    case "chaos":
      return plays(wish.options);
    default:
      return wish satisfies never;
  }
}

async function plays({ url, seed, minutes, clients, log }: Options): Promise<number> {
  if (log !== undefined && !canBeWritten(log)) return isWrong(`--log: ${log} cannot be written`);
  const stop = new AbortController();
  let signalled = 0;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The second time, at once: what was started ends with this process.
      if (stop.signal.aborted) process.exit(code);
      signalled = code;
      stop.abort();
    });
  }
  const total = Math.ceil(minutes * 60_000);
  const bad: number[] = [];
  print(
    `chaos: seed ${seed}, ${minutes} min, ${clients} clients, ${url?.origin ?? "a server of its own"}`,
  );
  for (let round = 0; round * ROUND_MS < total && !stop.signal.aborted; round++) {
    const own = (seed + round) % 2 ** 32;
    const ms = Math.min(ROUND_MS, total - round * ROUND_MS);
    try {
      const setup = { seed: own, ms, clients, url, log, stop: stop.signal };
      const { story, verdicts } = await playRound(setup);
      print(`\nround ${round + 1}, seed ${own}: ${story}`);
      for (const line of verdicts.flatMap(linesOf)) print(line);
      if (!isGood(verdicts)) bad.push(own);
    } catch (error) {
      if (signalled !== 0) return signalled;
      const why = error instanceof Error ? error.message : String(error);
      process.stderr.write(`\nIt could not be tried (seed ${own}): ${why}\n`);
      return bad.length > 0 ? 1 : 3;
    }
  }
  const again = `npm run test:chaos -- --seed ${bad[0] ?? seed} --minutes ${Math.min(minutes, 1)} --clients ${clients}`;
  if (bad.length > 0) print(`\nVIOLATED, with seed ${bad.join(", ")}. To try it again: ${again}`);
  else
    print(`\n${signalled === 0 ? "Nothing" : "So far nothing"} was violated, with seed ${seed}.`);
  return signalled === 0 ? Number(bad.length > 0) : signalled;
}

function isWrong(why: string): number {
  process.stderr.write(`${why}. "npm run test:chaos -- --help" says what there is.\n`);
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

function linesOf({ rule, verdict, on, faults }: Verdict): readonly string[] {
  const colour = verdict === "VIOLATED" ? "red" : verdict === "held" ? "green" : "dim";
  const shown = faults.slice(0, SHOWN).map((fault) => `      ${fault}`);
  const more = faults.length > SHOWN ? [`      and ${faults.length - SHOWN} more`] : [];
  return [`  ${rule.padEnd(3)} ${styleText(colour, verdict)}: ${on}`, ...shown, ...more];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
