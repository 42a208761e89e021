/**
 * The set of visited states. Each has a number: the order in which it was found.
 *
 * States are distinguished by the 128 bits of the MD5 of their canonical text. Among 10^8 different texts, the chance
 * that any two share one is below 10^-22.
 */
import { hash } from "node:crypto";

/** A Map holds at most 2^24 entries. */
const SHARDS = 64;

export class Visited {
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<string, number>());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the number of the state with this text, and whether it is new */
  add(text: string): { readonly number: number; readonly isNew: boolean } {
    const digest = hash("md5", text, "latin1");
    const shard = this.#shards[digest.charCodeAt(0) % SHARDS] ?? new Map<string, number>();
    const known = shard.get(digest);
    if (known !== undefined) return { number: known, isNew: false };
    shard.set(digest, this.#size);
    return { number: this.#size++, isNew: true };
  }
}

/** A growing list of whole numbers below 2^32, four bytes each. */
export class Numbers {
  #values: Uint32Array;
  #length: number;

  /** @param length number of initial zeros */
  constructor(length = 0) {
    this.#values = new Uint32Array(Math.max(length, 1_024));
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const wider = new Uint32Array(this.#length * 2);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.#length++] = value;
  }

  at(index: number): number {
    return index < this.#length ? (this.#values[index] ?? 0) : 0;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  add(index: number, value: number): void {
    this.#values[index] = this.at(index) + value;
  }
}
