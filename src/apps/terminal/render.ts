/**
 * What is said, as lines for people: the tutorial's `from alice: hi`, notices that begin with `* `.
 *
 * Invariant: every line begins `from `, `* ` or two spaces, and holds nothing that a terminal obeys but our colours.
 */
import type { ClientState } from "../../client/index.ts";
import { plainText, refusalText } from "../../client/error-text.ts";
import { cleanLine, cleanLines } from "./sanitize.ts";
import { ROOM_HELP } from "./help.ts";
import { HOW_TO_SEND } from "../../protocol/line-syntax.ts";
import type { Said, OutputItem } from "./output.ts";

export interface Style {
  readonly colour: boolean;
  /** Whose terminal this is. */
  readonly me: string;
}

export function render(saying: OutputItem, style: Style): string[] {
  const list = (names: readonly string[]): string =>
    names.map((name) => paintName(name, style)).join(", ");
  const others = (names: readonly string[]): string[] => names.filter((name) => name !== style.me);
  switch (saying.type) {
    case "entry":
      return saying.typed === true ? [] : said(saying.entry, style);
    case "welcome": {
      const peers = others(saying.peers);
      const more = saying.online - 1 - peers.length;
      const here = peers.length === 0 ? "nobody else is here" : `here: ${list(peers)}`;
      const welcome = `welcome to ${cleanLine(saying.room)}, ${paintName(saying.name, style)}`;
      return [
        `* ${welcome}; ${here}${more > 0 ? ` and ${more} more` : ""}`,
        `* ${HOW_TO_SEND}; /who /history /help /quit`,
      ];
    }
    case "presence": {
      const [joined, left] = [others(saying.news.joined), others(saying.news.left)];
      return [
        ...(joined.length > 0 ? [`* ${list(joined)} joined`] : []),
        ...(left.length > 0 ? [`* ${list(left)} left`] : []),
      ];
    }
    case "away":
      return [
        `* ${list(saying.names)} ${saying.names.length === 1 ? "is" : "are"} away: the message waits`,
      ];
    case "gap":
      return [
        `* the messages ${saying.from} to ${saying.to} are no longer kept; some may have been for you`,
      ];
    case "refused":
      return [`* not sent: ${cleanLine(refusalText(saying))}`, ...quote(saying)];
    case "unknown":
      return [
        "* nobody can say whether the room has this message, as the log was trimmed; it is not sent again by itself:",
        ...quote(saying),
      ];
    case "who": {
      const names = (online: boolean): string =>
        list(saying.peers.filter((peer) => peer.online === online).map(({ name }) => name));
      return [
        `* here: ${names(true) || "nobody on this page"}`,
        ...(names(false) === "" ? [] : [`* away: ${names(false)}`]),
        ...(saying.next === undefined ? [] : [`* and more: /who ${cleanLine(saying.next)}`]),
      ];
    }
    case "history":
      if (saying.messages.length === 0) return ["* no messages here for you"];
      return saying.messages.flatMap((entry) => {
        const [line = "", ...more] = said(entry, style, "");
        return [`* ${time(entry.at)} ${line}`, ...more];
      });
    case "help":
      return ROOM_HELP.map((line) => `* ${line}`);
    case "error":
      return [`* ${cleanLine(plainText(saying.message))}`];
    case "signal":
    case "state":
      return [];
    default:
      return saying satisfies never;
  }
}

/** What was erased is a notice, as nobody can write one. */
function said({ from, text, redacted }: Said, style: Style, mark = "* "): string[] {
  if (redacted === true) {
    return [`${mark}a message from ${paintName(from, style)} was erased by an operator`];
  }
  const [first = "", ...more] = cleanLines(text);
  return [`from ${paintName(from, style)}: ${first}`, ...more];
}

/** A message that went to nobody, as it was typed: nothing is lost. */
function quote({ text, to }: { readonly text: string; readonly to?: readonly string[] }): string[] {
  const [first = "", ...more] = cleanLines(text);
  return [`  ${cleanLine(to?.join(", ") ?? "*")}: ${first}`, ...more.map((line) => `  ${line}`)];
}

/** UTC, to the second; the room's clock may say anything. */
const time = (at: number): string => {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "(at some time)";
  return `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;
};

/**
 * The line above the prompt while the room is out of reach.
 * @param now ms since 1970
 * @returns undefined while there is nothing to say
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

/** Legible on black and on white: no black, white or grey. */
const COLOURS = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96] as const;
const DIM = 2;

/** A name has the same colour always and everywhere. */
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
  colour ? paint(colourOf(name), cleanLine(name)) : cleanLine(name);

export const dim = (text: string, { colour }: Pick<Style, "colour">): string =>
  colour ? paint(DIM, text) : text;
