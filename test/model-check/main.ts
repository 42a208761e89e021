/**
 * `npm run test:model`: explores scopes, and prints a line for each, with a shortest trace to a violation if there is
 * one.
 */
import { parseArgs } from "node:util";
import { explore } from "./explorer.ts";
import { modelOf } from "./model.ts";
import { LARGE, SMALL } from "./scopes.ts";
import { heading, summaryOf, traceOf } from "./trace-format.ts";

const HELP = `npm run test:model -- [--large | --all | --scope NAME ...] [--states N] [--list]

Explores every interleaving of small scopes with the room's broker and the client's state machine, and checks the rules of
docs/protocol.md, section 6, after every step.

  --scope NAME  this scope; repeatable. --list prints the names
  --large       the large scopes: minutes and gigabytes each
  --all         the small and the large scopes
  --states N    stops a scope after N states, and reports it
  --list        prints the scopes and what each tests

Without options: the small scopes, as in npm test. If a scope needs more memory than Node's default:
npx node --max-old-space-size=8192 test/model-check/main.ts --scope NAME`;

const options = {
  scope: { type: "string", multiple: true },
  large: { type: "boolean" },
  all: { type: "boolean" },
  states: { type: "string" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

function read() {
  try {
    const { values } = parseArgs({ options });
    const { states } = values;
    if (states === undefined || /^[1-9][0-9]*$/.test(states)) return values;
    console.error(`--states: expected a whole number above 0, not ${states}`);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}: see --help`);
  }
  return process.exit(2);
}

const values = read();

const all = [...SMALL, ...LARGE];
const unknown = values.scope?.filter((name) => !all.some((scope) => scope.name === name)) ?? [];
if (values.help) console.log(HELP);
else if (values.list) for (const { name, why } of all) console.log(`${name.padEnd(28)} ${why}`);
else if (unknown.length > 0) {
  console.error(`no scope is called ${unknown.join(", ")}: --list prints the names`);
  process.exitCode = 2;
} else {
  console.log(heading);
  const standard = values.all ? all : values.large ? LARGE : SMALL;
  const chosen = values.scope ? all.filter(({ name }) => values.scope?.includes(name)) : standard;
  for (const scope of chosen) {
    const report = explore(modelOf(scope), values.states ? { states: Number(values.states) } : {});
    console.log(summaryOf(scope, report));
    if (report.violation === undefined) continue;
    console.log(traceOf(report.violation));
    process.exitCode = 1;
  }
}
