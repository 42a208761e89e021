/**
 * A token bucket: an allowance that refills with time. Plain data, with the time as an argument.
 */
export interface Bucket {
  level: number;
  /** When `level` was computed, ms since 1970. */
  at: number;
}

export interface Refill {
  readonly capacity: number;
  readonly perSecond: number;
}

/** Refills the bucket up to `now` and returns its level. A clock that steps back refills nothing. */
export function refill(bucket: Bucket, { capacity, perSecond }: Refill, now: number): number {
  const elapsed = Math.max(0, now - bucket.at);
  bucket.level = Math.min(capacity, bucket.level + (elapsed * perSecond) / 1_000);
  bucket.at = now;
  return bucket.level;
}

/**
 * A rate limit for each name, not for each connection: a reconnect does not refill it. A bucket that is full again is
 * dropped, so only names that sent something recently cost memory.
 */
export class RateLimiter {
  readonly #buckets: Map<string, Bucket>;
  readonly #refill: Refill;

  constructor(refillRate: Refill, buckets: Map<string, Bucket>) {
    this.#refill = refillRate;
    this.#buckets = buckets;
  }

  /** Takes `cost` from the bucket of `name`. @returns false, and takes nothing, if the bucket holds less */
  take(name: string, cost: number, now: number): boolean {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      this.#sweep(now);
      bucket = { level: this.#refill.capacity, at: now };
      this.#buckets.set(name, bucket);
    }
    if (refill(bucket, this.#refill, now) < cost) return false;
    bucket.level -= cost;
    return true;
  }

  /** Drops full buckets, oldest first, a few for each new one. */
  #sweep(now: number): void {
    let checks = 4;
    for (const [name, bucket] of this.#buckets) {
      if (checks-- === 0) return;
      const full = refill(bucket, this.#refill, now) >= this.#refill.capacity;
      this.#buckets.delete(name);
      if (!full) this.#buckets.set(name, bucket);
    }
  }
}
