/** The texts for the state of the connection and for its close, with the reason and the actions. */
import { type ClientState, type HandshakeFinding, plainText } from "../../../client/index.ts";
import { CLOSE } from "../../../protocol/close-codes.ts";

/** The state of the client, and the two states that only the page knows. */
export type Status =
  | ClientState
  /** Another tab of this browser has this name. `requested`: it should release it; `no-answer`: it did not. */
  | { readonly type: "held"; readonly stage: "found" | "requested" | "no-answer" }
  /** This tab gave the name to another one. */
  | { readonly type: "handed-over" };

/** The colour of the dot beside the text. */
export type Tone = "good" | "busy" | "bad";

export interface StatusText {
  readonly text: string;
  readonly tone: Tone;
  /** Whether the person can retry now. */
  readonly canRetry: boolean;
}

const seconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1_000));
const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const sentence = (text: string): string =>
  capitalized(plainText(text).replace(/[.\s]*$/, "."));

/** The room's reason without its advice, which follows a colon: for texts in which the page gives the advice. */
export const causeOf = (why: string): string => plainText(why).split(": ", 1)[0] ?? "";
/** The reason without the advice to come back, because the page reconnects by itself. */
const withoutReturnAdvice = (why: string): string => why.replace(/(:|, or) come back[^:]*$/, "");

export function statusText(status: Status, now: number): StatusText {
  switch (status.type) {
    case "connecting":
      return {
        text: status.tries === 0 ? "Connecting" : "Trying again",
        tone: "busy",
        canRetry: false,
      };
    case "replaying":
      return { text: "Catching up", tone: "busy", canRetry: false };
    case "live":
      return status.checking
        ? { text: "Checking the connection", tone: "busy", canRetry: false }
        : { text: "Connected", tone: "good", canRetry: false };
    case "offline": {
      const left = seconds(status.retryAt - now);
      const when = left > 0 ? `trying again in ${left} s` : "trying again";
      return {
        text: `${capitalized(withoutReturnAdvice(plainText(status.why)))}: ${when}`,
        tone: "bad",
        canRetry: left > 0,
      };
    }
    case "paused":
      return { text: "Cut off by you", tone: "bad", canRetry: false };
    case "held":
    case "handed-over":
      return { text: "In another tab", tone: "bad", canRetry: false };
    case "closed":
      return { text: "Not connected", tone: "bad", canRetry: false };
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
  "keep-nothing": "Go on without saving",
};

export interface Banner {
  readonly text: string;
  readonly actions: readonly Action[];
}

/** The room rejects the page itself, whatever the name and the key: then the reason names the var to set. */
export const isPageRefused = ({ code, why }: Extract<Status, { type: "closed" }>): boolean =>
  code === CLOSE.FORBIDDEN && why.includes("ALLOWED_ORIGINS");

/** Returns why the person cannot talk, and what they can do; undefined if they can talk. */
export function bannerOf(status: Status, name: string): Banner | undefined {
  if (status.type === "held") return heldBanner(status.stage, name);
  if (status.type === "handed-over") {
    return {
      text: `You are ${name} in another tab now. Your unsent messages and your draft are there too.`,
      actions: ["use-here", "other-name"],
    };
  }
  if (status.type !== "closed" || status.code === CLOSE.NORMAL) return undefined;
  const { code, why } = status;
  switch (code) {
    case CLOSE.REPLACED:
      return {
        text: `${name} has connected from somewhere else, and a name has one connection at a time. Use it here again, or choose another name.`,
        actions: ["use-here", "other-name"],
      };
    case CLOSE.FORBIDDEN:
      if (isPageRefused(status)) return { text: sentence(why), actions: ["try-again"] };
      return {
        text: `${sentence(causeOf(why))} If ${name} is yours on another device, enter the key of that device.`,
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
        text: `${sentence(why.replace(", or use memoryStorage()", ""))} Your unsent messages are below. They are not sent until this is solved.`,
        actions: ["try-again", "keep-nothing"],
      };
    default:
      return { text: sentence(why), actions: ["reload", "other-name"] };
  }
}

function heldBanner(stage: "found" | "requested" | "no-answer", name: string): Banner {
  if (stage === "requested") {
    return { text: "Waiting for the other tab to release the name.", actions: [] };
  }
  if (stage === "found") {
    return {
      text: `You are ${name} in another tab of this browser. Only one tab at a time can use a name.`,
      actions: ["use-here", "other-name"],
    };
  }
  return {
    text: "The other tab does not answer. It may be asleep. Close it, and this tab connects by itself.",
    actions: ["use-here", "other-name"],
  };
}

/** Why handshakes fail; undefined if the room answers, or no server does. */
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
      return `The server does not answer like a chat room of this version (${answer}). Reload the page. If that does not help, contact the operator.`;
    }
    default:
      return finding satisfies never;
  }
}

/** Names the people who type; empty if nobody does. */
export function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing`;
  return names.length === 2 ? `${first} and ${second} are typing` : "several people are typing";
}
