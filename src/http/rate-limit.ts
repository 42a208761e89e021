/**
 * The rate limit of handshakes, counted by address.
 *
 * Invariant: if the limiter fails, upgrades are allowed; the room works on without it.
 */
import { logEvent } from "../observability/logger.ts";

/** `Retry-After` of a rate-limited address, in seconds: the period of the rate limit in wrangler.toml. */
export const RETRY_AFTER_S = 60;

/** Counts an upgrade. @returns whether its address exceeds the rate limit */
export async function isRateLimited(
  headers: Headers,
  limiter: RateLimit | undefined,
): Promise<boolean> {
  const address = headers.get("CF-Connecting-IP");
  const key = address === null ? undefined : rateLimitKey(address);
  if (limiter === undefined || key === undefined) return false;
  try {
    return !(await limiter.limit({ key })).success;
  } catch (error) {
    logEvent({ event: "rate-limit-unavailable", error: String(error) });
    return false;
  }
}

/**
 * Returns the key under which an address is counted: of an IPv6 address its /64, because one household has 2^64 addresses.
 * @returns undefined for loopback, as under `wrangler dev`: it comes through no network
 */
export function rateLimitKey(address: string): string | undefined {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return rateLimitKey(mapped);
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
