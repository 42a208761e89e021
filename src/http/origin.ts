/**
 * The origins of pages that may connect.
 *
 * Invariant: a page may connect only if it comes from the endpoint itself or from an origin that the operator named.
 */
import { CLOSE, type CloseFrame } from "../protocol/close-codes.ts";

/**
 * @param origin  the header, absent for programs that are no browser
 * @param url     the address under which the endpoint was called
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
  // A page that came without encryption may be somebody else's. The other way round, TLS ended before this server.
  return page.protocol === "https:" || (page.protocol === "http:" && url.protocol === "http:");
}

/** How much of an origin a reason shows, in bytes: with the sentence around it, it fits into the 123 of a close. */
const ORIGIN_SHOWN_BYTES = 58;

/** The close that refuses a page: names its origin, and the var that would let it in. @param origin the header */
export function originRefused(origin: string): CloseFrame {
  const reason =
    origin === "null"
      ? "pages of the origin null (files, sandboxed frames) may not connect: ALLOWED_ORIGINS cannot name it"
      : `pages of ${shown(origin)} may not connect: add it to the server's ALLOWED_ORIGINS`;
  return { code: CLOSE.FORBIDDEN, reason };
}

/** A program may send anything as its origin: what is not plain ASCII is not repeated, and what is long is cut inside. */
function shown(origin: string): string {
  if (!/^[!-~]+$/.test(origin)) return "this origin";
  if (origin.length <= ORIGIN_SHOWN_BYTES) return origin;
  // The ellipsis has three bytes.
  const half = Math.floor((ORIGIN_SHOWN_BYTES - 3) / 2);
  return `${origin.slice(0, half)}…${origin.slice(-half)}`;
}
