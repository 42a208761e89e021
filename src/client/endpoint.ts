/**
 * Parses the address of an endpoint as a person writes it, for the library and for every program that takes one.
 *
 * Invariant: no part is dropped in silence. A path is a prefix; a query, a hash or a user is refused.
 */

const SCHEMES = new Set(["http:", "https:", "ws:", "wss:"]);

/** `localhost:8787`, `chat.example.com/team`: a host first, and no scheme. */
const WITHOUT_SCHEME = /^(\[[\da-f:.]+\]|[\p{L}\p{N}][\p{L}\p{N}.-]*)(:\d{1,5})?(\/.*)?$/iu;
/** Loopback. */
const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Reads `https://chat.example.com`, also with `http:`, `ws:` or `wss:` and with a path, which goes before `/rooms`.
 * Without a scheme a loopback address is `http:`, any other `https:`.
 * @returns the address, without a slash at the end of its path unless that is all; or a sentence that says what is wrong
 */
export function readEndpoint(text: string): URL | string {
  const url = parse(text);
  if (url === null || !SCHEMES.has(url.protocol) || url.host === "") {
    return `expected an address like https://chat.example.com or localhost:8787, not "${shortened(text)}"`;
  }
  if (url.username !== "" || url.password !== "") {
    return "no user or password belongs into an address: give a key instead";
  }
  if (url.search !== "" || url.hash !== "") {
    return "neither ? nor # belongs into the address of an endpoint: only a host, and a path if there is one";
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** Returns the address of a room below an endpoint. */
export function roomAddress(endpoint: URL, room: string): URL {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/rooms/${encodeURIComponent(room)}`;
  return url;
}

function parse(text: string): URL | null {
  const [, host] = WITHOUT_SCHEME.exec(text) ?? [];
  if (host === undefined) return /^[a-z]+:\/\//i.test(text.trim()) ? URL.parse(text) : null;
  const url = URL.parse(`https://${text}`);
  if (url !== null && LOOPBACK.test(url.hostname)) return URL.parse(`http://${text}`);
  return url;
}

/** The part after ? or before @ may be a secret. */
const shortened = (text: string): string =>
  text.slice(0, 80).replace(/\?.*/, "?…").replace(/.*@/, "…@");
