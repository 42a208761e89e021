/** The state of the link, and its ends, in words: what it is, and what to do. */
import { type ClientState, type HandshakeFinding, plainText } from "../../../client/index.ts";
import { CLOSE } from "../../../protocol/close-codes.ts";

/** What the page itself knows on top of the link. */
export type Status =
  | ClientState
  /** Another tab of this browser has this name. `asked`: it was asked to let go; `silent`: it did not. */
  | { readonly type: "held"; readonly stage: "found" | "asked" | "silent" }
  /** This tab gave the name to another one. */
  | { readonly type: "given" };

/** The colour of the dot beside the words. */
export type Tone = "good" | "busy" | "bad";

export interface StatusText {
  readonly text: string;
  readonly tone: Tone;
  /** Trying at once is possible. */
  readonly canTry: boolean;
}

const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1_000));
const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const sentence = (text: string): string => upper(plainText(text).replace(/[.\s]*$/, "."));

/** The room's reason without its advice, which comes behind a colon: for where the page gives the advice itself. */
export const causeOf = (why: string): string => plainText(why).split(": ", 1)[0] ?? "";
/** The page comes back by itself. */
const withoutComeBack = (why: string): string => why.replace(/(:|, or) come back[^:]*$/, "");

export function statusText(status: Status, now: number): StatusText {
  switch (status.type) {
    case "connecting":
      return {
        text: status.tries === 0 ? "Connecting" : "Trying again",
        tone: "busy",
        canTry: false,
      };
    case "replaying":
      return { text: "Catching up", tone: "busy", canTry: false };
    case "live":
      return status.checking
        ? { text: "Checking the connection", tone: "busy", canTry: false }
        : { text: "Connected", tone: "good", canTry: false };
    case "offline": {
      const left = seconds(status.retryAt - now);
      const when = left > 0 ? `trying again in ${left} s` : "trying again";
      return {
        text: `${upper(withoutComeBack(plainText(status.why)))}: ${when}`,
        tone: "bad",
        canTry: left > 0,
      };
    }
    case "paused":
      return { text: "Cut off, by you", tone: "bad", canTry: false };
    case "held":
    case "given":
      return { text: "In another tab", tone: "bad", canTry: false };
    case "closed":
      return { text: "Not connected", tone: "bad", canTry: false };
    default:
      return status satisfies never;
  }
}

export type Action =
  | "use-here"
  | "try-again"
  | "other-name"
  | "enter-key"
  | "reload"
  | "keep-nothing";

export const ACTIONS: Readonly<Record<Action, string>> = {
  "use-here": "Use it here",
  "try-again": "Try again",
  "other-name": "Choose another name",
  "enter-key": "Enter a key",
  reload: "Reload the page",
  "keep-nothing": "Go on without keeping anything",
};

export interface Banner {
  readonly text: string;
  readonly actions: readonly Action[];
}

/** The room refuses the page itself, whatever the name and the key: then the reason names the var to set. */
export const isPageRefused = ({ code, why }: Extract<Status, { type: "closed" }>): boolean =>
  code === CLOSE.FORBIDDEN && why.includes("ALLOWED_ORIGINS");

/** What stands in the way of talking, and what to do about it; undefined if nothing does. */
export function bannerOf(status: Status, name: string): Banner | undefined {
  if (status.type === "held") return held(status.stage, name);
  if (status.type === "given") {
    return {
      text: `You are ${name} in another tab now. What you wrote here is there too.`,
      actions: ["use-here", "other-name"],
    };
  }
  if (status.type !== "closed" || status.code === CLOSE.NORMAL) return undefined;
  const { code, why } = status;
  switch (code) {
    case CLOSE.REPLACED:
      return {
        text: `${name} has connected from somewhere else, and one connection per name is all there is. Take it over, or use another name here.`,
        actions: ["use-here", "other-name"],
      };
    case CLOSE.FORBIDDEN:
      if (isPageRefused(status)) return { text: sentence(why), actions: ["try-again"] };
      return {
        text: `${sentence(causeOf(why))} If ${name} is yours on another device, enter the key of that one.`,
        actions: ["enter-key", "other-name"],
      };
    case CLOSE.KEY_EXPIRED:
      return {
        text: `${sentence(causeOf(why))} Enter a fresh key to go on.`,
        actions: ["enter-key", "try-again"],
      };
    case CLOSE.REMOVED:
    case CLOSE.ROOM_CLOSED:
      return { text: sentence(why), actions: ["try-again", "other-name"] };
    case CLOSE.INTERNAL_ERROR:
      return {
        text: `${sentence(why.replace(", or use memoryStorage()", ""))} What you wrote stands below; nothing of it is sent until this is mended.`,
        actions: ["try-again", "keep-nothing"],
      };
    default:
      return { text: sentence(why), actions: ["reload", "other-name"] };
  }
}

function held(stage: "found" | "asked" | "silent", name: string): Banner {
  if (stage === "asked") return { text: "Asking the other tab to let go.", actions: [] };
  if (stage === "found") {
    return {
      text: `You are ${name} in another tab of this browser, and one tab at a time has a name.`,
      actions: ["use-here", "other-name"],
    };
  }
  return {
    text: "The other tab does not answer; it may be asleep. Close it, and this one goes on by itself.",
    actions: ["use-here", "other-name"],
  };
}

/** Why handshakes fail; undefined if the room answers, or nothing does. */
export function diagnosisText(finding: HandshakeFinding): string | undefined {
  switch (finding.type) {
    case "room":
    case "unreachable":
      return undefined;
    case "blocked":
      return "The server answers, but WebSockets do not get through to it: something in between, like a proxy, does not pass them on.";
    case "other": {
      const { status, message } = finding;
      if (message !== undefined) return `The server says: ${plainText(message)}`;
      const answer = status === 0 ? "a redirect" : String(status);
      return `The server does not answer as a chat room of this version does (${answer}): reload the page, and if that does not help, contact the operator.`;
    }
    default:
      return finding satisfies never;
  }
}

/** Who types, in words; empty if nobody does. */
export function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing`;
  return names.length === 2 ? `${first} and ${second} are typing` : "several people are typing";
}
