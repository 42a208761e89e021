/**
 * Why a handshake failed: a script is never told what the server answered to it, so the same address is asked in plain
 * HTTP, where a room of this version answers 426.
 */

/** @returns a sentence; undefined if the server is well, or cannot be reached at all */
export async function diagnose(room: string): Promise<string | undefined> {
  try {
    const response = await fetch(`/rooms/${encodeURIComponent(room)}`, { cache: "no-store" });
    if (response.status === 426) return undefined;
    return messageOf(await response.text()) ?? stranger(response.status);
  } catch {
    return undefined;
  }
}

function messageOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === "string" ? `The server says: ${error.message}` : undefined;
  } catch {
    return undefined;
  }
}

const stranger = (status: number): string =>
  `The server does not answer as a chat room of this version does (${status}): reload the page, and if that does not help, tell whoever runs it.`;
