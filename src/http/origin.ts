/**
 * The origins of pages that may connect.
 *
 * Invariant: a page may connect only if it comes from the endpoint itself or from an origin that the operator named.
 */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";

/**
 * Returns whether a page of `origin` may connect.
 * @param origin  the header, absent for programs that are no browser
 * @param url     the URL of the request
 * @param allowed origins that the operator named
 */
export function isOriginAllowed(
  origin: string | null,
  url: URL,
  allowed: ReadonlySet<string>,
): boolean {
  if (origin === null || allowed.has(origin)) return true;
  const page = URL.parse(origin);
  if (page?.host !== url.host) return false;
  // An unencrypted page may be forged. The reverse is allowed: TLS ended before this server.
  return page.protocol === "https:" || (page.protocol === "http:" && url.protocol === "http:");
}

/** Bytes of an origin that a reason shows: with its sentence, that fits into the 123 bytes of a close. */
const ORIGIN_SHOWN_BYTES = 58;

/** Returns the close that rejects a page: it names the origin, and the var that would allow it. @param origin the header */
export function originRefused(origin: string): CloseFrame {
  const reason =
    origin === "null"
      ? "pages of the origin null (files, sandboxed frames) may not connect: ALLOWED_ORIGINS cannot name it"
      : `pages of ${shown(origin)} may not connect: add it to the server's ALLOWED_ORIGINS`;
  return { code: CLOSE.FORBIDDEN, reason };
}

/** Shortens an origin. A program may send any text: one that is not plain ASCII is not repeated. */
function shown(origin: string): string {
  if (!/^[!-~]+$/.test(origin)) return "this origin";
  if (origin.length <= ORIGIN_SHOWN_BYTES) return origin;
  // The ellipsis has three bytes.
  const half = Math.floor((ORIGIN_SHOWN_BYTES - 3) / 2);
  return `${origin.slice(0, half)}…${origin.slice(-half)}`;
}
