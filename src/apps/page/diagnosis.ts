/**
 * Why handshakes fail that no close explains: a script is never shown what the server answered to one, so the same
 * address is asked in plain HTTP, where a room of this version answers 426, or what is in the way.
 */
import { plainText } from "../../client/index.ts";

/** How many handshakes in a row must fail, before the way is blamed instead of a moment. */
const FAILED_MAX = 2;

const BLOCKED =
  "The server answers, but WebSockets do not get through to it: something in between, like a proxy, does not pass them on.";

/** @param failed how many handshakes in a row failed without a word. @returns a sentence; undefined if there is none */
export async function diagnose(room: string, failed: number): Promise<string | undefined> {
  try {
    const response = await fetch(`/rooms/${encodeURIComponent(room)}`, { cache: "no-store" });
    if (response.status === 426) return failed < FAILED_MAX ? undefined : BLOCKED;
    return messageOf(await response.text()) ?? stranger(response.status);
  } catch {
    return undefined;
  }
}

function messageOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === "string"
      ? `The server says: ${plainText(error.message)}`
      : undefined;
  } catch {
    return undefined;
  }
}

const stranger = (status: number): string =>
  `The server does not answer as a chat room of this version does (${status}): reload the page, and if that does not help, tell whoever runs it.`;
