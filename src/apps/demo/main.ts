/**
 * `npm run demo`: plays the scene, prints what happens and, at the end, what each client got.
 *
 * Exit codes: 0 nothing was lost, doubled or reordered; 1 something was, or the demo could not be played to its end;
 * 2 the command line was not understood.
 */
import { parseArgs, styleText } from "node:util";
import { DemoError } from "./notifier.ts";
import { isFlawless } from "./checker.ts";
import { Scenario } from "./scenario.ts";
import { table } from "./table.ts";

const HELP = `npm run demo

Three clients talk through a room server that the demo starts for itself. One of them is cut off, the server is killed
and started again, she returns. Then it prints, for each client, how many messages were sent, received, lost, doubled
and reordered. It takes 10 to 20 seconds, needs no network, and leaves nothing running.

  --help    this text

The colours are gone with NO_COLOR=1, or if the output is no terminal.
`;

/** What a shell calls a process that a signal ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

// After a failure, clients still try to come back: it does not end by itself.
process.exit(await main());

async function main(): Promise<number> {
  const wish = readArguments();
  if ("refusal" in wish) {
    process.stderr.write(`${wish.refusal}\n`);
    return 2;
  }
  if (wish.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const scene = new Scenario(narrator());
  // Whatever ends this process, the server ends with it.
  process.on("exit", () => scene.dispose());
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => void scene.stop().finally(() => process.exit(code)));
  }
  process.stdout.on("error", () => process.exit(1));
  const isPlayed = await plays(scene);
  await scene.stop();
  const isGood = report(scene) && isPlayed;
  // Where output is asynchronous, an exit would swallow it.
  await new Promise((resolve) => process.stdout.write("", resolve));
  return isGood ? 0 : 1;
}

function readArguments(): { readonly help: boolean } | { readonly refusal: string } {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
    return { help: values.help === true };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return {
      refusal: `${what.split(". ")[0] ?? what}. "npm run demo -- --help" says what there is.`,
    };
  }
}

/** @returns whether it came to its end; if not, it has said why */
async function plays(scene: Scenario): Promise<boolean> {
  try {
    await scene.plays();
    return true;
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    process.stderr.write(`\nThe demo failed: ${error.message}\n`);
    return false;
  }
}

/** Prints the table. @returns whether all is well in it */
function report(scene: Scenario): boolean {
  const tallies = scene.tallies();
  if (tallies.length === 0) return false;
  const [heading = "", ...lines] = table(tallies);
  const verdict = isFlawless(tallies)
    ? styleText("green", "Nothing was lost, nothing came twice, nothing came out of order.")
    : styleText("red", "Not everything arrived as it was sent.");
  print(["", styleText("bold", heading), ...lines, "", verdict]);
  return isFlawless(tallies);
}

/** Prints sentences, each with the seconds since the beginning. */
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
