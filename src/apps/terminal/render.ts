/**
 * Formats output items as lines for people: the tutorial's `from alice: hi`, and notices that begin with `* `.
 *
 * Invariant: every line begins with `from `, `* ` or two spaces, and its only control sequences are colours of this file.
 */
import type { ClientState, Entry } from "../../client/index.ts";
import { plainText, refusalText } from "../../client/error-text.ts";
import { cleanLines } from "./sanitize.ts";
import { sanitizeLine } from "../../protocol/sanitize.ts";
import { ROOM_HELP } from "./help.ts";
import { HOW_TO_SEND } from "../../protocol/line-syntax.ts";
import type { OutputItem } from "./output.ts";

export interface Style {
  readonly colour: boolean;
  /** The user's own name. */
  readonly me: string;
}

export function render(item: OutputItem, style: Style): string[] {
  const list = (names: readonly string[]): string =>
    names.map((name) => paintName(name, style)).join(", ");
  const others = (names: readonly string[]): string[] => names.filter((name) => name !== style.me);
  switch (item.type) {
    case "entry":
      return item.typed === true ? [] : entryLines(item.entry, style);
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
      return [`* not sent: ${sanitizeLine(refusalText(item))}`, ...quote(item)];
    case "unknown":
      return [
        "* it is unknown whether the room stored this message, because the log was trimmed; it is not resent automatically:",
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
      if (item.messages.length === 0) return ["* no messages here for you"];
      return item.messages.flatMap((entry) => {
        const [line = "", ...more] = entryLines(entry, style, "");
        return [`* ${time(entry.at)} ${line}`, ...more];
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

/** Formats an entry. An erased one becomes a notice, which no message can imitate. */
function entryLines({ from, text, erased }: Entry, style: Style, mark = "* "): string[] {
  if (erased === true) {
    return [`${mark}a message from ${paintName(from, style)} was erased by an operator`];
  }
  const [first = "", ...more] = cleanLines(text);
  return [`from ${paintName(from, style)}: ${first}`, ...more];
}

/** Quotes a message that was not sent, as it was typed, so that its text is not lost. */
function quote({ text, to }: { readonly text: string; readonly to?: readonly string[] }): string[] {
  const [first = "", ...more] = cleanLines(text);
  return [`  ${sanitizeLine(to?.join(", ") ?? "*")}: ${first}`, ...more.map((line) => `  ${line}`)];
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

/** Colours that are legible on black and on white: no black, white or grey. */
const COLOURS = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96] as const;
const DIM = 2;

/** The colour of a name: the same in every room and every run. */
export function colourOf(name: string): number {
  // FNV-1a
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return COLOURS[hash % COLOURS.length] ?? COLOURS[0];
}

const paint = (code: number, text: string): string => `\u001b[${code}m${text}\u001b[0m`;

export const paintName = (name: string, { colour }: Pick<Style, "colour">): string =>
  colour ? paint(colourOf(name), sanitizeLine(name)) : sanitizeLine(name);

export const dim = (text: string, { colour }: Pick<Style, "colour">): string =>
  colour ? paint(DIM, text) : text;
