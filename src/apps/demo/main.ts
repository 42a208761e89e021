/**
 * `npm run demo`: runs the scenario, prints its steps and, at the end, what each client received.
 *
 * Exit codes: 0 nothing was lost, doubled or reordered; 1 something was, or the demo failed; 2 the command line is
 * invalid.
 */
import { parseArgs, styleText } from "node:util";
import { DemoError } from "./notifier.ts";
import { isFlawless } from "./checker.ts";
import { Scenario } from "./scenario.ts";
import { formatReport } from "./report.ts";

const HELP = `npm run demo

Three clients talk through a room server of the demo's own. One client is cut off, the server is killed and started
again, and the client returns. A table then shows, for each client, how many messages were sent, received, lost, doubled
and reordered. The demo takes 10 to 20 seconds, needs no network, and leaves nothing running.

  --help    shows this text

Colours are off with NO_COLOR=1, and if the output is not a terminal.
`;

/** The exit codes of a shell for a process that a signal ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

// After a failure, clients keep reconnecting, so the process does not end by itself.
process.exit(await main());

async function main(): Promise<number> {
  const parsed = readArguments();
  if ("error" in parsed) {
    process.stderr.write(`${parsed.error}\n`);
    return 2;
  }
  if (parsed.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const scenario = new Scenario(narrator());
  // The server ends with this process, however that ends.
  process.on("exit", () => scenario.dispose());
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => void scenario.stop().finally(() => process.exit(code)));
  }
  process.stdout.on("error", () => process.exit(1));
  const isPlayed = await play(scenario);
  await scenario.stop();
  const isGood = printReport(scenario) && isPlayed;
  // Waits for asynchronous output, which an exit would discard.
  await new Promise((resolve) => process.stdout.write("", resolve));
  return isGood ? 0 : 1;
}

function readArguments(): { readonly help: boolean } | { readonly error: string } {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
    return { help: values.help === true };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return {
      error: `${what.split(". ")[0] ?? what}. See "npm run demo -- --help".`,
    };
  }
}

/** @returns false after a failure, whose reason it has printed */
async function play(scenario: Scenario): Promise<boolean> {
  try {
    await scenario.play();
    return true;
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    process.stderr.write(`\nThe demo failed: ${error.message}\n`);
    return false;
  }
}

/** Prints the table. @returns whether it shows no fault */
function printReport(scenario: Scenario): boolean {
  const tallies = scenario.tallies();
  if (tallies.length === 0) return false;
  const [heading = "", ...lines] = formatReport(tallies);
  const verdict = isFlawless(tallies)
    ? styleText("green", "Nothing was lost, nothing came twice, nothing came out of order.")
    : styleText("red", "Not everything arrived as it was sent.");
  print(["", styleText("bold", heading), ...lines, "", verdict]);
  return isFlawless(tallies);
}

/** Returns a function that prints a sentence with the seconds since the start. */
function narrator(): (sentence: string) => void {
  const start = performance.now();
  return (sentence) => {
    const seconds = ((performance.now() - start) / 1_000).toFixed(1).padStart(5);
    print([`${styleText("dim", `${seconds} s`)}  ${sentence}`]);
  };
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
