/** What is said, as one JSON object on one line: for programs. */
import { cleanJson } from "./sanitize.ts";
import type { OutputItem } from "./output.ts";

/** @returns undefined for what says nothing new to a program */
export function toJson(saying: OutputItem): string | undefined {
  const fields = fieldsOf(saying);
  return fields && cleanJson(JSON.stringify(fields));
}

function fieldsOf(saying: OutputItem): object | undefined {
  switch (saying.type) {
    case "entry":
      return { ...saying.entry, type: "entry" };
    case "state": {
      const { type: state, ...more } = saying.state;
      return { type: "state", state, ...more };
    }
    case "presence": {
      const { joined, left, online } = saying;
      return { type: "presence", joined, left, online };
    }
    case "history": {
      const messages = saying.messages.map((entry) => Object.assign({}, entry, { type: "entry" }));
      return { ...saying, messages };
    }
    case "help":
    case "away":
    case "welcome":
      return undefined;
    case "signal":
    case "gap":
    case "refused":
    case "unknown":
    case "who":
    case "error":
      return saying;
    default:
      return saying satisfies never;
  }
}
