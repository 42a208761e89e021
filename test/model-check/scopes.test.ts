/**
 * Every interleaving of the small scopes: the rules hold after every step, and from every state a network without
 * faults comes to a good end. explorer.ts, steps.ts and canonical-text.ts say what this proves and assumes.
 */
import { expect, test } from "vitest";
import { explore } from "./explorer.ts";
import { modelOf } from "./model.ts";
import { SMALL } from "./scopes.ts";
import { summaryOf, traceOf } from "./trace-format.ts";
import type { Scope } from "./state.ts";

test.each(SMALL.map((scope) => [scope.name, scope.why, scope] as const))(
  'R1 to R11 in the scope "%s": %s',
  (_name, _why, scope) => {
    const report = explore(modelOf(scope));
    console.log(summaryOf(scope, report));
    expect(report.violation && traceOf(report.violation)).toBeUndefined();
    expect(report.ends).toBeGreaterThan(0);
  },
);

/** Returns the canonical texts of all ends of a scope. */
function endsOf(scope: Scope): string[] {
  const model = modelOf(scope);
  const ends: string[] = [];
  const isGoodEnd = (state: Parameters<typeof model.canonicalText>[0]): void =>
    void ends.push(model.canonicalText(state));
  explore({ ...model, isGoodEnd });
  return ends.sort();
}

test("the third reduction comes to the same ends", () => {
  const names = new Set(["refusal", "two devices", "gap and loss", "edit"]);
  for (const scope of SMALL.filter(({ name }) => names.has(name))) {
    expect(endsOf(scope)).toEqual(endsOf({ ...scope, unreduced: true }));
  }
});
