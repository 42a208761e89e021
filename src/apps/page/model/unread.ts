/** The first unread message, and the number of unread messages. */

export class Unread {
  #first: number | undefined;
  #count = 0;
  #isVisible = true;

  /** The seq of the first. It stays marked while the end of the log is visible, until it is hidden again. */
  get first(): number | undefined {
    return this.#first;
  }

  get count(): number {
    return this.#count;
  }

  onMessage(seq: number): void {
    if (this.#isVisible) return;
    this.#first ??= seq;
    this.#count++;
  }

  /** @param isVisible whether the end of the log is in sight */
  visibilityChanged(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    if (isVisible) this.#count = 0;
    else this.#first = undefined;
  }
}
