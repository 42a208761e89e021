/** Checks the `data` of an entry, which the room stores and reads nothing of. */
import { DATA_DEPTH } from "./limits.ts";

/** Returns what is wrong with a value as `data`; undefined if nothing is. It recurses `depth` levels at most. */
export function faultOf(value: unknown, depth = DATA_DEPTH): string | undefined {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? undefined : "a string in it is not well-formed Unicode";
    case "number":
      // JSON.parse reads 1e999 as Infinity, which JSON cannot write.
      return Number.isFinite(value) ? undefined : "a number in it is larger than 1.8e308";
    case "boolean":
      return undefined;
    case "object": {
      if (value === null) return undefined;
      if (depth === 0) return `at most ${DATA_DEPTH} levels of objects and arrays go into it`;
      if (Array.isArray(value)) return firstFault(value, depth - 1);
      return firstFault(Object.keys(value), 0) ?? firstFault(Object.values(value), depth - 1);
    }
    default:
      return "a value in it is none of JSON";
  }
}

function firstFault(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const fault = faultOf(value, depth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
