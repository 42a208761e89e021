/** Formats output items for programs: one JSON object per line. */
import { cleanJson } from "./sanitize.ts";
import type { OutputItem } from "./output.ts";

/** @returns undefined for an item that has no new information for a program */
export function toJson(item: OutputItem): string | undefined {
  const fields = fieldsOf(item);
  return fields && cleanJson(JSON.stringify(fields));
}

function fieldsOf(item: OutputItem): object | undefined {
  switch (item.type) {
    case "entry":
      return { ...item.entry, type: "entry" };
    case "patch":
      return { ...item.patch, type: "patch" };
    case "state": {
      const { type: state, ...more } = item.state;
      // Before the welcome, the client does not know what it will replay.
      return state === "replaying" && item.state.head === 0
        ? undefined
        : { type: "state", state, ...more };
    }
    case "presence": {
      const { joined, left, online } = item;
      return { type: "presence", joined, left, online };
    }
    case "history": {
      const messages = item.messages.map((entry) => Object.assign({}, entry, { type: "entry" }));
      return { type: "history", messages, ...(item.next !== undefined && { next: item.next }) };
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
      return item;
    default:
      return item satisfies never;
  }
}
