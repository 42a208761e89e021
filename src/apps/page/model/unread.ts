/** Where the unread begins, and how much of it there is. */

export class Unread {
  #first: number | undefined;
  #count = 0;
  #isLooking = true;

  /** The place of the first; it stays marked until somebody has looked, and looked away again. */
  get first(): number | undefined {
    return this.#first;
  }

  get count(): number {
    return this.#count;
  }

  arrives(seq: number): void {
    if (this.#isLooking) return;
    this.#first ??= seq;
    this.#count++;
  }

  /** Does somebody look at the end of the log? */
  visibilityChanged(isLooking: boolean): void {
    if (isLooking === this.#isLooking) return;
    this.#isLooking = isLooking;
    if (isLooking) this.#count = 0;
    else this.#first = undefined;
  }
}
