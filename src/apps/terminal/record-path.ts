/** The path of the file that keeps the outbox and the cursor of a name. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

interface Owner {
  readonly url: URL;
  readonly room: string;
  readonly name: string;
}

/** @returns `…/chat-room/HOST/ROOM/NAME.json` (XDG base directory specification); HOST includes the URL's path */
export function recordPath({ url, room, name }: Owner, env: NodeJS.ProcessEnv): string {
  const given = env["XDG_STATE_HOME"] ?? "";
  // The specification says to ignore a relative path.
  const base = isAbsolute(given) ? given : join(homedir(), ".local", "state");
  const endpoint = fileName(url.host + url.pathname.replace(/\/$/, ""));
  return join(base, "chat-room", endpoint, fileName(room), `${fileName(name)}.json`);
}

/**
 * Escapes capitals and signs: file names on macOS and Windows ignore case, so that Alice and alice would share a file,
 * and cannot contain a colon. The escape sign is not allowed in names, so escaped names stay distinct.
 */
const fileName = (name: string): string =>
  Array.from(name, (char) =>
    char.toLowerCase() !== char || /[^\p{L}\p{N}\p{M}_.-]/u.test(char)
      ? `%${char.codePointAt(0)?.toString(16)}%`
      : char,
  ).join("");
