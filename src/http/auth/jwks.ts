/**
 * The public keys of an issuer: fetched when a token needs one, and kept.
 *
 * Invariants:
 * - One fetch is under way at a time, and all requests that need it share its result. What outlives a request is plain
 *   data: a fetch belongs to the request that began it, so the others look for its result instead of awaiting it.
 * - Tokens cannot flood the issuer: a key that is not in the copy causes at most one fetch per `COOLDOWN_MS`, and a
 *   failed fetch none for `REST_MS`.
 * - Only a copy that was fetched after the token came can say that there is no such key. That one cannot be fetched is
 *   `KeysUnavailable`, which is no fault of the token.
 */
import { JWKSNoMatchingKey } from "jose/errors";
import { createLocalJWKSet, type LocalJWKSet } from "jose/jwks/local";
import { logEvent } from "../../observability/logger.ts";

/** How long a copy is good for: an issuer that withdraws a key waits this long for it to be refused. */
const MAX_AGE_MS = 600_000;
/** The least time between two fetches for keys that are not in the copy. */
const COOLDOWN_MS = 30_000;
/** The least time after a fetch that failed. */
const FAILURE_COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 5_000;
/** How often a request looks whether the fetch of another one has ended. */
const REUSE_MS = 20;

/** The keys cannot be had now; later they may. */
export class KeysUnavailable extends Error {}

type KeyResolver = (...token: Parameters<LocalJWKSet>) => ReturnType<LocalJWKSet>;

interface CachedKeys {
  readonly find: KeyResolver;
  /** When it came, ms since 1970. */
  readonly at: number;
}

export class KeySet {
  readonly #url: string;
  #copy: CachedKeys | undefined;
  /** When a key was last looked for that the copy did not have, and when a fetch last failed: ms since 1970. */
  #missedAt = 0;
  #failedAt = 0;
  /**
   * Since when a fetch is under way, ms since 1970; 0: none is. A request that is cancelled while it fetches leaves it
   * set: the others wait for `TIMEOUT_MS`, and one of them fetches.
   */
  #busySince = 0;

  constructor(url: URL) {
    this.#url = url.href;
  }

  /**
   * The key that a token names.
   * @throws KeysUnavailable, or an error of jose if no key of the set can have signed it
   */
  readonly find: KeyResolver = async (header, token) => {
    const now = Date.now();
    const kept = this.#copy;
    const copy = kept && isWithin(kept.at, MAX_AGE_MS, now) ? kept : await this.#fetch(now);
    try {
      return await copy.find(header, token);
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey) || copy.at >= now) throw error;
    }
    // The issuer may have a new key.
    if (!this.#isBusy()) {
      if (isWithin(this.#missedAt, COOLDOWN_MS, now))
        throw new KeysUnavailable("asked a moment ago");
      this.#missedAt = now;
    }
    const { find } = await this.#fetch(now);
    return find(header, token);
  };

  #isBusy(): boolean {
    return isWithin(this.#busySince, TIMEOUT_MS, Date.now());
  }

  /** @returns a copy that is no older than `now` */
  async #fetch(now: number): Promise<CachedKeys> {
    while (this.#isBusy()) {
      await new Promise((resolve) => setTimeout(resolve, REUSE_MS));
    }
    const copy = this.#copy;
    if (copy !== undefined && copy.at >= now && copy.at <= Date.now()) return copy;
    if (isWithin(this.#failedAt, FAILURE_COOLDOWN_MS, now))
      throw new KeysUnavailable("failed a moment ago");
    this.#busySince = Date.now();
    try {
      const headers = { Accept: "application/jwk-set+json, application/json" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(this.#url, { headers, signal, redirect: "manual" });
      if (response.status !== 200) throw new Error(`it answers ${response.status}`);
      const find = createLocalJWKSet(await response.json());
      this.#copy = { find, at: Date.now() };
      return this.#copy;
    } catch (error) {
      this.#failedAt = Date.now();
      logEvent({ event: "jwks-unavailable", error: String(error) });
      throw new KeysUnavailable("it cannot be fetched", { cause: error });
    } finally {
      this.#busySince = 0;
    }
  }
}

/** Did `at` happen less than `ms` ago? A clock that was set back since then does not postpone anything. */
const isWithin = (at: number, ms: number, now: number): boolean => now >= at && now < at + ms;

let kept: { readonly url: string; readonly set: KeySet } | undefined;

/** The one key set of this configuration, kept from request to request. */
export function keySetAt(url: URL): KeySet {
  if (kept?.url !== url.href) kept = { url: url.href, set: new KeySet(url) };
  return kept.set;
}
