/**
 * The codec of `chat.line`, the tutorial's dialect: lines for people, and for ten-line scripts.
 *
 * Invariants:
 * - R7: no text makes `readLines` throw; a line that cannot be parsed becomes a refusal that says what to write instead.
 * - No sender can forge a line: every line that is sent begins with `from `, `* ` or two spaces, and control characters are
 *   removed.
 */
import type { Entry, Message, Patch } from "../core/entry.ts";
import type { Command, ServerMessage } from "../core/event.ts";
import { KIB, type Limits } from "../core/limits.ts";
import { HISTORY_MAX, HISTORY_DEFAULT } from "../protocol/limits.ts";
import { NAME_GRAMMAR, parsePeerName, type PeerName, utf8Length } from "../protocol/ids.ts";
import type { FrameText } from "./json.ts";
import { merged, validateMessage, refused, tooManyRecipients } from "./validation.ts";
import { sanitizeLine } from "../protocol/sanitize.ts";
import { COLON, COMMA, HOW_TO_SEND } from "../protocol/line-syntax.ts";

/** `chat.line` frames are split at a line end below this many bytes. */
export const LINE_FRAME_BYTES = 256 * KIB;

const HELP = [
  'bob, carol: hi    sends "hi" to bob and carol; it waits for them if they are away',
  "*: hi             sends to everyone the room knows",
  "/who              who is here, and who is away",
  `/history [n]      the last n messages, 1 to ${HISTORY_MAX}, ${HISTORY_DEFAULT} if you do not say`,
  "/help             this",
  "/quit             leaves; what comes meanwhile waits for you",
];

/** Parses a frame. @param text one text frame; several lines in it are several commands */
export function* readLines(text: string, limits: Limits): Generator<Command, void> {
  let empty = true;
  for (const line of text.replaceAll("\r", "").split("\n")) {
    const trimmed = line.trim();
    if (trimmed === "") continue;
    empty = false;
    yield trimmed.startsWith("/") ? readSlash(trimmed) : readMessage(trimmed, limits);
  }
  if (empty) yield { type: "Empty" };
}

function readSlash(line: string): Command {
  const [command, argument, ...rest] = line.split(/\s+/);
  if (rest.length > 0) return refused("bad-frame", "too many words after the command; see /help");
  switch (command) {
    case "/who": {
      if (argument === undefined) return { type: "Who" };
      const after = parsePeerName(argument);
      if (after === undefined) return refused("bad-frame", `/who: ${NAME_GRAMMAR}`);
      return { type: "Who", after };
    }
    case "/history": {
      const limit = argument === undefined ? HISTORY_DEFAULT : Number(argument);
      if (/^\d{1,3}$/.test(argument ?? "1") && limit >= 1 && limit <= HISTORY_MAX) {
        return { type: "History", limit };
      }
      return refused(
        "bad-frame",
        `write /history, or /history and a number from 1 to ${HISTORY_MAX}`,
      );
    }
    case "/help":
    case "/quit":
      if (argument !== undefined) return refused("bad-frame", `write ${command} by itself`);
      return { type: command === "/help" ? "Help" : "Quit" };
    default:
      return refused("bad-frame", "no such command; there are /who, /history, /help and /quit");
  }
}

function readMessage(line: string, limits: Limits): Command {
  const colon = line.search(COLON);
  if (colon === -1) return refused("bad-frame", `to whom? ${HOW_TO_SEND}`);
  const text = line.slice(colon + 1).trim();
  const to = new Set<PeerName>();
  const names = line.slice(0, colon).trim();
  if (text === "") return refused("bad-frame", `nothing after the colon: ${HOW_TO_SEND}`);
  if (!text.isWellFormed()) return refused("bad-frame", "the text is not well-formed Unicode");
  if (names === "*") return validateMessage(text, undefined, undefined, limits);
  const parts = merged(
    names.split(COMMA).map((part) => part.trim()),
    limits,
  );
  if (parts.length > limits.recipients) return tooManyRecipients(parts, limits, undefined);
  for (const part of parts) {
    const name = parsePeerName(part);
    if (name === undefined) {
      return refused("bad-frame", `before the colon: ${NAME_GRAMMAR}; ${HOW_TO_SEND}`);
    }
    to.add(name);
  }
  return validateMessage(text, [...to], undefined, limits);
}

/** Encodes the messages of a turn as frames of whole lines, as few as their size allows. */
export function writeLines(messages: readonly ServerMessage[], me: PeerName): FrameText[] {
  const frames: FrameText[] = [];
  let lines: string[] = [];
  let bytes = 0;
  const cut = (): void => {
    if (lines.length > 0) frames.push({ text: lines.join("\n"), bytes: bytes - 1 });
    lines = [];
    bytes = 0;
  };
  for (const out of messages) {
    for (const line of linesOf(out, me)) {
      const own = utf8Length(line) + 1;
      if (bytes + own > LINE_FRAME_BYTES) cut();
      lines.push(line);
      bytes += own;
    }
  }
  cut();
  return frames;
}

function linesOf(out: ServerMessage, me: PeerName): string[] {
  switch (out.type) {
    case "welcome": {
      const others = out.peers.filter((name) => name !== me);
      const more = out.online - 1 - others.length;
      const here = others.length === 0 ? "nobody else is here" : `here: ${others.join(", ")}`;
      return [
        `* welcome to ${out.room}, ${me}; ${here}${more > 0 ? ` and ${more} more` : ""}`,
        `* ${HOW_TO_SEND}; /who /history /help /quit`,
      ];
    }
    case "gap":
      return [
        `* the messages ${out.from} to ${out.to} are no longer kept; some may have been for you`,
      ];
    case "entries":
      return out.entries.flatMap((entry) => {
        const { notice, text } = shown(entry);
        const [line, ...more] = text;
        return line === undefined ? [] : [notice ? `* ${line}` : line, ...more];
      });
    case "presence": {
      const joined = out.joined.filter((name) => name !== me);
      return [
        ...(joined.length > 0 ? [`* ${joined.join(", ")} joined`] : []),
        ...(out.left.length > 0 ? [`* ${out.left.join(", ")} left`] : []),
        ...(out.missed ? [`* more came or left; ${out.online} are here now, see /who`] : []),
      ];
    }
    case "history":
      if (out.entries.length === 0) return ["* no messages here for you"];
      return out.entries.flatMap((entry) => {
        const [line, ...more] = shown(entry).text;
        return line === undefined ? [] : [`* ${time(entry.at)} ${line}`, ...more];
      });
    case "who": {
      const names = (online: boolean): string =>
        out.peers
          .filter((peer) => peer.online === online)
          .map(({ name }) => name)
          .join(", ");
      return [
        `* here: ${names(true) || "nobody on this page"}`,
        ...(names(false) === "" ? [] : [`* away: ${names(false)}`]),
        ...(out.next === undefined ? [] : [`* and more: /who ${out.next}`]),
      ];
    }
    case "error":
      return [`* ${sanitizeLine(out.refusal.message)}`];
    case "away": {
      const are =
        out.names.length === 1 ? "is away: the message waits" : "are away: the message waits";
      return [`* ${out.names.join(", ")} ${are}`];
    }
    case "help":
      return HELP.map((line) => `* ${line}`);
    case "mark":
    case "ready":
    case "signal":
      return [];
    default:
      return out satisfies never;
  }
}

/** The lines of an entry; `notice`: of a kind that no sender can write. */
interface Shown {
  readonly notice: boolean;
  readonly text: readonly string[];
}

const notice = (...text: string[]): Shown => ({ notice: true, text });

function shown(entry: Entry): Shown {
  if (entry.quiet) return notice();
  return entry.type === "message" ? shownMessage(entry) : shownPatch(entry);
}

function shownMessage({ from, text, erased, by }: Message): Shown {
  if (erased) return notice(by ? erasedByOperator(from) : `a message from ${from} was erased`);
  if (text === "") return notice(`${from} sent something that a line cannot show`);
  return { notice: false, text: wrapped(`from ${from}: ${text}`) };
}

/** A patch without contents has had another take its place. */
function shownPatch({ from, text, erase, by }: Patch): Shown {
  if (erase) return notice(by ? erasedByOperator(from) : `${from} erased a message`);
  return text === undefined || text === ""
    ? notice()
    : notice(...wrapped(`${from} changed a message: ${text}`));
}

const erasedByOperator = (from: PeerName): string =>
  `a message from ${from} was erased by an operator`;

/** A text with line breaks continues on indented lines. */
const wrapped = (text: string): string[] =>
  text.split(BREAKS).map((line, index) => (index === 0 ? "" : "  ") + sanitizeLine(line));

const BREAKS = /\r\n|[\n\r\u0085\u2028\u2029]/;

/** UTC, to the second. */
const time = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replace("T", " ")}Z`;
