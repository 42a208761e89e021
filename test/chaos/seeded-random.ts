/**
 * Random numbers from a seed: the same seed and label give the same numbers, in whatever order other labels draw.
 *
 * Not for secrets.
 */

export class SeededRandom {
  readonly #seed: number;
  #state: number;

  /** @param seed a whole number */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = mix(this.#seed);
  }

  /** Returns a generator for `label`, independent of what is drawn from this one. */
  fork(label: string): SeededRandom {
    let hash = this.#seed ^ 0x811c9dc5;
    for (const character of label) {
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    }
    return new SeededRandom(mix(hash));
  }

  /** @returns a number in [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** @returns a whole number from `min` to `max`, both included */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws if the list is empty */
  pick<T>(list: readonly T[]): T {
    const chosen = list[Math.floor(this.next() * list.length)];
    if (chosen === undefined) throw new RangeError("nothing to choose from");
    return chosen;
  }
}

/** The last steps of "mulberry32": each input bit changes about half of the output bits. */
function mix(seed: number): number {
  let value = Math.imul(seed ^ (seed >>> 15), seed | 1);
  value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
  return (value ^ (value >>> 14)) >>> 0;
}
