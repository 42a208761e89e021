/** Where the outbox and the cursor of a name are kept. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

interface Owner {
  readonly url: URL;
  readonly room: string;
  readonly name: string;
}

/** @returns `…/chat-room/HOST/ROOM/NAME.json`, by the XDG base directory specification; a path of the URL is part of HOST */
export function recordPath({ url, room, name }: Owner, env: NodeJS.ProcessEnv): string {
  const given = env["XDG_STATE_HOME"] ?? "";
  // A relative one is to be ignored, says the specification.
  const base = isAbsolute(given) ? given : join(homedir(), ".local", "state");
  const endpoint = fileName(url.host + url.pathname.replace(/\/$/, ""));
  return join(base, "chat-room", endpoint, fileName(room), `${fileName(name)}.json`);
}

/**
 * Alice and alice are two names, but one file where case does not count (macOS, Windows); and a colon is no part of
 * a file's name there. The marks of escape stand in no name.
 */
const fileName = (name: string): string =>
  Array.from(name, (char) =>
    char.toLowerCase() !== char || /[^\p{L}\p{N}\p{M}_.-]/u.test(char)
      ? `%${char.codePointAt(0)?.toString(16)}%`
      : char,
  ).join("");
