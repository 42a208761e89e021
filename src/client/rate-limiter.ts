/**
 * Keeps to the room's `rate` and `burst`, so that the room does not close the connection for going too fast.
 *
 * Invariant: a second's worth of the rate is never used, so that delays which differ by less than that, and acks that
 * advance nothing, do not overdraw the room's own bucket, which sees everything later.
 */
import { DEFAULT_LIMITS } from "../protocol/limits.ts";

const capacityOf = (rate: number, burst: number): number => Math.max(10, burst - rate);

export class RateLimiter {
  #rate: number = DEFAULT_LIMITS.rate;
  #capacity = capacityOf(DEFAULT_LIMITS.rate, DEFAULT_LIMITS.burst);
  #level = this.#capacity;
  #at = 0;

  /** Sets the limits of the room. */
  set(rate: number, burst: number, now: number): void {
    this.#refill(now);
    this.#rate = rate;
    this.#capacity = capacityOf(rate, burst);
    this.#level = Math.min(this.#level, this.#capacity);
  }

  /** The room closed a connection for going too fast. */
  empty(now: number): void {
    this.#level = 0;
    this.#at = now;
  }

  /** @returns how many items may be sent now */
  available(now: number): number {
    this.#refill(now);
    return Math.floor(this.#level);
  }

  take(cost: number): void {
    this.#level -= cost;
  }

  /** @returns ms until `cost` items may be sent */
  wait(cost: number, now: number): number {
    this.#refill(now);
    return Math.max(0, Math.ceil(((cost - this.#level) / this.#rate) * 1_000));
  }

  #refill(now: number): void {
    const elapsed = this.#at === 0 ? 0 : Math.max(0, now - this.#at);
    this.#level = Math.min(this.#capacity, this.#level + (elapsed * this.#rate) / 1_000);
    this.#at = now;
  }
}
