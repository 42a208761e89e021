/** Formats the result of an exploration. */
import type { Found, Report } from "./explorer.ts";
import type { Scope } from "./state.ts";

const columns = (name: string, ...cells: readonly string[]): string =>
  name.padEnd(28) + cells.map((cell) => cell.padStart(13)).join("");

export const heading = columns("scope", "states", "transitions", "depth", "ends", "seconds");

export function summaryOf({ name }: Scope, report: Report): string {
  const { states, transitions, depth, ends, seconds, isCut, violation } = report;
  const counts = [states, transitions, depth, ends].map((count) => count.toLocaleString("en"));
  const end = violation ? "   VIOLATION" : isCut ? "   incomplete: stopped at --states" : "";
  return columns(name, ...counts, seconds.toFixed(1)) + end;
}

export const traceOf = ({ message, trace }: Found): string =>
  [message, ...trace.map((step, index) => `${String(index + 1).padStart(4)}. ${step}`)].join("\n");
