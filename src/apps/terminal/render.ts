/**
 * Formats output items as lines for people: the tutorial's `from alice: hi`, and notices that begin with `* `.
 *
 * Invariant: every line begins with `from `, `* `, two spaces, or `#` and a number; its only control sequences are colours.
 */
import type { ClientState } from "../../client/index.ts";
import { plainText, refusalText } from "../../client/error-text.ts";
import { HOW_TO_SEND } from "../../protocol/line-syntax.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { paintName, type Style } from "./colours.ts";
import { ROOM_HELP } from "./help.ts";
import type { OutputItem, Unsent } from "./output.ts";
import { entryLines, patchLines } from "./render-entry.ts";
import { cleanLines } from "./sanitize.ts";

export function render(item: OutputItem, style: Style): string[] {
  const list = (names: readonly string[]): string =>
    names.map((name) => paintName(name, style)).join(", ");
  const others = (names: readonly string[]): string[] => names.filter((name) => name !== style.me);
  switch (item.type) {
    case "entry":
      return item.typed === true ? [] : entryLines(item.entry, item.original, style);
    case "patch":
      return item.isSeen === true ? [] : patchLines(item.patch, style);
    case "welcome": {
      const peers = others(item.peers);
      const more = item.online - 1 - peers.length;
      const here = peers.length === 0 ? "nobody else is here" : `here: ${list(peers)}`;
      const welcome = `welcome to ${sanitizeLine(item.room)}, ${paintName(item.name, style)}`;
      return [
        `* ${welcome}; ${here}${more > 0 ? ` and ${more} more` : ""}`,
        `* ${HOW_TO_SEND}; /who /history /help /quit`,
      ];
    }
    case "presence": {
      const [joined, left] = [others(item.changes.joined), others(item.changes.left)];
      return [
        ...(joined.length > 0 ? [`* ${list(joined)} joined`] : []),
        ...(left.length > 0 ? [`* ${list(left)} left`] : []),
      ];
    }
    case "away":
      return [
        `* ${list(item.names)} ${item.names.length === 1 ? "is" : "are"} away: the message waits`,
      ];
    case "gap":
      return [
        `* the messages ${item.from} to ${item.to} are no longer kept; some may have been for you`,
      ];
    case "refused":
      return [`* ${notDone(item)}: ${sanitizeLine(refusalText(item))}`, ...quote(item)];
    case "unknown":
      return [
        `* it is unknown whether the room stored this ${item.change === undefined ? "message" : "change"}, because the log was trimmed; it is not resent automatically:`,
        ...quote(item),
      ];
    case "who": {
      const names = (online: boolean): string =>
        list(item.peers.filter((peer) => peer.online === online).map(({ name }) => name));
      return [
        `* here: ${names(true) || "nobody on this page"}`,
        ...(names(false) === "" ? [] : [`* away: ${names(false)}`]),
        ...(item.next === undefined ? [] : [`* and more: /who ${sanitizeLine(item.next)}`]),
      ];
    }
    case "history":
      if (item.messages.every(({ quiet }) => quiet)) return ["* no messages here for you"];
      return item.messages.flatMap((entry) => {
        const original = entry.ref === undefined ? undefined : item.original?.(entry.ref);
        return entryLines(entry, original, style, time(entry.at));
      });
    case "help":
      return ROOM_HELP.map((line) => `* ${line}`);
    case "error":
      return [`* ${sanitizeLine(plainText(item.message))}`];
    case "signal":
    case "state":
      return [];
    default:
      return item satisfies never;
  }
}

const NOT_DONE = { edit: "not changed", erase: "not erased", send: "not sent" } as const;

const notDone = ({ change }: Unsent): string => NOT_DONE[change ?? "send"];

/** Quotes what was not sent, as it was typed, so that its text is not lost. */
function quote({ change, text = "", to, ref, data }: Unsent): string[] {
  if (change === "erase") return [`  #${ref}`];
  const [first = "", ...more] = cleanLines(text);
  const head = change === "edit" ? `#${ref}` : sanitizeLine(to?.join(", ") ?? "*");
  const about = ref === undefined || change === "edit" ? "" : ` (re #${ref})`;
  const shown = text === "" && data !== undefined ? sanitizeLine(JSON.stringify(data)) : first;
  return [`  ${head}${about}: ${shown}`, ...more.map((line) => `  ${line}`)];
}

/** Formats a time of the room in UTC, to the second. The room may send any number. */
const time = (at: number): string => {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "(unknown time)";
  return `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;
};

/**
 * The status line above the prompt while the room is out of reach.
 * @param now ms since 1970
 * @returns undefined if there is no status to show
 */
export function statusOf(state: ClientState, waiting: number, now: number): string | undefined {
  const count = waiting === 0 ? "" : `${waiting} waiting to be sent, `;
  switch (state.type) {
    case "connecting":
      return state.tries === 0 ? "~ connecting ~" : `~ offline, ${count}trying now ~`;
    case "replaying":
      return "~ connecting ~";
    case "paused":
      return "~ paused ~";
    case "offline": {
      const seconds = Math.ceil((state.retryAt - now) / 1000);
      return `~ offline, ${count}${seconds > 0 ? `next try in ${seconds} s` : "trying now"} ~`;
    }
    case "live":
    case "closed":
      return undefined;
    default:
      return state satisfies never;
  }
}
