/**
 * The public keys of an issuer: fetched when a token needs one, and cached.
 *
 * Invariants:
 * - One fetch runs at a time, and all requests that need it share its result. A fetch belongs to the request that began it,
 *   so only plain data outlives a request, and the others poll for the result instead of awaiting it.
 * - Tokens with unknown keys cannot flood the issuer: at most one refetch per `COOLDOWN_MS`, and none for
 *   `FAILURE_COOLDOWN_MS` after a failure.
 * - Only keys that were fetched after the token came prove that a key does not exist. A failed fetch is `KeysUnavailable`,
 *   which is no fault of the token.
 */
import { JWKSNoMatchingKey } from "jose/errors";
import { createLocalJWKSet, type LocalJWKSet } from "jose/jwks/local";
import { logEvent } from "../../observability/logger.ts";

/** How long fetched keys are used: a key that the issuer revokes is rejected after at most this long. */
const MAX_AGE_MS = 600_000;
/** The least time between two fetches for unknown keys. */
const COOLDOWN_MS = 30_000;
/** The least time between a failed fetch and the next one. */
const FAILURE_COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 5_000;
/** How often a request polls for the end of a fetch of another request. */
const REUSE_MS = 20;

/** The keys cannot be fetched now; a later try may succeed. */
export class KeysUnavailable extends Error {}

type KeyResolver = (...token: Parameters<LocalJWKSet>) => ReturnType<LocalJWKSet>;

interface CachedKeys {
  readonly find: KeyResolver;
  /** When it was fetched, ms since 1970. */
  readonly at: number;
}

export class KeySet {
  readonly #url: string;
  #cached: CachedKeys | undefined;
  /** When a key was last unknown, and when a fetch last failed, ms since 1970. */
  #missedAt = 0;
  #failedAt = 0;
  /**
   * When the running fetch began, ms since 1970; 0: none runs. A request that is cancelled while it fetches leaves it set:
   * the others wait for `TIMEOUT_MS`, and then one of them fetches.
   */
  #busySince = 0;

  constructor(url: URL) {
    this.#url = url.href;
  }

  /**
   * Returns the key that a token names.
   * @throws KeysUnavailable, or an error of jose if no key of the set can have signed it
   */
  readonly find: KeyResolver = async (header, token) => {
    const now = Date.now();
    const kept = this.#cached;
    const copy = kept && isWithin(kept.at, MAX_AGE_MS, now) ? kept : await this.#fetch(now);
    try {
      return await copy.find(header, token);
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey) || copy.at >= now) throw error;
    }
    // The issuer may have a new key.
    if (!this.#isBusy()) {
      if (isWithin(this.#missedAt, COOLDOWN_MS, now))
        throw new KeysUnavailable("fetched a moment ago");
      this.#missedAt = now;
    }
    const { find } = await this.#fetch(now);
    return find(header, token);
  };

  #isBusy(): boolean {
    return isWithin(this.#busySince, TIMEOUT_MS, Date.now());
  }

  /** @returns keys that were fetched at `now` or later */
  async #fetch(now: number): Promise<CachedKeys> {
    while (this.#isBusy()) {
      await new Promise((resolve) => setTimeout(resolve, REUSE_MS));
    }
    const copy = this.#cached;
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
      this.#cached = { find, at: Date.now() };
      return this.#cached;
    } catch (error) {
      this.#failedAt = Date.now();
      logEvent({ event: "jwks-unavailable", error: String(error) });
      throw new KeysUnavailable("it cannot be fetched", { cause: error });
    } finally {
      this.#busySince = 0;
    }
  }
}

/** Returns whether `at` is less than `ms` ago. A clock that was set back since then postpones nothing. */
const isWithin = (at: number, ms: number, now: number): boolean => now >= at && now < at + ms;

let kept: { readonly url: string; readonly set: KeySet } | undefined;

/** Returns the one key set of this configuration, cached between requests. */
export function keySetAt(url: URL): KeySet {
  if (kept?.url !== url.href) kept = { url: url.href, set: new KeySet(url) };
  return kept.set;
}
