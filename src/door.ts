/**
 * Who may knock: pages of which origins, and how often one address.
 *
 * Invariants:
 * - A page may connect only if it comes from the endpoint itself or from an origin that the operator named.
 * - What counts the knocks may fail; the room works on without it.
 */

import type { Closing } from "./core/entrance.ts";
import { report } from "./journal.ts";

/** How long somebody waits who knocked too often: the period of the rate limit in wrangler.toml. */
export const RETRY_AFTER_S = 60;

/**
 * @param origin  the header, absent for programs that are no browser
 * @param url     the address under which the endpoint was called
 * @param allowed origins that the operator named
 */
export function mayConnect(origin: string | null, url: URL, allowed: ReadonlySet<string>): boolean {
  if (origin === null || allowed.has(origin)) return true;
  const page = URL.parse(origin);
  if (page?.host !== url.host) return false;
  // A page that came without encryption may be somebody else's. The other way round, TLS ended before this server.
  return page.protocol === "https:" || (page.protocol === "http:" && url.protocol === "http:");
}

/** How much of an origin a reason shows, in bytes: with the sentence around it, it fits into the 123 of a close. */
const ORIGIN_SHOWN_BYTES = 58;

/** The close that refuses a page: names its origin, and the var that would let it in. @param origin the header */
export function originRefused(origin: string): Closing {
  const reason =
    origin === "null"
      ? "pages of the origin null (files, sandboxed frames) may not connect: ALLOWED_ORIGINS cannot name it"
      : `pages of ${shown(origin)} may not connect: add it to the server's ALLOWED_ORIGINS`;
  return { code: 4003, reason };
}

/** A program may send anything as its origin: what is not plain ASCII is not repeated, and what is long is cut inside. */
function shown(origin: string): string {
  if (!/^[!-~]+$/.test(origin)) return "this origin";
  if (origin.length <= ORIGIN_SHOWN_BYTES) return origin;
  // The ellipsis has three bytes.
  const half = Math.floor((ORIGIN_SHOWN_BYTES - 3) / 2);
  return `${origin.slice(0, half)}…${origin.slice(-half)}`;
}

/** Counts a knock. @returns whether its address knocked too often */
export async function knocksTooOften(
  headers: Headers,
  limiter: RateLimit | undefined,
): Promise<boolean> {
  const address = headers.get("CF-Connecting-IP");
  const key = address === null ? undefined : limitKeyOf(address);
  if (limiter === undefined || key === undefined) return false;
  try {
    return !(await limiter.limit({ key })).success;
  } catch (error) {
    report({ event: "rate-limit-unavailable", error: String(error) });
    return false;
  }
}

/**
 * Under what an address is counted: an IPv6 one as its /64, of which one household has 2^64.
 * @returns undefined for this very computer, as under `wrangler dev`: nobody comes from there through a network
 */
export function limitKeyOf(address: string): string | undefined {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return limitKeyOf(mapped);
  if (address === "::1" || address.startsWith("127.")) return undefined;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const after = groupsOf(tail);
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

const groupsOf = (part: string): string[] => part.split(":").filter((group) => group !== "");
